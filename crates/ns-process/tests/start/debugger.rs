//! Callers under a debugger.
#![allow(unsafe_code, reason = "ptrace")]

use ns_process::{CloneFlags, Container, Memory, Namespace};

/// The number of children that a tracer attached to, and the exit code of the traced process.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    attached: u32,
    code: i32,
}

/// Forks a child that waits for its tracer before it runs `body`.
fn tracee(body: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: libc's fork repairs libc's own state; the child ends in _exit.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: takes no memory.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
            // SAFETY: takes a number.
            unsafe { libc::raise(libc::SIGSTOP) };
            // SAFETY: exits from the child.
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

fn resume(pid: libc::pid_t, signal: i32) {
    // SAFETY: takes numbers.
    unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, signal) };
}

/// Runs `body` under a tracer that follows children, as `strace -f` and `gdb` with `follow-fork-mode`.
fn traced(body: impl FnOnce() -> i32) -> Trace {
    let leader = tracee(body);
    wait(leader).expect("the first stop");
    let children = libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK;
    let options = children | libc::PTRACE_O_EXITKILL;
    // SAFETY: takes numbers.
    let set = unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, leader, 0, options) };
    assert_eq!(set, 0);
    resume(leader, 0);
    let mut trace = Trace { attached: 0, code: -1 };
    while let Some((pid, status)) = wait(-1) {
        if libc::WIFSTOPPED(status) {
            let is_event = status >> 16 != 0;
            trace.attached += u32::from(is_event);
            let stop = libc::WSTOPSIG(status);
            // The first stop of a followed child and the stop after exec are not signals.
            let is_of_tracer = is_event || stop == libc::SIGTRAP || stop == libc::SIGSTOP;
            resume(pid, if is_of_tracer { 0 } else { stop });
        } else if pid == leader {
            let signal = libc::WIFSIGNALED(status).then(|| 128 + libc::WTERMSIG(status));
            trace.code = signal.unwrap_or(libc::WEXITSTATUS(status));
        }
    }
    trace
}

/// A debugger of the caller does not attach to a child in shared memory, because its exec would remove the
/// breakpoints; with CLONE_PTRACE it does. A child with copied memory has its own breakpoints.
#[test]
fn f33_a_debugger_does_not_follow_a_shared_child() {
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
            let unattached = Trace { attached: 0, code: 0 };
            assert_eq!(start(CloneFlags::empty(), kinds, Memory::Auto), unattached, "{kinds:?}");
            let copied = start(CloneFlags::empty(), kinds, Memory::Copied);
            assert_eq!(copied, Trace { attached: 1, code: 0 }, "{kinds:?}");
            let traced = start(CloneFlags::PTRACE, kinds, Memory::Auto);
            assert_eq!(traced, Trace { attached: 1, code: 0 }, "{kinds:?}");
        }
    });
}
