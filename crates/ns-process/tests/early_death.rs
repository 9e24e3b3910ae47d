//! Programs that end in their first instructions, whoever takes note of children.
#![allow(unsafe_code, reason = "dispositions of this process, and its other waiters")]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::ptr;
use std::thread;
use std::time::Duration;

use common::{eventually, shell};
use ns_process::{Builder, Chroot, Container, Init, Inject, Memory, Namespace, Step, reap};
use ns_testbed::forked;

/// How the caller takes note of the end of its children.
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

extern "C" fn reap_all(_: i32) {
    // SAFETY: writes nothing; may be called in a handler.
    while unsafe { libc::waitpid(-1, ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

fn act(handler: libc::sighandler_t, flags: i32) {
    // SAFETY: zeros are a struct without flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: sets the disposition of this test's own process; the handler makes one system call.
    let set = unsafe { libc::sigaction(libc::SIGCHLD, &raw const action, ptr::null_mut()) };
    assert_eq!(set, 0);
}

impl Children {
    fn set(self) {
        let handler: extern "C" fn(i32) = reap_all;
        let take_all = |flags| {
            thread::spawn(move || {
                loop {
                    // SAFETY: writes nothing.
                    unsafe { libc::waitpid(-1, ptr::null_mut(), flags) };
                }
            });
        };
        match self {
            Self::Default => {}
            Self::Ignored => act(libc::SIG_IGN, 0),
            Self::NotKept => act(libc::SIG_DFL, libc::SA_NOCLDWAIT),
            Self::ReapedByHandler => act(handler as libc::sighandler_t, libc::SA_RESTART),
            Self::ReapedByThread => take_all(0),
            Self::ReapedByThreadWhateverTheirSignal => take_all(libc::__WALL),
        }
    }
}

/// Each start is told as executed, and its end by the status or as lost.
fn many<Kind>(what: &str, children: Children, builder: &mut Builder<Kind>) {
    let rounds = if std::env::var_os("NS_PROVE").is_some() { 1000 } else { 20 };
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

/// A shell that ends itself at once; in a pid namespace of its own it would not, as process 1.
fn crashing() -> Container {
    shell("kill -SEGV $$")
}

/// With every setting of the caller's and every way to make a process, none is called "never executed".
#[test]
fn f38_an_end_in_the_first_instructions() {
    ns_testbed::run_as!([Root, User], {
        for children in SETTINGS {
            let code = forked(|| {
                let target = Container::new("sleep")
                    .arg("1000")
                    .namespaces(["user", "net"])
                    .map_zero()
                    .start();
                let target = target.expect("a target");
                children.set();
                many("Container", children, crashing().namespace(Namespace::User).map_zero());
                many("plain", children, &mut crashing());
                let mut chroot = Chroot::new("/", "sh");
                chroot.arg("-c").arg("kill -SEGV $$").map_zero();
                many("Chroot", children, &mut chroot);
                let mut inject = Inject::new(&target, "sh");
                many("Inject", children, inject.arg("-c").arg("kill -SEGV $$"));
                many("copied", children, crashing().memory(Memory::Copied));
                many("daemon as child", children, crashing().daemonize_as_child());
                let mut beside = crashing();
                beside.namespaces([Namespace::User, Namespace::Pid]).map_zero();
                many("init", children, beside.init(Init::builtin()));
                target.kill().expect("kill");
                eventually("it has ended", || !target.is_alive().expect("asked"));
                eventually("all are reaped", || reap() == 0);
                0
            });
            assert_eq!(code, 0, "{children:?}");
        }
    });
}
