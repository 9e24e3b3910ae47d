//! Programs that are killed in their first instructions, with every way to reap children.
#![allow(unsafe_code, reason = "signal dispositions, and other waiters of this process")]

use std::os::unix::process::ExitStatusExt;
use std::ptr;
use std::thread;
use std::time::Duration;

use crate::common::target::sleep;
use crate::common::{eventually, reap_all, rounds, shell};
use ns_process::{Builder, Chroot, Container, Init, Inject, Memory, Namespace, Step};
use ns_testbed::forked;

/// How the caller handles terminated children.
#[derive(Clone, Copy, Debug)]
enum Children {
    Default,
    Ignored,
    NotKept,
    ReapedByHandler,
    ReapedByThread,
    ReapedByThreadWhateverTheirSignal,
}

const SETTINGS: [Children; 6] = [
    Children::Default,
    Children::Ignored,
    Children::NotKept,
    Children::ReapedByHandler,
    Children::ReapedByThread,
    Children::ReapedByThreadWhateverTheirSignal,
];

extern "C" fn reap_children(_: i32) {
    // SAFETY: writes nothing; may be called in a handler.
    while unsafe { libc::waitpid(-1, ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

fn set_action(handler: libc::sighandler_t, flags: i32) {
    // SAFETY: zeros are a struct without flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: sets a disposition of this process; the handler makes one system call.
    let set = unsafe { libc::sigaction(libc::SIGCHLD, &raw const action, ptr::null_mut()) };
    assert_eq!(set, 0);
}

impl Children {
    fn set(self) {
        let handler: extern "C" fn(i32) = reap_children;
        let reap_in_thread = |flags| {
            thread::spawn(move || {
                loop {
                    // SAFETY: writes nothing.
                    unsafe { libc::waitpid(-1, ptr::null_mut(), flags) };
                }
            });
        };
        match self {
            Self::Default => {}
            Self::Ignored => set_action(libc::SIG_IGN, 0),
            Self::NotKept => set_action(libc::SIG_DFL, libc::SA_NOCLDWAIT),
            Self::ReapedByHandler => set_action(handler as libc::sighandler_t, libc::SA_RESTART),
            Self::ReapedByThread => reap_in_thread(0),
            Self::ReapedByThreadWhateverTheirSignal => reap_in_thread(libc::__WALL),
        }
    }
}

/// Starts `builder` many times. Each start must succeed; its status is reported, or an error says that it is lost.
fn start_many<Kind>(what: &str, children: Children, builder: &mut Builder<Kind>) {
    let rounds = rounds(1000, 20);
    let mut lost = 0;
    for _ in 0..rounds {
        let process = match builder.start() {
            Ok(process) => process,
            Err(error) => panic!("{what}, {children:?}: {error}"),
        };
        match process.join_timeout(Duration::from_secs(5)) {
            Ok(Some(status)) => assert_eq!(status.signal(), Some(11), "{what}, {children:?}"),
            Err(error) if error.step() == Step::Wait && error.errno().is_none() => lost += 1,
            other => panic!("{what}, {children:?}: {other:?}"),
        }
    }
    println!("shown: {what}, {children:?}: {rounds} of {rounds} executed, {lost} statuses lost");
}

/// A shell that kills itself at once. As process 1 of a pid namespace it could not.
fn crashing() -> Container {
    shell("kill -SEGV $$")
}

/// However the caller reaps children, and however the process is made, no start reports "not executed".
#[test]
fn f38_a_program_killed_at_once_was_executed() {
    ns_testbed::run_as!([Root, User], {
        for children in SETTINGS {
            let code = forked(|| {
                let target = sleep().namespaces(["user", "net"]).map_zero().start();
                let target = target.expect("a target");
                children.set();
                start_many("Container", children, crashing().namespace(Namespace::User).map_zero());
                start_many("plain", children, &mut crashing());
                let mut chroot = Chroot::new("/", "sh");
                chroot.arg("-c").arg("kill -SEGV $$").map_zero();
                start_many("Chroot", children, &mut chroot);
                let mut inject = Inject::new(&target, "sh");
                start_many("Inject", children, inject.arg("-c").arg("kill -SEGV $$"));
                start_many("copied", children, crashing().memory(Memory::Copied));
                start_many("daemon as child", children, crashing().daemonize_as_child());
                let mut under_init = crashing();
                under_init.namespaces([Namespace::User, Namespace::Pid]).map_zero();
                start_many("init", children, under_init.init(Init::builtin()));
                target.kill().expect("kill");
                eventually("it has exited", || !target.is_alive().expect("is_alive"));
                reap_all();
                0
            });
            assert_eq!(code, 0, "{children:?}");
        }
    });
}
