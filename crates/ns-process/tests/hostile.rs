//! A target whose root attacks what enters it.
#![allow(unsafe_code, reason = "the attack, and the flag that defends")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::target::Target;
use ns_process::{Container, Inject, Namespace, Stdio, Step};
use ns_testbed::{LONG, Leftovers};

const CANARY: u64 = 0x0063_616e_6172_7921;

/// Not a test: what the root of the target does, to each process but itself, as long as it lives.
#[test]
fn attack() {
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
                _ => rob(pid, address, &mut loot),
            }
        }
    }
}

fn kill(pid: u32, signal: i32) -> i32 {
    // SAFETY: takes numbers.
    unsafe { libc::kill(pid.try_into().expect("a pid"), signal) }
}

fn rob(pid: u32, address: usize, loot: &mut fs::File) {
    let mut found = 0_u64;
    let local = libc::iovec { iov_base: (&raw mut found).cast(), iov_len: 8 };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: 8 };
    let number = pid.try_into().expect("a pid");
    // SAFETY: one buffer of eight bytes, which outlives the call; the other side is checked.
    let read =
        unsafe { libc::process_vm_readv(number, &raw const local, 1, &raw const remote, 1, 0) };
    if read == 8 && std::hint::black_box(found) == CANARY {
        writeln!(loot, "memory").expect("write");
    }
    if is_peeked(number, address) {
        writeln!(loot, "ptrace").expect("write");
    }
    // Held, it could be overwritten once nobody runs it any more. A program's own is one of the target's.
    if fs::File::open(format!("/proc/{pid}/exe")).is_ok() {
        writeln!(loot, "executable").expect("write");
    }
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return };
    // A directory that the caller has open, and the program does not.
    let is_secret = |path: &Path| fs::read_dir(path).is_ok();
    if open.flatten().any(|entry| is_secret(&entry.path())) {
        writeln!(loot, "directory").expect("write");
    }
}

/// Whether a tracer finds the canary. What has been executed may be traced, and holds none.
fn is_peeked(pid: i32, address: usize) -> bool {
    // SAFETY: numbers, or an address of another process, which is checked.
    let ptrace = |request, address: usize| unsafe { libc::ptrace(request, pid, address, 0) };
    if ptrace(libc::PTRACE_SEIZE, 0) != 0 {
        return false;
    }
    ptrace(libc::PTRACE_INTERRUPT, 0);
    let mut status = 0;
    // SAFETY: stores one status.
    unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
    let word = ptrace(libc::PTRACE_PEEKDATA, address);
    ptrace(libc::PTRACE_DETACH, 0);
    word.to_ne_bytes() == CANARY.to_ne_bytes()
}

struct Hostile {
    target: Target,
    loot: common::Output,
}

impl Hostile {
    fn new(kind: &str, canary: &'static u64) -> Self {
        let loot = common::Output::new();
        fs::write(loot.path(), "").expect("write");
        let mut container = Container::new("/proc/self/exe");
        container.args(["attack", "--exact", "--nocapture"]).stdout(Stdio::null());
        container.all().without(Namespace::Time).map_zero().mount_proc().stderr(Stdio::null());
        container.env("NS_ATTACK", kind).env("NS_LOOT", loot.path());
        container.env("NS_CANARY", std::ptr::from_ref(canary).expose_provenance().to_string());
        container.env_remove("NS_TESTBED_ROLE");
        let hostile = Self { target: Target::new(&container), loot };
        common::eventually("the attacker is ready", || hostile.loot.read().contains("ready"));
        hostile
    }

    fn has(&self, what: &str) -> bool {
        self.loot.read().contains(what)
    }

    /// Waits until it has both, or may have neither.
    fn is_given(&self, loot: [&str; 2]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !loot.iter().all(|what| self.has(what)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn set_dumpable(value: usize) {
    // SAFETY: takes numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, value, 0, 0, 0) }, 0);
}

/// Nothing of the caller's is reached by way of a child that has entered; with the defence switched off
/// its memory and its directories are.
#[test]
fn c12_c16_nothing_is_robbed() {
    ns_testbed::run_as!([Root, User], {
        let canary: &'static u64 = Box::leak(Box::new(CANARY));
        let injects = if std::env::var_os("NS_PROVE").is_some() { 200 } else { 20 };
        let _secret = fs::File::open("/etc").expect("open");
        let hostile = Arc::new(Hostile::new("rob", canary));
        for _ in 0..injects {
            let mut inject = Inject::new(&*hostile.target, "true");
            inject.before_go(|_| std::thread::sleep(Duration::from_millis(10)));
            assert!(inject.status().expect("start").success());
        }
        for loot in ["memory", "ptrace", "directory"] {
            assert!(!hostile.has(loot), "{loot} was robbed");
        }
        let mut open = Inject::new(&*hostile.target, "true");
        let watched = Arc::clone(&hostile);
        open.before_go(move |_| {
            set_dumpable(1);
            watched.is_given(["memory", "directory"]);
            set_dumpable(0);
        });
        open.status().expect("start");
        if !hostile.has("memory") || !hostile.has("directory") {
            ns_testbed::skip!("a security module forbids the attack");
        }
        println!("shown: {injects} injects into a hostile target, nothing robbed");
    });
}

/// A closure in there has a copy of the caller's memory, and the caller's executable; nobody reads the one or opens
/// the other, as long as the closure does not let them.
#[test]
fn c13_c16_a_closure_is_not_robbed() {
    ns_testbed::run_as!([Root, User], {
        let canary: &'static u64 = Box::leak(Box::new(CANARY));
        let _secret = fs::File::open("/etc").expect("open");
        let hostile = Hostile::new("rob", canary);
        let visit = |closure: fn()| {
            let inject = Inject::from_fn(&*hostile.target, closure);
            // SAFETY: the closures take no lock.
            unsafe { inject.start_unchecked() }.expect("start")
        };
        for _ in 0..if std::env::var_os("NS_PROVE").is_some() { 200 } else { 20 } {
            let visitor = visit(|| std::thread::sleep(Duration::from_millis(10)));
            assert!(visitor.join().expect("join").success());
        }
        for loot in ["memory", "ptrace", "directory", "executable"] {
            assert!(!hostile.has(loot), "{loot} was robbed");
        }
        let open = visit(|| {
            set_dumpable(1);
            std::thread::sleep(LONG);
        });
        hostile.is_given(["memory", "executable"]);
        open.kill().and_then(|()| open.join()).expect("killed");
        if !hostile.has("memory") || !hostile.has("executable") {
            ns_testbed::skip!("a security module forbids the attack");
        }
    });
}

/// A target that stops whatever enters holds up no start for longer than its limit.
#[test]
fn f32_stopped_before_exec() {
    ns_testbed::run_as!([Root, User], {
        let canary: &'static u64 = Box::leak(Box::new(CANARY));
        let hostile = Hostile::new("stop", canary);
        let mut inject = Inject::new(&*hostile.target, "true");
        let before = Leftovers::snapshot();
        inject.start_timeout(Duration::from_millis(300));
        inject.before_go(|child| {
            let status = format!("/proc/{}/status", child.pid());
            common::eventually("the attacker stops it", || {
                fs::read_to_string(&status).is_ok_and(|status| status.contains("State:\tT"))
            });
        });
        let error = inject.start().expect_err("it is stopped");
        assert_eq!(error.step(), Step::StartTimeout, "{error}");
        common::assert_unchanged(&before);
    });
}
