//! What becomes of a child whose parent dies in the middle of a start.
#![allow(unsafe_code, reason = "fork of a parent that is to be killed")]

mod common;

use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use ns_process::{Container, Namespace};
use ns_testbed::LONG;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, wait, waitpid};

/// As many parents are killed; the full count when the claims are proved.
fn rounds() -> u32 {
    if env::var_os("NS_PROVE").is_some() { 500 } else { 60 }
}

/// Starts containers until it is killed; with a hook by way of fork.
fn start_for_ever(hooked: bool) {
    let mut container = Container::new("sleep");
    container.arg("1000").all().without(Namespace::Net).map_zero().mount_proc();
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
    // SAFETY: libc's fork repairs libc's own state; the child does not come back.
    match unsafe { libc::fork() } {
        0 => {
            body();
            std::process::abort()
        }
        pid => Pid::from_raw(pid).expect("fork"),
    }
}

/// Those that became children of this process are reaped.
fn reap_all() {
    while wait(WaitOptions::from_bits_retain(0x4000_0000)).is_ok() {}
}

/// The children of this process that have not executed a program: they are copies of this one.
fn unfinished() -> Vec<Pid> {
    let own = fs::read_link("/proc/self/exe").expect("own program");
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

/// A parent killed at any moment soon leaves either nothing, or the program it wished
/// for, fully set up; never a child that waits for a word that nobody will say.
#[test]
fn a02_killed_parent_leaves_no_waiting_child() {
    ns_testbed::run_as!([Root, User], {
        // Orphans become children of this process.
        set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
        for round in 0..rounds() {
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
                // It may have ended by itself meanwhile.
                let _ = kill_process(orphan, Signal::KILL);
            }
            reap_all();
        }
        println!("shown: {} parents killed in the middle: no child waited on", rounds());
    });
}

/// A parent that is killed while its child waits for the word, with or without a map: nobody is left, and
/// the program never ran.
#[test]
fn a02_killed_before_the_word() {
    ns_testbed::run_as!([Root, User, Nested], {
        set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
        let marker = common::Output::new();
        for kinds in [&[][..], &[Namespace::User], &[Namespace::User, Namespace::Pid]] {
            let mut container = common::shell(&format!("echo ran > {}", marker.path()));
            container.namespaces(kinds.iter().copied()).before_go(|_| thread::park());
            if !kinds.is_empty() {
                container.map_zero();
            }
            let parent = fork_parent(|| drop(container.start()));
            let list = format!("/proc/{0}/task/{0}/children", parent.as_raw_nonzero());
            common::eventually("the child", || {
                fs::read_to_string(&list).is_ok_and(|list| !list.is_empty())
            });
            // Long enough for it to wait, also by its rounds.
            thread::sleep(Duration::from_millis(150));
            kill_process(parent, Signal::KILL).expect("kill the parent");
            waitpid(Some(parent), WaitOptions::empty()).expect("reap the parent");
            let begun = Instant::now();
            reap_all();
            assert!(begun.elapsed() < LONG, "a child waits for long");
            assert!(!fs::exists(marker.path()).expect("look"), "the program ran");
        }
    });
}
