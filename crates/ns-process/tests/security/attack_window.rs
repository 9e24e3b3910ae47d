//! The time between the wake of the caller and the exec of its child, which shares the memory until then.
//!
//! Attackers that may trace the child, but not the caller, try to read a word of the caller through each of its
//! children, as often as they can.
#![allow(unsafe_code, reason = "the attack, and memory at a fixed address")]

use std::env;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::memory::read_word;
use crate::common::program::helper_test;
use crate::common::rounds;
use ns_process::{CapabilitySet, Container, Init, Inject, Namespace, Process, Stdio};
use ns_testbed::USER;

/// The address of a word in the caller. The attacker has the word, too, and compares.
const ADDRESS: usize = 0x6000_0000_0000;

/// The variable with the arguments of the helper test: `attacker SECONDS CPU WORD`, `inject …`, `container …`. Each
/// test has another word, because callers of other tests may be traced.
const ARGUMENTS: &str = "NS_ATTACK_WINDOW";

/// The duration of each attack.
fn seconds() -> u64 {
    rounds(60, 1)
}

/// A new word for each attack.
fn word() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0x61_7279);
    COUNT.fetch_add(1, Ordering::Relaxed) | u64::from(std::process::id()) << 40
}

/// Not a test: the attacker and the callers.
#[test]
fn helper_attacker_or_caller() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    let words: Vec<&str> = arguments.split(' ').collect();
    let [what, seconds, cpu, word] = words[..] else { panic!("{arguments}") };
    let limit = Duration::from_secs(seconds.parse().expect("seconds"));
    let word = word.parse().expect("a number");
    match what {
        "attacker" => attack(limit, cpu, word),
        _ => call(what, limit, cpu, word),
    }
}

/// The helper test with these arguments.
fn helper(arguments: &str) -> Container {
    let mut container = helper_test(helper_attacker_or_caller);
    container.env(ARGUMENTS, arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    container
}

/// Binds this process to a processor, if `cpu` is a number.
fn pin(cpu: &str) {
    let Ok(number) = cpu.parse() else { return };
    let mut set = rustix::thread::CpuSet::new();
    set.set(number);
    // Fails on a machine with one processor.
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

/// Tries to read the word through the newest processes, by their process IDs.
fn attack(limit: Duration, cpu: &str, word: u64) {
    pin(cpu);
    let loads = File::open("/proc/loadavg").expect("proc");
    let (mut reads, mut tries, begin) = (0_u64, 0_u64, Instant::now());
    let mut text = [0; 128];
    while begin.elapsed() < limit {
        let length = loads.read_at(&mut text, 0).expect("read");
        let text = std::str::from_utf8(&text[..length]).expect("text");
        let last: i32 = text.split_whitespace().last().expect("five").parse().expect("a pid");
        for pid in (0..20).flat_map(|_| last..last + 3) {
            tries += 1;
            reads += u64::from(read_word(pid, ADDRESS) == Some(word));
        }
    }
    println!("attacker: {reads} reads in {tries} tries");
}

/// Starts programs during the attack.
fn call(kind: &str, limit: Duration, cpu: &str, word: u64) {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let address = ptr::without_provenance_mut(ADDRESS);
    // SAFETY: a new mapping; MAP_FIXED_NOREPLACE replaces none.
    let page =
        unsafe { libc::mmap(address, 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    assert_eq!(page.addr(), ADDRESS);
    // SAFETY: the mapping above.
    unsafe { page.cast::<u64>().write_volatile(word) };
    pin(cpu);
    // The first start opens the file of the record locks.
    assert!(Container::new("/bin/true").status().expect("start").success());
    let attacker = (kind == "inject").then(|| {
        let other = if cpu == "free" { "free" } else { "1" };
        let mut attacker = helper(&format!("attacker {} {other} {word}", limit.as_secs()));
        attacker.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]);
        let attacker = attacker.map_zero().mount_proc().start().expect("the attacker");
        thread::sleep(Duration::from_millis(100));
        attacker
    });
    let (mut starts, begin) = (0_u64, Instant::now());
    while begin.elapsed() < limit {
        let Ok(process) = start(kind, attacker.as_ref()) else { break };
        let wait = Instant::now();
        while wait.elapsed() < Duration::from_micros(300) {
            std::hint::spin_loop();
        }
        // The status of a daemon may be lost.
        let _ = process.join_timeout(Duration::from_secs(1));
        starts += 1;
    }
    println!("caller: {starts} starts");
    if let Some(attacker) = attacker {
        let output = attacker.wait_with_output().expect("the attacker");
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn start(kind: &str, target: Option<&Process>) -> Result<Process, ns_process::Error> {
    let mut container = Container::new("/bin/true");
    match (kind, target) {
        (_, Some(target)) => return Inject::new(target, "/bin/true").start(),
        ("daemon", None) => container.namespace(Namespace::User).daemonize(),
        ("init", None) => {
            container.namespaces([Namespace::User, Namespace::Pid]).init(Init::builtin())
        }
        _ => container.namespace(Namespace::User),
    };
    container.start()
}

/// The numbers in the line that begins with `name`.
fn figures(printed: &str, name: &str) -> Vec<u64> {
    let line = printed.lines().find_map(|line| line.split_once(name));
    let (_, figures) = line.unwrap_or_else(|| panic!("no {name} in {printed}"));
    figures.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Asserts that no attack read the word, and that there were enough starts and tries.
fn assert_no_reads(kind: &str, processors: &str, printed: &str) {
    let starts = figures(printed, "caller:")[0];
    let [reads, tries] = figures(printed, "attacker:")[..] else { panic!("{printed}") };
    assert_eq!(reads, 0, "{kind}, {processors}: the caller's memory was read");
    assert!(starts > 10 && tries > 1000, "{kind}, {processors}: {starts} starts, {tries} tries");
    println!("shown: {kind}, {processors}: {reads} reads in {tries} tries, {starts} starts");
}

const PROCESSORS: [(&str, &str); 2] = [("pinned", "0"), ("free", "free")];

/// The root of a target reads nothing through processes that join it.
#[test]
fn c19_a_target_reads_nothing() {
    ns_testbed::run_as!([Root, User], {
        for (processors, cpu) in PROCESSORS {
            let caller =
                helper(&format!("inject {} {cpu} {}", seconds(), word())).start().expect("start");
            let output = caller.wait_with_output().expect("the caller");
            assert_no_reads("inject", processors, &String::from_utf8_lossy(&output.stdout));
        }
    });
}

/// A process of the same user without capabilities reads nothing through the children of a caller with a capability.
fn the_same_user_reads_nothing_through(kind: &str) {
    for (processors, cpu) in PROCESSORS {
        let other = if cpu == "free" { "free" } else { "1" };
        let word = word();
        let mut attacker = helper(&format!("attacker {} {other} {word}", seconds()));
        let attacker = attacker.uid(USER).gid(USER).start().expect("the attacker");
        let mut caller = helper(&format!("{kind} {} {cpu} {word}", seconds()));
        caller.uid(USER).gid(USER).keep_capabilities(CapabilitySet::NET_BIND_SERVICE);
        let output = caller.start().expect("start").wait_with_output().expect("caller");
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let output = attacker.wait_with_output().expect("the attacker");
        printed += &String::from_utf8_lossy(&output.stdout);
        assert_no_reads(kind, processors, &printed);
    }
}

#[test]
fn c19_the_same_user_reads_nothing() {
    ns_testbed::run_as!([Root], { the_same_user_reads_nothing_through("container") });
}

#[test]
fn c19_the_same_user_reads_nothing_through_a_daemon() {
    ns_testbed::run_as!([Root], { the_same_user_reads_nothing_through("daemon") });
}

#[test]
fn c19_the_same_user_reads_nothing_through_an_init() {
    ns_testbed::run_as!([Root], { the_same_user_reads_nothing_through("init") });
}
