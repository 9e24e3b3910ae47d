//! The time between the wake of the caller and the end of the child's stay in the caller's memory.
//!
//! Attackers that may trace the child, but not the caller, read at an address of the caller's through every
//! process that the caller makes, as often as they can.
#![allow(unsafe_code, reason = "the attack, and memory at a fixed address")]

use std::env;
use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ns_process::{CapabilitySet, Container, Init, Inject, Namespace, Process, Stdio};
use ns_testbed::USER;

/// Where the caller has a word that its attacker knows, and looks for.
const ADDRESS: usize = 0x6000_0000_0000;

/// What a test asks of this binary as a program: `attacker SECONDS CPU WORD`, `inject …`, `container …`. The
/// word is the test's own: another caller of the same user may be traced by anybody of that user.
const WANTED: &str = "NS_WINDOW";

/// How long each attack takes.
fn seconds() -> u64 {
    if env::var_os("NS_PROVE").is_some() { 60 } else { 1 }
}

/// One for each attack.
fn word() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0x61_7279);
    COUNT.fetch_add(1, Ordering::Relaxed) | u64::from(std::process::id()) << 40
}

/// Not a test: attacker and callers.
#[test]
fn program() {
    let Ok(wanted) = env::var(WANTED) else { return };
    let words: Vec<&str> = wanted.split(' ').collect();
    let [what, seconds, cpu, word] = words[..] else { panic!("{wanted}") };
    let limit = Duration::from_secs(seconds.parse().expect("seconds"));
    let word = word.parse().expect("a number");
    match what {
        "attacker" => attack(limit, cpu, word),
        _ => call(what, limit, cpu, word),
    }
}

/// This binary as one of its programs.
fn act(wanted: &str) -> Container {
    let mut container = Container::new("/proc/self/exe");
    container.args(["program", "--exact", "--nocapture"]).env(WANTED, wanted);
    container.env_remove("NS_TESTBED_ROLE").stdin(Stdio::null()).stdout(Stdio::piped());
    container
}

/// Keeps this process on a processor of its own, if it has a number.
fn pin(cpu: &str) {
    let Ok(number) = cpu.parse() else { return };
    let mut set = rustix::thread::CpuSet::new();
    set.set(number);
    // A machine with one processor has no second one.
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

/// Reads through the processes that were made last, by their numbers.
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
            reads += u64::from(is_read_through(pid, word));
        }
    }
    println!("attacker: {reads} reads in {tries} tries");
}

fn is_read_through(pid: i32, word: u64) -> bool {
    let mut found = 0_u64;
    let local = libc::iovec { iov_base: (&raw mut found).cast(), iov_len: 8 };
    let remote = libc::iovec { iov_base: ptr::without_provenance_mut(ADDRESS), iov_len: 8 };
    // SAFETY: one buffer of eight bytes, which outlives the call; the other side is checked.
    let read = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    read == 8 && black_box(found) == word
}

/// Starts programs for as long as it is attacked.
fn call(kind: &str, limit: Duration, cpu: &str, word: u64) {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let address = ptr::without_provenance_mut(ADDRESS);
    // SAFETY: a new mapping, where nothing is mapped.
    let page =
        unsafe { libc::mmap(address, 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    assert_eq!(page.addr(), ADDRESS);
    // SAFETY: the mapping above.
    unsafe { page.cast::<u64>().write_volatile(word) };
    pin(cpu);
    // The file of the locks is made before anything that the later starts open.
    assert!(Container::new("/bin/true").status().expect("start").success());
    let attacker = (kind == "inject").then(|| {
        let other = if cpu == "free" { "free" } else { "1" };
        let mut attacker = act(&format!("attacker {} {other} {word}", limit.as_secs()));
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
        // A daemon is reaped by another process.
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

/// The figures of the lines that begin with `name`.
fn figures(printed: &str, name: &str) -> Vec<u64> {
    let line = printed.lines().find_map(|line| line.split_once(name));
    let (_, figures) = line.unwrap_or_else(|| panic!("no {name} in {printed}"));
    figures.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// No attack reads anything, and there is something to attack.
fn show(kind: &str, way: &str, printed: &str) {
    let starts = figures(printed, "caller:")[0];
    let [reads, tries] = figures(printed, "attacker:")[..] else { panic!("{printed}") };
    assert_eq!(reads, 0, "{kind}, {way}: the caller's memory was read");
    assert!(starts > 10 && tries > 1000, "{kind}, {way}: {starts} starts, {tries} tries");
    println!("shown: {kind}, {way}: {reads} reads in {tries} tries, {starts} starts");
}

const WAYS: [(&str, &str); 2] = [("pinned", "0"), ("free", "free")];

/// The target's root, through what enters the target.
#[test]
fn c19_a_target_reads_nothing() {
    ns_testbed::run_as!([Root, User], {
        for (way, cpu) in WAYS {
            let caller =
                act(&format!("inject {} {cpu} {}", seconds(), word())).start().expect("start");
            let output = caller.wait_with_output().expect("the caller");
            show("inject", way, &String::from_utf8_lossy(&output.stdout));
        }
    });
}

/// A process of the same user without a capability reads nothing through the children of one that has one.
fn the_same_user_reads_nothing_through(kind: &str) {
    for (way, cpu) in WAYS {
        let other = if cpu == "free" { "free" } else { "1" };
        let word = word();
        let mut attacker = act(&format!("attacker {} {other} {word}", seconds()));
        let attacker = attacker.uid(USER).gid(USER).start().expect("the attacker");
        let mut caller = act(&format!("{kind} {} {cpu} {word}", seconds()));
        caller.uid(USER).gid(USER).keep_capabilities(CapabilitySet::NET_BIND_SERVICE);
        let output = caller.start().expect("start").wait_with_output().expect("caller");
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let output = attacker.wait_with_output().expect("the attacker");
        printed += &String::from_utf8_lossy(&output.stdout);
        show(kind, way, &printed);
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
fn c19_the_same_user_reads_nothing_beside_an_init() {
    ns_testbed::run_as!([Root], { the_same_user_reads_nothing_through("init") });
}
