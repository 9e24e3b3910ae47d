//! Processes that somebody else holds up: no start and no handle waits for them without an end.
#![allow(unsafe_code, reason = "tracers, and a file system that does not answer")]

mod common;

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use common::target::Target;
use common::{act, eventually};
use ns_process::{Container, Errno, Inject, Memory, Namespace, Stdio, Step, reap};
use ns_testbed::{LONG, Leftovers};

/// How much longer than its limit a call may take; more on a machine that may be busy otherwise.
fn margin() -> Duration {
    let in_full = std::env::var_os("NS_PROVE").is_some();
    if in_full { Duration::from_millis(100) } else { LONG }
}

/// Not a test: traces what is injected, and never waits for it.
#[test]
fn tracer() {
    if std::env::var_os(common::ACT).is_none() {
        return;
    }
    loop {
        let entries = fs::read_dir("/proc").expect("proc").flatten();
        let traced = entries.filter(|entry| {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            command.starts_with(b"sleep\x00999")
        });
        for entry in traced {
            let pid: i32 =
                entry.file_name().to_str().and_then(|name| name.parse().ok()).expect("pid");
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            // One of them is stopped on its way out, too.
            let stops = command.starts_with(b"sleep\x009998");
            let options = if stops { libc::PTRACE_O_TRACEEXIT } else { 0 };
            // SAFETY: takes numbers.
            unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, options) };
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn hostile(name: &str) -> Target {
    let mut container = act(name);
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero();
    Target::new(container.mount_proc().stdout(Stdio::null()))
}

fn injected(target: &Target, seconds: &str) -> ns_process::Process {
    let process = Inject::new(&**target, "sleep").arg(seconds).start().expect("start");
    eventually("it is traced", || {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid())).expect("read");
        !status.contains("TracerPid:\t0\n")
    });
    process
}

/// Drop and `terminate_timeout` return, though the target's root keeps the zombie; later it is reaped.
#[test]
fn c20_a_tracer_keeps_the_zombie() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let target = hostile("tracer");
        let [dropped, ended, killed] = [(); 3].map(|()| injected(&target, "999"));
        let [stopped, left] = [(); 2].map(|()| injected(&target, "9998"));

        let begin = Instant::now();
        drop(dropped);
        assert!(begin.elapsed() < margin(), "drop: {:?}", begin.elapsed());

        let (begin, grace) = (Instant::now(), Duration::from_millis(100));
        let status = ended.terminate_timeout(grace).expect("proc tells the status");
        assert!(!status.success());
        assert!(begin.elapsed() < grace + margin(), "terminate_timeout: {:?}", begin.elapsed());
        drop(ended);

        let begin = Instant::now();
        killed.kill().expect("kill");
        let status = killed.join_timeout(LONG).expect("join").expect("ended");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
        drop(killed);
        assert!(begin.elapsed() < LONG, "join: {:?}", begin.elapsed());

        let begin = Instant::now();
        let error = stopped.terminate_timeout(grace).expect_err("it does not end");
        assert_eq!((error.step(), error.errno()), (Step::Wait, Some(Errno::TIMEDOUT)), "{error}");
        assert!(begin.elapsed() < grace + margin(), "terminate_timeout: {:?}", begin.elapsed());
        let begin = Instant::now();
        drop(left);
        assert!(begin.elapsed() < margin(), "drop: {:?}", begin.elapsed());

        // Its end waits until the last one is reaped.
        target.kill().expect("kill");
        assert!(!stopped.join().expect("join").success());
        drop((stopped, target));
        eventually("they are reaped", || reap() == 0);
        common::assert_unchanged(&before);
    });
}

/// A join reaps what other threads leave meanwhile: unreaped, it would keep the process from ending.
#[test]
fn c17_a_join_reaps_what_is_left() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::in_all();
        std::thread::scope(|scope| {
            let joined = scope.spawn(|| target.join());
            std::thread::sleep(Duration::from_millis(100));
            let mut inside = Container::new("sleep");
            inside.arg("1000").namespace_file(Namespace::User, target.file(Namespace::User));
            inside.namespace_file(Namespace::Pid, target.file(Namespace::Pid));
            drop(inside.start().expect("start"));
            target.kill().expect("kill");
            let begin = Instant::now();
            joined.join().expect("the thread").expect("join");
            assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
        });
        assert_eq!(reap(), 0);
    });
}

/// Opcodes of include/uapi/linux/fuse.h.
const LOOKUP: u32 = 1;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const INIT: u32 = 26;

/// Not a test: mounts a FUSE that answers nothing but the first request, on `/mnt`.
#[test]
fn silent_fuse() {
    if std::env::var_os(common::ACT).is_some() {
        serve(&[INIT]);
    }
}

/// Not a test: the same with a file that can be opened. To close it takes for ever.
#[test]
fn fuse_without_flush() {
    if std::env::var_os(common::ACT).is_some() {
        serve(&[INIT, LOOKUP, GETATTR, OPEN]);
    }
}

/// Answers these requests.
fn serve(answered: &[u32]) {
    let mut device = File::options().read(true).write(true).open("/dev/fuse").expect("open");
    let number = device.as_raw_fd();
    let options = format!("fd={number},rootmode=40000,user_id=0,group_id=0,allow_other");
    let options = CString::new(options).expect("no NUL");
    let (kind, place) = (c"fuse".as_ptr(), c"/mnt".as_ptr());
    // SAFETY: strings that outlive the call.
    let mounted = unsafe { libc::mount(kind, place, kind, 0, options.as_ptr().cast()) };
    assert_eq!(mounted, 0, "{}", std::io::Error::last_os_error());
    let mut request = vec![0; 1 << 20];
    loop {
        let Ok(length) = device.read(&mut request) else { continue };
        let word = |at: usize| u32::from_ne_bytes(request[at..at + 4].try_into().expect("four"));
        if length < 40 || !answered.contains(&word(4)) {
            continue;
        }
        let body = body(word(4), word(16));
        let length = u32::try_from(16 + body.len()).expect("short");
        // `fuse_out_header`.
        let header = [&length.to_ne_bytes(), &[0; 4], &request[8..16]].concat();
        std::io::Write::write_all(&mut device, &[header, body].concat()).expect("answer");
    }
}

/// What is answered to a request about a node.
fn body(opcode: u32, node: u32) -> Vec<u8> {
    let put = |length: usize, words: &[(usize, u32)]| {
        let mut bytes = vec![0; length];
        for (at, word) in words {
            bytes[*at..at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    };
    let mode = if node == 1 { libc::S_IFDIR | 0o755 } else { libc::S_IFREG | 0o644 };
    match opcode {
        // `fuse_init_out`: version 7.31.
        INIT => put(64, &[(0, 7), (4, 31), (8, 65536), (20, 65536)]),
        // `fuse_entry_out`: node 2, a file.
        LOOKUP => put(128, &[(0, 2), (40, 2), (100, libc::S_IFREG | 0o644), (104, 1)]),
        // `fuse_attr_out`.
        GETATTR => put(104, &[(16, node), (76, mode), (80, 1)]),
        // `fuse_open_out`.
        _ => put(16, &[]),
    }
}

/// Where exec closes a file of such a file system, a start returns at its limit. On many kernels exec holds a lock
/// meanwhile, for which kcmp(2) and readers of `/proc/PID/stat` wait.
#[test]
fn c21_exec_closes_a_file_that_does_not_answer() {
    ns_testbed::run_as!([Root], {
        if File::options().read(true).write(true).open("/dev/fuse").is_err() {
            ns_testbed::skip!("no /dev/fuse");
        }
        let before = Leftovers::snapshot();
        let limit = Duration::from_millis(200);
        let mut container = Container::new("true");
        container.namespace(Namespace::User).map_zero().close_fds(false).start_timeout(limit);
        // The file of the lock is made.
        assert!(container.status().expect("start").success());
        // Of the caller's own user namespace, as others may not open what it has.
        let mut server = act("fuse_without_flush");
        server.namespaces([Namespace::Pid, Namespace::Mnt]).mount_proc();
        let target = Target::new(server.stdout(Stdio::null()));
        let mounts = format!("/proc/{}/mounts", target.pid());
        eventually("it is mounted", || {
            fs::read_to_string(&mounts).is_ok_and(|mounts| mounts.contains("fuse"))
        });
        let file = File::open(format!("/proc/{}/root/mnt/file", target.pid())).expect("open");
        // Exec closes one, after the file of the lock.
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).expect("fcntl");
        let last = rustix::io::fcntl_dupfd_cloexec(&file, 900).expect("dup");
        for memory in [Memory::Auto, Memory::Copied] {
            let begin = Instant::now();
            let error = container.memory(memory).start().expect_err("it does not answer");
            let time = begin.elapsed();
            assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
            assert!(time < limit + margin(), "{time:?}");
            println!("shown: a start of {limit:?} whose exec closes a silent file: {time:?}");
        }
        // This process's own close would wait as well.
        drop(target);
        drop((file, last));
        eventually("they are reaped", || reap() == 0);
        common::assert_unchanged(&before);
    });
}

/// A program on a file system of the target's that does not answer: the start returns at its limit, and once the
/// target has ended nothing is left.
#[test]
fn c21_a_file_system_that_does_not_answer() {
    ns_testbed::run_as!([Root], {
        if File::options().read(true).write(true).open("/dev/fuse").is_err() {
            ns_testbed::skip!("no /dev/fuse");
        }
        let before = Leftovers::snapshot();
        let target = hostile("silent_fuse");
        let mounts = format!("/proc/{}/mounts", target.pid());
        eventually("it is mounted", || {
            fs::read_to_string(&mounts).is_ok_and(|mounts| mounts.contains("fuse"))
        });
        let rounds = if std::env::var_os("NS_PROVE").is_some() { 100 } else { 5 };
        let limit = Duration::from_millis(100);
        let mut longest = Duration::ZERO;
        for _ in 0..rounds {
            let begin = Instant::now();
            let error = Inject::new(&*target, "/mnt/program").start_timeout(limit).start();
            longest = longest.max(begin.elapsed());
            let error = error.expect_err("it does not answer");
            assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
        }
        assert!(longest < limit + margin(), "{longest:?}");
        // Other starts go on meanwhile, whatever they need the dumpable flag to be.
        let mut container = Container::new("true");
        assert!(container.namespace(Namespace::User).map_zero().status().expect("start").success());
        assert!(reap() >= rounds, "they are kept");
        drop(target);
        eventually("they are reaped", || reap() == 0);
        common::assert_unchanged(&before);
        println!("shown: {rounds} starts of {limit:?} on a silent FUSE, the longest {longest:?}");
    });
}
