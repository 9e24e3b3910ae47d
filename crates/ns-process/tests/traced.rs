//! Callers that somebody debugs.
#![allow(unsafe_code, reason = "ptrace")]

use ns_process::{CloneFlags, Container, Memory, Namespace};

/// What a tracer that follows every child saw, and how the traced process ended.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    followed: u32,
    code: i32,
}

/// A forked child that waits for its tracer before it runs `body`.
fn tracee(body: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: libc's fork repairs libc's own state; the child ends in _exit.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: takes no memory.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
            // SAFETY: takes a number.
            unsafe { libc::raise(libc::SIGSTOP) };
            // SAFETY: ends the child and nothing else.
            unsafe { libc::_exit(body()) }
        }
        pid => pid,
    }
}

fn wait(pid: libc::pid_t) -> Option<(libc::pid_t, i32)> {
    let mut status = 0;
    // SAFETY: stores one int.
    let pid = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
    (pid > 0).then_some((pid, status))
}

fn go_on(pid: libc::pid_t, signal: i32) {
    // SAFETY: takes numbers.
    unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, signal) };
}

/// Runs `body` under a tracer, as `gdb` with `follow-fork-mode` and `strace -f` are.
fn traced(body: impl FnOnce() -> i32) -> Seen {
    let leader = tracee(body);
    wait(leader).expect("it stops");
    let children = libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK;
    let options = children | libc::PTRACE_O_EXITKILL;
    // SAFETY: takes numbers.
    let set = unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, leader, 0, options) };
    assert_eq!(set, 0);
    go_on(leader, 0);
    let mut seen = Seen { followed: 0, code: -1 };
    while let Some((pid, status)) = wait(-1) {
        if libc::WIFSTOPPED(status) {
            let is_event = status >> 16 != 0;
            seen.followed += u32::from(is_event);
            let stop = libc::WSTOPSIG(status);
            // The first stop of a child that is followed, and the one after an exec, are the tracer's.
            let is_tracers = is_event || stop == libc::SIGTRAP || stop == libc::SIGSTOP;
            go_on(pid, if is_tracers { 0 } else { stop });
        } else if pid == leader {
            let signal = libc::WIFSIGNALED(status).then(|| 128 + libc::WTERMSIG(status));
            seen.code = signal.unwrap_or(libc::WEXITSTATUS(status));
        }
    }
    seen
}

/// A debugger of the caller does not see a child in shared memory, whose exec would cost it its breakpoints; on
/// request it does. A copy has breakpoints of its own.
#[test]
fn f33_a_debugger_keeps_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let start = |flags: CloneFlags, kinds: &[Namespace], memory| {
            let mut container = Container::new("true");
            container.namespaces(kinds.iter().copied()).memory(memory).flags(flags);
            if kinds.contains(&Namespace::User) {
                container.map_zero();
            }
            traced(|| i32::from(!container.status().expect("start").success()))
        };
        let kinds = [Namespace::User, Namespace::Pid, Namespace::Uts];
        for kinds in [&[][..], &kinds] {
            let unseen = Seen { followed: 0, code: 0 };
            assert_eq!(start(CloneFlags::empty(), kinds, Memory::Auto), unseen, "{kinds:?}");
            let copied = start(CloneFlags::empty(), kinds, Memory::Copied);
            assert_eq!(copied, Seen { followed: 1, code: 0 }, "{kinds:?}");
            let seen = start(CloneFlags::PTRACE, kinds, Memory::Auto);
            assert_eq!(seen, Seen { followed: 1, code: 0 }, "{kinds:?}");
        }
    });
}
