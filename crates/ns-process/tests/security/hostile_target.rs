//! Targets whose root attacks the processes that join them.
#![allow(unsafe_code, reason = "the attack: kill, ptrace")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::memory::{prctl_dumpable, read_word};
use crate::common::program::helper_test;
use crate::common::target::Target;
use crate::common::{Output, assert_unchanged, eventually, rounds};
use ns_process::{Inject, Namespace, Stdio, Step};
use ns_testbed::{LONG, Leftovers};

const CANARY: u64 = 0x0063_616e_6172_7921;

/// Not a test: the root of the target, which attacks every other process until it is killed.
#[test]
fn helper_that_attacks() {
    let Ok(kind) = std::env::var("NS_ATTACK") else { return };
    let address: usize = std::env::var("NS_CANARY").expect("set").parse().expect("a number");
    let file = std::env::var_os("NS_LOOT").expect("set");
    let mut loot = fs::File::options().append(true).open(file).expect("open");
    writeln!(loot, "ready").expect("write");
    let own = std::process::id();
    loop {
        let entries = fs::read_dir("/proc").expect("proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        for pid in pids.filter(|pid| *pid != own) {
            match kind.as_str() {
                "stop" => drop(kill(pid, libc::SIGSTOP)),
                _ => steal(pid, address, &mut loot),
            }
        }
    }
}

fn kill(pid: u32, signal: i32) -> i32 {
    // SAFETY: takes numbers.
    unsafe { libc::kill(pid.try_into().expect("a pid"), signal) }
}

fn steal(pid: u32, address: usize, loot: &mut fs::File) {
    let number = pid.try_into().expect("a pid");
    if read_word(number, address) == Some(CANARY) {
        writeln!(loot, "memory").expect("write");
    }
    if is_peeked(number, address) {
        writeln!(loot, "ptrace").expect("write");
    }
    // A descriptor of it could be used to overwrite it once it is not executed any more.
    if fs::File::open(format!("/proc/{pid}/exe")).is_ok() {
        writeln!(loot, "executable").expect("write");
    }
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return };
    // The caller has a directory open, the program does not.
    let is_directory = |path: &Path| fs::read_dir(path).is_ok();
    if open.flatten().any(|entry| is_directory(&entry.path())) {
        writeln!(loot, "directory").expect("write");
    }
}

/// Whether a tracer can read the canary. The injected program may be traced, but does not contain it.
fn is_peeked(pid: i32, address: usize) -> bool {
    // SAFETY: takes numbers, or an address of another process, which the kernel checks.
    let ptrace = |request, address: usize| unsafe { libc::ptrace(request, pid, address, 0) };
    if ptrace(libc::PTRACE_SEIZE, 0) != 0 {
        return false;
    }
    ptrace(libc::PTRACE_INTERRUPT, 0);
    let mut status = 0;
    // SAFETY: stores one int.
    unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
    let word = ptrace(libc::PTRACE_PEEKDATA, address);
    ptrace(libc::PTRACE_DETACH, 0);
    word.to_ne_bytes() == CANARY.to_ne_bytes()
}

struct Hostile {
    target: Target,
    loot: Output,
}

impl Hostile {
    fn new(kind: &str, canary: &'static u64) -> Self {
        let loot = Output::new();
        fs::write(loot.path(), "").expect("write");
        let mut container = helper_test(helper_that_attacks);
        container.stdout(Stdio::null());
        container.all().without(Namespace::Time).map_zero().mount_proc().stderr(Stdio::null());
        container.env("NS_ATTACK", kind).env("NS_LOOT", loot.path());
        container.env("NS_CANARY", std::ptr::from_ref(canary).expose_provenance().to_string());
        let hostile = Self { target: Target::new(&container), loot };
        eventually("the attacker is ready", || hostile.loot.read().contains("ready"));
        hostile
    }

    fn has(&self, what: &str) -> bool {
        self.loot.read().contains(what)
    }

    /// Waits for both, for a limited time, because a security module may forbid the attack.
    fn await_loot(&self, loot: [&str; 2]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !loot.iter().all(|what| self.has(what)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The target cannot reach the memory and the descriptors of the caller through a child that joins it. It can if the
/// caller is dumpable.
#[test]
fn c12_c16_the_caller_is_out_of_reach() {
    ns_testbed::run_as!([Root, User], {
        let canary: &'static u64 = Box::leak(Box::new(CANARY));
        let injects = rounds(200, 20);
        let _directory = fs::File::open("/etc").expect("open");
        let hostile = Arc::new(Hostile::new("steal", canary));
        for _ in 0..injects {
            let mut inject = Inject::new(&*hostile.target, "true");
            inject.before_go(|_| std::thread::sleep(Duration::from_millis(10)));
            assert!(inject.status().expect("start").success());
        }
        for loot in ["memory", "ptrace", "directory"] {
            assert!(!hostile.has(loot), "{loot} was stolen");
        }
        let mut dumpable = Inject::new(&*hostile.target, "true");
        let attacker = Arc::clone(&hostile);
        dumpable.before_go(move |_| {
            prctl_dumpable(1);
            attacker.await_loot(["memory", "directory"]);
            prctl_dumpable(0);
        });
        dumpable.status().expect("start");
        if !hostile.has("memory") || !hostile.has("directory") {
            ns_testbed::skip!("a security module forbids the attack");
        }
        println!("shown: {injects} injects into a hostile target, nothing stolen");
    });
}

/// The target can neither read the memory of an injected closure, a copy of the caller's, nor open its executable. It
/// can if the closure makes itself dumpable.
#[test]
fn c13_c16_an_injected_closure_is_out_of_reach() {
    ns_testbed::run_as!([Root, User], {
        let canary: &'static u64 = Box::leak(Box::new(CANARY));
        let _directory = fs::File::open("/etc").expect("open");
        let hostile = Hostile::new("steal", canary);
        let inject = |closure: fn()| {
            let builder = Inject::from_fn(&*hostile.target, closure);
            // SAFETY: the closures take no lock.
            unsafe { builder.start_unchecked() }.expect("start")
        };
        for _ in 0..rounds(200, 20) {
            let process = inject(|| std::thread::sleep(Duration::from_millis(10)));
            assert!(process.join().expect("join").success());
        }
        for loot in ["memory", "ptrace", "directory", "executable"] {
            assert!(!hostile.has(loot), "{loot} was stolen");
        }
        let dumpable = inject(|| {
            prctl_dumpable(1);
            std::thread::sleep(LONG);
        });
        hostile.await_loot(["memory", "executable"]);
        dumpable.kill().and_then(|()| dumpable.join()).expect("killed");
        if !hostile.has("memory") || !hostile.has("executable") {
            ns_testbed::skip!("a security module forbids the attack");
        }
    });
}

/// A target that stops every process delays a start until its timeout only.
#[test]
fn f32_a_child_stopped_by_the_target_ends_at_the_timeout() {
    ns_testbed::run_as!([Root, User], {
        let canary: &'static u64 = Box::leak(Box::new(CANARY));
        let hostile = Hostile::new("stop", canary);
        let mut inject = Inject::new(&*hostile.target, "true");
        let before = Leftovers::snapshot();
        inject.start_timeout(Duration::from_millis(300));
        inject.before_go(|child| {
            let status = format!("/proc/{}/status", child.pid());
            eventually("the attacker stops it", || {
                fs::read_to_string(&status).is_ok_and(|status| status.contains("State:\tT"))
            });
        });
        let error = inject.start().expect_err("it is stopped");
        assert_eq!(error.step(), Step::StartTimeout, "{error}");
        assert_unchanged(&before);
    });
}
