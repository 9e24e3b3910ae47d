//! The flags and the listener of a filter.
#![allow(unsafe_code, reason = "filters, and ioctls of a listener")]

use std::fs::File;
use std::mem;
use std::os::fd::AsRawFd;

use crate::common::filter::{self, allow_all};
use crate::common::program::{helper_test, is_helper_test};
use crate::common::receiver::Receiver;
use crate::common::{assert_refused, printed, start_error};
use ns_process::{
    BpfInstruction, Container, Errno, Init, Memory, Namespace, Parked, SeccompFlags, Stdio, Step,
};
use ns_sys::child::seccomp_set_filter;
use ns_testbed::{Role, forked, role};

/// What the receiver of the listener answers.
const ANSWER: i64 = 4242;

/// Returns `action` for this system call, and allows the others.
fn only(call: i64, action: u32) -> [BpfInstruction; 4] {
    [
        filter::load(0),
        filter::jump_if_equal(filter::number(call), 0, 1),
        filter::action(action),
        filter::action(libc::SECCOMP_RET_ALLOW),
    ]
}

/// A filter that asks the listener about getppid(2).
fn asks() -> [BpfInstruction; 4] {
    only(libc::SYS_getppid, libc::SECCOMP_RET_USER_NOTIF)
}

/// Not a test: the program of the next tests, which asks.
#[test]
fn helper_that_asks_for_its_parent() {
    if is_helper_test() {
        // SAFETY: the call takes no argument.
        println!("\nparent {}", unsafe { libc::syscall(libc::SYS_getppid) });
    }
}

/// Answers one call.
fn answer(listener: &File) {
    // SAFETY: the kernel requires zeros.
    let mut call: libc::seccomp_notif = unsafe { mem::zeroed() };
    let fd = listener.as_raw_fd();
    // SAFETY: the kernel fills the struct.
    let received = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) };
    assert_eq!(received, 0, "{}", std::io::Error::last_os_error());
    assert_eq!(i64::from(call.data.nr), libc::SYS_getppid);
    let reply = libc::seccomp_notif_resp { id: call.id, val: ANSWER, error: 0, flags: 0 };
    let mut reply = reply;
    // SAFETY: the kernel reads the struct.
    let sent = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut reply) };
    assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
}

/// The receiver of the listener answers the calls of the program, in every kind of start.
#[test]
fn a_listener_answers_the_calls_of_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let run = |set: &dyn Fn(&mut Container), parks: bool| {
            let (receiver, socket) = Receiver::new();
            let mut container = helper_test(helper_that_asks_for_its_parent);
            container.program_fd(File::open("/proc/self/exe").expect("open"));
            container.seccomp(asks()).seccomp_listener(socket).stdout(Stdio::piped());
            set(&mut container);
            let started = if parks {
                container.start_parked().and_then(Parked::release)
            } else {
                container.start()
            };
            let process = started.expect("start");
            let (name, listener) = receiver.receive();
            assert_eq!(name, "seccompFd");
            answer(&listener);
            let output = process.wait_with_output().expect("output");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains(&format!("\nparent {ANSWER}\n")), "{text}");
        };
        let user =
            |c: &mut Container| _ = c.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        for parks in [false, true] {
            run(&|c| _ = c.no_new_privs(), parks);
            run(&|c| user(c.no_new_privs()), parks);
            // Without no_new_privs the filter is installed before the capabilities change.
            run(&|c| user(c), parks);
            run(&|c| user(c.no_new_privs().memory(Memory::Copied)), parks);
            run(&|c| user(c.no_new_privs().init(Init::builtin())), parks);
            let killable = SeccompFlags::WAIT_KILLABLE_RECV | SeccompFlags::LOG;
            run(&|c| user(c.no_new_privs().init(Init::builtin()).seccomp_flags(killable)), parks);
        }
    });
}

/// The program has neither the listener nor the socket, also if files are placed at low numbers.
#[test]
fn a_listener_is_no_descriptor_of_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (receiver, socket) = Receiver::new();
        let mut container = Container::new("sh");
        container.args(["-c", "readlink /proc/self/fd/*; true"]).stdin(Stdio::null());
        container.fd(3, Stdio::null()).fd(4, Stdio::null());
        container.no_new_privs().seccomp(allow_all()).seccomp_listener(socket);
        let text = printed(&container);
        assert_eq!(text.lines().filter(|line| *line == "/dev/null").count(), 3, "{text}");
        assert_eq!(text.lines().count(), 5, "{text}");
        drop(container);
        receiver.receive();
        assert!(receiver.is_at_end(), "another process has the socket");
    });
}

/// The error of a start in a caller whose own filter refuses seccomp(2) with exactly these flags.
fn refused_with(flags: u32, container: &Container) -> i32 {
    let filter = [
        filter::load(0),
        filter::jump_if_equal(filter::number(libc::SYS_seccomp), 0, 3),
        // The low half of the second argument.
        filter::load(24),
        filter::jump_if_equal(flags, 0, 1),
        filter::action(filter::fail(Errno::XDEV)),
        filter::action(libc::SECCOMP_RET_ALLOW),
    ];
    forked(|| {
        rustix::thread::set_no_new_privs(true).expect("prctl");
        // SAFETY: the filter makes one call fail.
        unsafe { seccomp_set_filter(0, &filter) }.expect("seccomp");
        let error = container.start().expect_err("it is refused");
        assert_eq!((error.step(), error.errno()), (Step::Seccomp, Some(Errno::XDEV)));
        0
    })
}

/// The kernel gets the flags, without those that have no effect on one thread.
#[test]
fn the_flags_of_a_filter_reach_the_kernel() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = Container::new("true");
        container.no_new_privs().seccomp(allow_all());
        assert_eq!(refused_with(0, &container), 0);
        let flags = SeccompFlags::LOG | SeccompFlags::SPEC_ALLOW;
        container.seccomp_flags(flags);
        assert_eq!(container.get_seccomp_flags(), flags);
        assert!(container.status().expect("start").success());
        assert_eq!(refused_with(6, &container), 0);
        container.seccomp_flags(SeccompFlags::TSYNC | SeccompFlags::LOG);
        assert!(container.status().expect("start").success());
        assert_eq!(refused_with(2, &container), 0);
        let (_receiver, socket) = Receiver::new();
        container.seccomp_listener(socket).seccomp_flags(SeccompFlags::WAIT_KILLABLE_RECV);
        assert!(container.get_seccomp_listener());
        assert_eq!(refused_with(40, &container), 0);
        let text = container.plan().expect("plan").describe().to_string();
        let lines = "child: seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | \
                     SECCOMP_FILTER_FLAG_NEW_LISTENER, 1 instructions)  # the seccomp filter of the program\n\
                     child: sendmsg(socket, listener)  # give the listener to the receiver\n";
        assert!(text.contains(lines), "{text}");
    });
}

/// Options without a filter, and a filter that forbids the sending, are refused before any system call.
#[test]
fn f44_options_that_do_not_fit_the_filter_are_refused() {
    let socket = || Receiver::new().1;
    let mut container = Container::new("true");
    container.seccomp_flags(SeccompFlags::LOG);
    assert_refused(&container, "seccomp_flags: needs a seccomp filter");
    container.seccomp_listener(socket());
    assert_refused(&container, "seccomp_listener: needs a seccomp filter");
    let mut container = Container::new("true");
    container.seccomp(allow_all()).seccomp_flags(SeccompFlags::WAIT_KILLABLE_RECV);
    assert_refused(&container, "seccomp_flags: WAIT_KILLABLE_RECV needs a seccomp_listener");
    for action in [libc::SECCOMP_RET_USER_NOTIF, libc::SECCOMP_RET_KILL_PROCESS] {
        let mut container = Container::new("true");
        container.seccomp(only(libc::SYS_sendmsg, action)).seccomp_listener(socket());
        assert_refused(&container, "seccomp: forbids sendmsg, which sends the listener");
    }
    let mut closure = Container::from_fn(|| ());
    closure.no_new_privs().seccomp(allow_all()).seccomp_listener(socket());
    assert_refused(&closure, "seccomp_listener: a closure would keep the listener");
    let mut parked = Container::new("true");
    parked.no_new_privs().seccomp(only(libc::SYS_recvmsg, libc::SECCOMP_RET_USER_NOTIF));
    let error = parked.seccomp_listener(socket()).start_parked().expect_err("recvmsg");
    let message = "seccomp: forbids calls of a parked start: recvmsg";
    assert_eq!((error.step(), error.object()), (Step::Check, Some(message)));
}

/// A missing receiver, and a second listener, are errors of the start, and nothing is left.
#[test]
fn errors_of_listeners_name_their_step() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (receiver, socket) = Receiver::new();
        drop(receiver);
        let mut container = Container::new("true");
        container.no_new_privs().seccomp(asks()).seccomp_listener(socket);
        let error = start_error(&container);
        assert_eq!((error.step(), error.errno()), (Step::SendListener, Some(Errno::PIPE)));
        container.seccomp_listener(File::open("/dev/null").expect("open"));
        let error = start_error(&container);
        assert_eq!((error.step(), error.errno()), (Step::SendListener, Some(Errno::NOTSOCK)));
        if role() == Role::Nested {
            return;
        }
        let (_receiver, socket) = Receiver::new();
        container.seccomp_listener(socket);
        let code = forked(|| {
            const NEW_LISTENER: u32 = 8;
            rustix::thread::set_no_new_privs(true).expect("prctl");
            // SAFETY: the filter asks about a call that nothing here makes.
            unsafe {
                seccomp_set_filter(
                    NEW_LISTENER,
                    &only(libc::SYS_swapon, libc::SECCOMP_RET_USER_NOTIF),
                )
            }
            .expect("seccomp");
            let error = container.start().expect_err("the caller has one");
            assert_eq!((error.step(), error.errno()), (Step::Seccomp, Some(Errno::BUSY)));
            0
        });
        assert_eq!(code, 0);
    });
}
