//! Starts by programs that were started in namespaces.

use crate::common::program::{helper_test, is_helper_test};
use crate::common::users::unshare_user;
use crate::common::{in_child, shell};
use ns_process::{Memory, Namespace};
use ns_sys::UnshareFlags;

/// Not a test: the program of the next test, which starts a container.
#[test]
fn helper_that_starts() {
    if is_helper_test() {
        let mut container = shell("cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '");
        let status = container.namespace(Namespace::User).map_zero().status().expect("start");
        std::process::exit(i32::from(!status.success()));
    }
}

/// In a container within a container the map is written by the inner caller, whichever proc it has.
#[test]
fn a13_a_nested_container_is_mapped() {
    ns_testbed::run_as!([Root, User, Nested], {
        for kinds in [&[][..], &[Namespace::Pid], &[Namespace::Pid, Namespace::Mnt]] {
            let mut outer = helper_test(helper_that_starts);
            outer.namespace(Namespace::User).namespaces(kinds.iter().copied()).map_zero();
            if kinds.len() == 2 {
                outer.mount_proc();
            }
            let output = outer.output().expect("start");
            let text = String::from_utf8(output.stdout).expect("text");
            assert!(output.status.success() && text.contains(" 0 0 1\n 0 0 1\n"), "{text}");
        }
    });
}

/// A caller that unshared its user namespace has capabilities there, but memory of the outer user namespace. Its
/// children can be mapped in shared and in copied memory.
#[test]
fn a14_a_caller_with_memory_of_an_outer_namespace() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            unshare_user(UnshareFlags::empty());
            for memory in [Memory::Auto, Memory::Copied] {
                let mut container = shell("exit 7");
                container.namespace(Namespace::User).map_zero().memory(memory);
                assert_eq!(container.status().expect("start").code(), Some(7), "{memory:?}");
            }
        });
    });
}
