//! Children whose parent is killed during a start.
#![allow(unsafe_code, reason = "fork of a parent that is to be killed")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::target::sleep;
use crate::common::{Output, eventually, rounds, shell};
use ns_process::Namespace;
use ns_testbed::LONG;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, wait, waitpid};

/// Starts containers until it is killed; `hooked` ones by fork(3).
fn start_for_ever(hooked: bool) {
    let mut container = sleep();
    container.all().without(Namespace::Net).map_zero().mount_proc();
    if hooked {
        // SAFETY: the hook does nothing.
        unsafe { container.preup(|_| ()) };
    }
    loop {
        if let Ok(process) = container.start() {
            process.kill().expect("kill");
            process.join().expect("join");
        }
    }
}

fn fork_parent(body: impl FnOnce()) -> Pid {
    // SAFETY: libc's fork repairs libc's own state; the child does not return.
    match unsafe { libc::fork() } {
        0 => {
            body();
            std::process::abort()
        }
        pid => Pid::from_raw(pid).expect("fork"),
    }
}

/// Reaps every child of this process.
fn wait_for_all() {
    while wait(WaitOptions::from_bits_retain(0x4000_0000)).is_ok() {}
}

/// The children of this process that have not executed a program.
fn unfinished() -> Vec<Pid> {
    let own = fs::read_link("/proc/self/exe").expect("the link of this process");
    let is_copy = |pid: &Pid| {
        let exe = format!("/proc/{}/exe", pid.as_raw_nonzero());
        fs::read_link(exe).is_ok_and(|exe| exe == own)
    };
    children().into_iter().filter(is_copy).collect()
}

fn children() -> Vec<Pid> {
    let tasks = fs::read_dir("/proc/self/task").expect("list threads");
    let list = tasks.map(|task| task.expect("an entry").path().join("children"));
    let list: String = list.filter_map(|path| fs::read_to_string(path).ok()).collect();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// A parent that is killed at any moment leaves either nothing or a running program, and no child that waits for it.
#[test]
fn a02_a_killed_parent_leaves_no_waiting_child() {
    ns_testbed::run_as!([Root, User], {
        // Orphans become children of this process.
        set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
        let rounds = rounds(500_u32, 60);
        for round in 0..rounds {
            let parent = fork_parent(|| start_for_ever(round % 2 == 1));
            thread::sleep(Duration::from_micros(u64::from(round) * 137 % 7000));
            kill_process(parent, Signal::KILL).expect("kill the parent");
            waitpid(Some(parent), WaitOptions::empty()).expect("reap the parent");
            let deadline = Instant::now() + LONG;
            while !unfinished().is_empty() {
                assert!(Instant::now() < deadline, "round {round}: a child waits for ever");
                thread::sleep(Duration::from_millis(1));
            }
            for orphan in children() {
                // It may have exited meanwhile.
                let _ = kill_process(orphan, Signal::KILL);
            }
            wait_for_all();
        }
        println!("shown: {rounds} parents killed during a start: no child waits");
    });
}

/// If the parent is killed before it releases the child, with or without maps, the child exits, and the program does
/// not run.
#[test]
fn a02_a_parent_killed_before_the_release_leaves_no_child() {
    ns_testbed::run_as!([Root, User, Nested], {
        set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
        let marker = Output::new();
        for kinds in [&[][..], &[Namespace::User], &[Namespace::User, Namespace::Pid]] {
            let mut container = shell(&format!("echo ran > {}", marker.path()));
            container.namespaces(kinds.iter().copied()).before_go(|_| thread::park());
            if !kinds.is_empty() {
                container.map_zero();
            }
            let parent = fork_parent(|| drop(container.start()));
            let list = format!("/proc/{0}/task/{0}/children", parent.as_raw_nonzero());
            eventually("the child", || {
                fs::read_to_string(&list).is_ok_and(|list| !list.is_empty())
            });
            // Long enough for the child to wait, and to check for its parent.
            thread::sleep(Duration::from_millis(150));
            kill_process(parent, Signal::KILL).expect("kill the parent");
            waitpid(Some(parent), WaitOptions::empty()).expect("reap the parent");
            let begin = Instant::now();
            wait_for_all();
            assert!(begin.elapsed() < LONG, "a child waits for long");
            assert!(!fs::exists(marker.path()).expect("stat"), "the program ran");
        }
    });
}
