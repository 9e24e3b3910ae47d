//! The values that name a target.

use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use crate::common::target::{Target as Running, namespaces_of, sleep};
use crate::common::{assert_refused, eventually};
use ns_process::{
    Container, Errno, Inject, Namespace, NamespaceId, Step, Target, namespace_of, setns,
};

/// The uts namespace of a target.
fn uts(target: impl Into<Target>) -> NamespaceId {
    namespace_of(target, Namespace::Uts).expect("a target").id().expect("an id")
}

fn child_of_std() -> Child {
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null()).spawn().expect("spawn")
}

/// The same process by its ID in each integer type and text, by a pidfd, and by its handle.
#[test]
fn each_form_names_the_same_process() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Running::new(sleep().namespaces(["user", "uts"]).map_zero());
        let pid = target.pid();
        let text = pid.to_string();
        let theirs = uts(pid);
        assert_ne!(theirs, uts(std::process::id()));
        assert!(namespaces_of(pid)[7].contains(&theirs.ino.to_string()));
        assert_eq!(uts(i32::try_from(pid).expect("a process ID")), theirs);
        assert_eq!(uts(text.as_str()), theirs);
        assert_eq!(uts(&text), theirs);
        assert_eq!(uts(text), theirs);
        assert_eq!(uts(&*target), theirs);
        assert_eq!(uts(target.as_fd()), theirs);
        assert_eq!(uts(target.as_fd().try_clone_to_owned().expect("duplicate")), theirs);
        assert_eq!(uts(Target::from(pid)), theirs);
        assert_eq!(Target::from(&*target).to_string(), format!("process {pid}"));
    });
}

/// A child of std is a target, and so is the child of a hook that waits for its release.
#[test]
fn a_child_of_std_or_of_a_hook_is_a_target() {
    ns_testbed::run_as!([Root, User], {
        let mut child = child_of_std();
        assert_eq!(uts(&child), uts(child.id()));
        assert_eq!(Target::from(&child).to_string(), format!("process {}", child.id()));
        child.kill().and_then(|()| child.wait()).expect("reap");
        let mut container = Container::new("true");
        container.namespaces(["user", "uts"]);
        container.before_go(|waiting| {
            let theirs = namespace_of(waiting, Namespace::Uts)?.id()?;
            let differs = theirs != namespace_of(std::process::id(), Namespace::Uts)?.id()?;
            if differs {
                Ok(())
            } else {
                Err::<(), Box<dyn std::error::Error + Send + Sync>>("the same".into())
            }
        });
        assert!(container.status().expect("start").success());
    });
}

/// A child that has exited, and one that was waited for, are gone.
#[test]
fn c07_a_child_of_std_that_was_waited_for_is_gone() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut child = child_of_std();
        let held = Target::from(&child);
        child.kill().expect("kill");
        eventually("it exits", || {
            namespace_of(&child, Namespace::Uts).is_err_and(|error| {
                (error.step(), error.errno()) == (Step::TargetGone, Some(Errno::SRCH))
            })
        });
        child.wait().expect("reap");
        for target in [held, Target::from(&child)] {
            let error = Inject::new(target, "true").start().expect_err("it has exited");
            assert_eq!((error.step(), error.errno()), (Step::TargetGone, Some(Errno::SRCH)));
            assert!(error.to_string().contains(&child.id().to_string()), "{error}");
        }
    });
}

/// Values that are no process ID are refused before any system call.
#[test]
fn values_that_are_no_process_id_are_refused() {
    let refused = |target: Target, value: &str| {
        assert_refused(
            &Inject::new(target.clone(), "true"),
            &format!("target: {value} is not a process ID"),
        );
        let error = setns(target, "net").expect_err("no process ID");
        assert_eq!(error.object(), Some(&*format!("{value} is not a process ID")));
    };
    refused(0_u32.into(), "0");
    refused(0_i32.into(), "0");
    refused((-1_i32).into(), "-1");
    refused(i32::MIN.into(), "-2147483648");
    refused(u32::MAX.into(), "4294967295");
    for text in ["", "x", "-1", "+1", "1 ", "4294967296"] {
        refused(text.into(), &format!("{text:?}"));
        refused(text.to_owned().into(), &format!("{text:?}"));
    }
    refused("0".into(), "0");
}

/// A borrowed descriptor that is no pidfd is an error of the start.
#[test]
fn a_descriptor_that_is_no_pidfd_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let file = std::fs::File::open("/dev/null").expect("open");
        assert!(namespace_of(file.as_fd(), Namespace::Uts).is_err());
    });
}
