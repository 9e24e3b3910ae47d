//! Processes that a tracer or a file system blocks: no start and no handle waits for them without a limit.
#![allow(unsafe_code, reason = "tracers, and a file system that does not reply")]

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::program::{helper_test, is_helper_test};
use crate::common::target::{Target, sleep};
use crate::common::{assert_unchanged, eventually, reap_all, rounds};
use ns_process::{Container, Errno, Inject, Memory, Namespace, Stdio, Step, reap};
use ns_testbed::{LONG, Leftovers};

/// The time that a call may exceed its timeout; longer where the machine may be busy.
fn margin() -> Duration {
    rounds(Duration::from_millis(100), LONG)
}

/// Not a test: traces injected processes, and never waits for them.
#[test]
fn helper_that_traces() {
    if !is_helper_test() {
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
            // Some of them are stopped at their exit as well.
            let stops = command.starts_with(b"sleep\x009998");
            let options = if stops { libc::PTRACE_O_TRACEEXIT } else { 0 };
            // SAFETY: takes numbers.
            unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, options) };
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn target_with<T: Fn()>(helper: T) -> Target {
    let mut container = helper_test(helper);
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

/// Drop and `terminate_timeout` return while a tracer in the target keeps the zombie, which is reaped later.
#[test]
fn c20_a_zombie_kept_by_a_tracer_delays_no_call() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let target = target_with(helper_that_traces);
        let [dropped, terminated, killed] = [(); 3].map(|()| injected(&target, "999"));
        let [stopped, left] = [(); 2].map(|()| injected(&target, "9998"));

        let begin = Instant::now();
        drop(dropped);
        assert!(begin.elapsed() < margin(), "drop: {:?}", begin.elapsed());

        let (begin, grace) = (Instant::now(), Duration::from_millis(100));
        let status = terminated.terminate_timeout(grace).expect("the status in proc");
        assert!(!status.success());
        assert!(begin.elapsed() < grace + margin(), "terminate_timeout: {:?}", begin.elapsed());
        drop(terminated);

        let begin = Instant::now();
        killed.kill().expect("kill");
        let status = killed.join_timeout(LONG).expect("join").expect("a status");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
        drop(killed);
        assert!(begin.elapsed() < LONG, "join: {:?}", begin.elapsed());

        let begin = Instant::now();
        let error = stopped.terminate_timeout(grace).expect_err("it does not exit");
        assert_eq!((error.step(), error.errno()), (Step::Wait, Some(Errno::TIMEDOUT)), "{error}");
        assert!(begin.elapsed() < grace + margin(), "terminate_timeout: {:?}", begin.elapsed());
        let begin = Instant::now();
        drop(left);
        assert!(begin.elapsed() < margin(), "drop: {:?}", begin.elapsed());

        // The target terminates when its last process is reaped.
        target.kill().expect("kill");
        assert!(!stopped.join().expect("join").success());
        drop((stopped, target));
        reap_all();
        assert_unchanged(&before);
    });
}

/// A join reaps processes that other threads drop meanwhile, which would otherwise keep the target from terminating.
#[test]
fn c17_a_join_reaps_dropped_processes() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::in_all();
        std::thread::scope(|scope| {
            let joined = scope.spawn(|| target.join());
            std::thread::sleep(Duration::from_millis(100));
            let mut inside = sleep();
            inside.namespace_file(Namespace::User, target.file(Namespace::User));
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

/// Not a test: mounts a FUSE on `/mnt` that replies to the first request only.
#[test]
fn helper_with_silent_fuse() {
    if is_helper_test() {
        serve(&[INIT]);
    }
}

/// Not a test: as above, with a file that can be opened. Closing it blocks for ever.
#[test]
fn helper_with_fuse_without_flush() {
    if is_helper_test() {
        serve(&[INIT, LOOKUP, GETATTR, OPEN]);
    }
}

/// Mounts a FUSE and replies to these requests.
fn serve(opcodes: &[u32]) {
    let mut device = File::options().read(true).write(true).open("/dev/fuse").expect("open");
    let number = device.as_raw_fd();
    let options = format!("fd={number},rootmode=40000,user_id=0,group_id=0,allow_other");
    let options = CString::new(options).expect("no NUL");
    let (kind, mount_point) = (c"fuse".as_ptr(), c"/mnt".as_ptr());
    // SAFETY: strings that outlive the call.
    let mounted = unsafe { libc::mount(kind, mount_point, kind, 0, options.as_ptr().cast()) };
    assert_eq!(mounted, 0, "{}", std::io::Error::last_os_error());
    let mut request = vec![0; 1 << 20];
    loop {
        let Ok(length) = device.read(&mut request) else { continue };
        let word = |at: usize| u32::from_ne_bytes(request[at..at + 4].try_into().expect("four"));
        if length < 40 || !opcodes.contains(&word(4)) {
            continue;
        }
        let body = body(word(4), word(16));
        let length = u32::try_from(16 + body.len()).expect("short");
        // `fuse_out_header`.
        let header = [&length.to_ne_bytes(), &[0; 4], &request[8..16]].concat();
        std::io::Write::write_all(&mut device, &[header, body].concat()).expect("reply");
    }
}

/// The body of the reply to a request.
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

fn has_fuse() -> bool {
    File::options().read(true).write(true).open("/dev/fuse").is_ok()
}

fn await_fuse(target: &Target) {
    let mounts = format!("/proc/{}/mounts", target.pid());
    eventually("it is mounted", || {
        fs::read_to_string(&mounts).is_ok_and(|mounts| mounts.contains("fuse"))
    });
}

/// If exec closes a file of a silent file system, the start returns at its timeout. On many kernels exec holds a lock
/// meanwhile, which kcmp(2) and readers of `/proc/PID/stat` wait for.
#[test]
fn c21_exec_closes_a_file_of_a_silent_file_system() {
    ns_testbed::run_as!([Root], {
        if !has_fuse() {
            ns_testbed::skip!("no /dev/fuse");
        }
        let before = Leftovers::snapshot();
        let limit = Duration::from_millis(200);
        let mut container = Container::new("true");
        container.namespace(Namespace::User).map_zero().close_fds(false).start_timeout(limit);
        // The first start opens the file of the record locks.
        assert!(container.status().expect("start").success());
        // In the user namespace of the caller, which could not open the file otherwise.
        let mut server = helper_test(helper_with_fuse_without_flush);
        server.namespaces([Namespace::Pid, Namespace::Mnt]).mount_proc();
        let target = Target::new(server.stdout(Stdio::null()));
        await_fuse(&target);
        let file =
            File::open(Path::new("/proc").join(target.pid().to_string()).join("root/mnt/file"));
        let file = file.expect("open");
        // Exec closes the second descriptor, after the file of the record locks.
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).expect("fcntl");
        let last = rustix::io::fcntl_dupfd_cloexec(&file, 900).expect("dup");
        for memory in [Memory::Auto, Memory::Copied] {
            let begin = Instant::now();
            let error = container.memory(memory).start().expect_err("it does not reply");
            let time = begin.elapsed();
            assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
            assert!(time < limit + margin(), "{time:?}");
            println!("shown: a start of {limit:?} whose exec closes a silent file: {time:?}");
        }
        // First, because closing the file would block this process as well.
        drop(target);
        drop((file, last));
        reap_all();
        assert_unchanged(&before);
    });
}

/// If the program is on a silent file system of the target, the start returns at its timeout. Nothing is left after the
/// target has terminated.
#[test]
fn c21_a_program_on_a_silent_file_system() {
    ns_testbed::run_as!([Root], {
        if !has_fuse() {
            ns_testbed::skip!("no /dev/fuse");
        }
        let before = Leftovers::snapshot();
        let target = target_with(helper_with_silent_fuse);
        await_fuse(&target);
        let rounds = rounds(100, 5);
        let limit = Duration::from_millis(100);
        let mut longest = Duration::ZERO;
        for _ in 0..rounds {
            let begin = Instant::now();
            let error = Inject::new(&*target, "/mnt/program").start_timeout(limit).start();
            longest = longest.max(begin.elapsed());
            let error = error.expect_err("it does not reply");
            assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
        }
        assert!(longest < limit + margin(), "{longest:?}");
        // Other starts succeed meanwhile, in whichever state they need the dumpable flag.
        let mut container = Container::new("true");
        assert!(container.namespace(Namespace::User).map_zero().status().expect("start").success());
        assert!(reap() >= rounds, "the killed children wait");
        drop(target);
        reap_all();
        assert_unchanged(&before);
        println!("shown: {rounds} starts of {limit:?} on a silent FUSE, the longest {longest:?}");
    });
}
