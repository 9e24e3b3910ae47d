//! Programs that start programs.

mod common;

use common::{ACT, act, shell};
use ns_process::{Memory, Namespace};
use ns_testbed::forked;
use rustix::process::{getegid, geteuid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Not a test: the program of the next one, which starts a container itself.
#[test]
fn start_inside() {
    if std::env::var_os(ACT).is_some() {
        let mut container = shell("cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '");
        let status = container.namespace(Namespace::User).map_zero().status().expect("start");
        std::process::exit(i32::from(!status.success()));
    }
}

/// A container within a container: the inner map is written by the inner caller, who is the right
/// ancestor, whichever proc it sees.
#[test]
fn a13_nested_containers() {
    ns_testbed::run_as!([Root, User, Nested], {
        for kinds in [&[][..], &[Namespace::Pid], &[Namespace::Pid, Namespace::Mnt]] {
            let mut outer = act("start_inside");
            outer.namespace(Namespace::User).namespaces(kinds.iter().copied()).map_zero();
            if kinds.len() == 2 {
                outer.mount_proc();
            }
            let output = outer.output().expect("start");
            let told = String::from_utf8(output.stdout).expect("text");
            assert!(output.status.success() && told.contains(" 0 0 1\n 0 0 1\n"), "{told}");
        }
    });
}

/// A program that has entered a user namespace without being executed there has privilege, and memory that
/// belongs outside: a child in a copy of it can be mapped all the same.
#[test]
fn a14_a_copy_of_foreign_memory() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
            // SAFETY: nothing of this process is shared.
            #[expect(unsafe_code, reason = "a user namespace for a forked child")]
            unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.expect("unshare");
            for (file, text) in [
                ("setgroups", "deny".to_owned()),
                ("uid_map", format!("0 {uid} 1")),
                ("gid_map", format!("0 {gid} 1")),
            ] {
                std::fs::write(format!("/proc/self/{file}"), text).expect("write");
            }
            for memory in [Memory::Auto, Memory::Copied] {
                let mut container = shell("exit 7");
                container.namespace(Namespace::User).map_zero().memory(memory);
                assert_eq!(container.status().expect("start").code(), Some(7), "{memory:?}");
            }
            0
        });
        assert_eq!(code, 0);
    });
}
