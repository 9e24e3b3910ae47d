//! Settings that a new terminal excludes, and its description.

use std::fs::File;
use std::os::fd::OwnedFd;

use crate::common::assert_refused;
use crate::common::receiver::Receiver;
use ns_process::{CloneFlags, Container, Namespace, Stdio, Step};

/// Settings that conflict are refused before any system call.
#[test]
fn a_console_conflicts_with_other_streams_and_terminals() {
    let socket = || -> OwnedFd { Receiver::new().1 };
    let null = || File::open("/dev/null").expect("open");
    for (number, name) in [(0, "stdin"), (1, "stdout"), (2, "stderr")] {
        let message = format!("{name}: console sets the standard streams");
        assert_refused(
            Container::new("true").console(socket()).fd(number, Stdio::null()),
            &message,
        );
    }
    let refuses = |set: &dyn Fn(&mut Container), message: &str| {
        let mut container = Container::new("true");
        set(&mut container);
        assert_refused(&container, message);
    };
    let with_console = |set: &dyn Fn(&mut Container), message: &str| {
        refuses(&|container| set(container.console(socket())), message);
    };
    with_console(
        &|container| {
            container.terminal(null());
        },
        "terminal: console is the controlling terminal",
    );
    with_console(
        &|container| {
            container.new_session(false);
        },
        "console: needs a new session",
    );
    with_console(
        &|container| {
            container.process_group(0);
        },
        "process_group: cannot be combined with a new session, which has its own group",
    );
    with_console(
        &|container| {
            container.flags(CloneFlags::FILES);
        },
        "console: CLONE_FILES shares the caller's own descriptors",
    );
    let message = "mount_console: needs a new mnt namespace";
    with_console(
        &|container| {
            container.mount_console();
        },
        message,
    );
    refuses(
        &|container| {
            container.console_size(1, 1);
        },
        "console_size: needs a console",
    );
    refuses(
        &|container| {
            container.mount_console();
        },
        "mount_console: needs a console",
    );
    let mut closure = Container::from_fn(|| ());
    let message = "console: a closure keeps the caller's standard streams";
    assert_refused(closure.console(socket()), message);
    let error = Container::new("true").console(socket()).output().expect_err("captured");
    let message = "output: the streams of the program are its console";
    assert_eq!((error.step(), error.object()), (Step::Check, Some(message)));
}

/// The settings can be read back, and a plan lists the calls.
#[test]
fn a_console_is_described() {
    let mut container = Container::new("true");
    container.namespace(Namespace::Mnt).uid(1000);
    assert!(!container.get_console() && !container.get_mount_console());
    container.console(Receiver::new().1).console_size(24, 80).mount_console();
    assert!(container.get_console() && container.get_mount_console());
    assert_eq!(container.get_console_size(), Some((24, 80)));
    let text = container.plan().expect("plan").describe().to_string();
    let calls = [
        "openat2(\"ptmx\")",
        "ioctl(master, TIOCGPTPEER)",
        "ioctl(terminal, TIOCSWINSZ, 24 rows, 80 columns)  # set the size of the window",
        "fchown(terminal, 1000, -1)  # the user of the program owns the terminal",
        "move_mount(terminal, \"/dev/console\")",
        "sendmsg(socket, master)  # give the master to the receiver",
        "setsid()  # leave the terminal",
        "ioctl(terminal, TIOCSCTTY, 0)  # set the controlling terminal",
        "dup3(terminal, 0, 0)",
        "dup3(terminal, 2, 0)",
    ];
    let at = calls.map(|call| {
        text.find(&format!("child: {call}")).unwrap_or_else(|| panic!("{call}: {text}"))
    });
    assert!(at.is_sorted(), "{text}");
}
