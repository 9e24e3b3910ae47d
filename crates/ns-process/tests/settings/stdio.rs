//! Standard streams and descriptors of the program.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::common::{Output, assert_refused, assert_unchanged, in_child, shell};
use ns_process::{CloneFlags, Container, Errno, Resource, Stdio, Step};
use ns_sys::child;
use ns_testbed::{Leftovers, forked};

fn captured(container: &Container) -> (String, String) {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{}", output.status);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr))
}

/// A pipe: reader, writer.
fn pipe() -> (File, File) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("pipe");
    (reader.into(), writer.into())
}

fn read(mut file: impl Read) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).expect("read");
    text
}

/// Inheritable descriptors of the caller, one of them above the limit, are closed, except a kept one.
#[test]
fn e01_only_requested_descriptors_are_inherited() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            for number in [900, 40, 41, 42, 43, 44, 45, 46, 47, 48] {
                let null = File::open("/dev/null").expect("open");
                // SAFETY: nothing owns these descriptors.
                unsafe { child::dup3(null.as_fd(), number, false) }.expect("dup3");
            }
            child::prlimit(Resource::Nofile as u32, 64, 4096).expect("prlimit");
            let list = "ls /proc/self/fd | tr '\\n' ' '";
            // 3 is the descriptor of the listing.
            assert_eq!(captured(&shell(list)).0, "0 1 2 3 ");
            let mut kept = shell(list);
            kept.keep_fd(borrow(41)).fd(7, Stdio::null());
            assert_eq!(captured(&kept).0, "0 1 2 3 41 7 ");
            let mut open = shell(list);
            open.close_fds(false);
            assert!(captured(&open).0.contains("900"));
        });
    });
}

/// A caller without descriptors 0 to 2 starts a program with pipes, and gets errors.
#[test]
fn e02_a_caller_without_stdio_starts_programs() {
    ns_testbed::run_as!([Root, User, Nested], {
        let code = forked(|| {
            for number in 0..3 {
                // SAFETY: this process prints nothing afterwards.
                let _ = unsafe { child::close(number) };
            }
            let mut container = shell("read line; echo out $line; echo err >&2");
            container.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let Ok(mut process) = container.start() else { return 2 };
            let mut stdin = process.take_stdin().expect("stdin");
            if stdin.write_all(b"text\n").is_err() {
                return 3;
            }
            drop(stdin);
            let Ok(output) = process.wait_with_output() else { return 4 };
            let is_right = output.stdout == b"out text\n" && output.stderr == b"err\n";
            let failed = Container::new("/nope").start().expect_err("no such file");
            let inherited = Container::new("true").status().is_ok_and(|status| status.success());
            i32::from(!is_right || failed.errno() != Some(Errno::NOENT) || !inherited)
        });
        assert_eq!(code, 0);
    });
}

/// stdout and stderr swapped, a cycle of three descriptors, and one file as two descriptors.
#[test]
fn e03_descriptors_are_swapped_and_shared() {
    ns_testbed::run_as!([Root, User, Nested], {
        let ((out, to_out), (err, to_err)) = (pipe(), pipe());
        let script = "echo one >&3; echo two >&4; echo three >&5";
        let mut container = shell(script);
        let ends: Vec<(File, File)> = (0..3).map(|_| pipe()).collect();
        // The ends are above the requested descriptor numbers.
        let numbers: Vec<RawFd> = (3..6).collect();
        let placed: Vec<OwnedFd> = ends.iter().map(|(_, end)| at(end, 200)).collect();
        for (number, end) in numbers.into_iter().zip(placed) {
            container.fd(number, Stdio::fd(end));
        }
        assert!(container.status().expect("start").success());
        drop(container);
        let readers: Vec<File> = ends.into_iter().map(|(reader, _writer)| reader).collect();
        let printed: Vec<String> = readers.into_iter().map(read).collect();
        assert_eq!(printed, ["one\n", "two\n", "three\n"]);
        let code = forked(|| {
            // SAFETY: this process prints nothing afterwards.
            unsafe { child::dup3(to_out.as_fd(), 1, true) }.expect("dup3");
            // SAFETY: as above.
            unsafe { child::dup3(to_err.as_fd(), 2, true) }.expect("dup3");
            let mut swapped = shell("echo to-err; echo to-out >&2");
            swapped.stdout(Stdio::borrowed(borrow(2))).stderr(Stdio::borrowed(borrow(1)));
            let status = swapped.status().expect("start");
            let mut both = shell("echo both; echo both >&2");
            both.stdout(Stdio::borrowed(borrow(1))).stderr(Stdio::borrowed(borrow(1)));
            i32::from(!status.success() || !both.status().expect("start").success())
        });
        assert_eq!(code, 0);
        drop((to_out, to_err));
        assert_eq!(read(out), "to-out\nboth\nboth\n");
        assert_eq!(read(err), "to-err\n");
    });
}

fn borrow(number: RawFd) -> std::os::fd::BorrowedFd<'static> {
    // SAFETY: open for as long as the process runs.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(number) }
}

fn at(file: &File, lowest: RawFd) -> OwnedFd {
    rustix::io::fcntl_dupfd_cloexec(file, lowest).expect("dup")
}

/// A close-on-exec descriptor that already has the requested number is open in the program.
#[test]
fn e04_source_and_target_may_be_the_same() {
    ns_testbed::run_as!([Root, User], {
        let (reader, mut writer) = pipe();
        // SAFETY: nothing owns the descriptor.
        let stdin = unsafe { child::dup3(reader.as_fd(), 9, true) }.map(|()| {
            // SAFETY: the call above made it.
            unsafe { OwnedFd::from_raw_fd(9) }
        });
        let mut container = shell("cat <&9");
        container.fd(9, Stdio::fd(stdin.expect("dup3")));
        writer.write_all(b"here").expect("write");
        drop((writer, reader));
        assert_eq!(captured(&container).0, "here");
    });
}

/// If a script is open for writing, the error is ETXTBSY with a hint.
#[test]
fn e06_a_program_open_for_writing_is_etxtbsy() {
    ns_testbed::run_as!([Root, User], {
        let script = Output::new();
        let mut file = File::create(script.path()).expect("create");
        file.write_all(b"#!/bin/sh\n").expect("write");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(script.path(), mode).expect("chmod");
        let error = Container::new(script.path()).start().expect_err("busy");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::TXTBSY)));
        assert!(error.hint().is_some_and(|hint| hint.contains("writing")), "{error}");
        drop(file);
        assert!(Container::new(script.path()).status().expect("start").success());
    });
}

/// `output` reads more than pipes hold from both streams.
#[test]
fn e08_a_mebibyte_is_read_from_both_streams() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "head -c 1048576 /dev/zero & head -c 1048576 /dev/zero >&2; wait";
        let output = shell(script).output().expect("start");
        assert_eq!((output.stdout.len(), output.stderr.len()), (1 << 20, 1 << 20));
        assert!(output.status.success());
    });
}

/// Paths are opened by the caller when a program starts, and not by a plan.
#[test]
fn paths_are_opened_by_the_start() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (input, log) = (Output::new(), Output::new());
        fs::write(input.path(), "line\n").expect("write");
        let mut container = shell("cat; echo more >&2");
        container.stdin(Stdio::path(input.path()));
        container.stdout(Stdio::path(log.path())).stderr(Stdio::path(log.path()));
        let before = Leftovers::snapshot();
        let plan = container.plan().expect("plan").describe().to_string();
        assert_unchanged(&before);
        assert!(!fs::exists(log.path()).expect("stat"), "a plan opens no file");
        assert!(plan.contains("parent: openat"), "{plan}");
        assert!(container.status().expect("start").success());
        assert!(container.status().expect("start").success());
        assert_eq!(log.read(), "line\nmore\nline\nmore\n");
        let mut container = Container::new("true");
        container.name("box").stdin(Stdio::path("/no/such/file"));
        let error = container.start().expect_err("missing");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::NOENT)));
        assert!(error.to_string().contains("/no/such/file"), "{error}");
    });
}

/// With CLONE_FILES the descriptors of the caller are not changed, and streams are refused.
#[test]
fn shared_descriptors_are_not_changed() {
    ns_testbed::run_as!([Root, User], {
        let keep = File::open("/dev/null").expect("open");
        let mut container = Container::new("true");
        container.flags(CloneFlags::FILES);
        assert!(container.status().expect("start").success());
        rustix::io::fcntl_getfd(&keep).expect("still open");
        let message = "fd: CLONE_FILES shares the caller's own descriptors";
        assert_refused(container.stdout(Stdio::null()), message);
        let mut container = Container::new("true");
        let error = container.flags(CloneFlags::FILES).output().expect_err("both");
        assert_eq!(error.step(), Step::Check);
        rustix::io::fcntl_getfd(&keep).expect("still open");
        assert!(keep.as_raw_fd() > 2);
    });
}

/// No requested descriptor number replaces the descriptor by which the child watches its parent.
#[test]
fn f06_no_requested_descriptor_replaces_that_of_the_parent() {
    ns_testbed::run_as!([Root, User], {
        for number in 3..16 {
            let mut container = Container::new("true");
            container.fd(number, Stdio::null()).die_with_parent();
            assert!(container.status().expect("start").success(), "{number}");
        }
    });
}

/// A FIFO without a peer delays the start until its timeout only; with a peer it works, as any stream.
#[test]
fn e09_a_fifo_without_a_peer_ends_at_the_timeout() {
    ns_testbed::run_as!([Root, User], {
        let path = std::env::temp_dir().join(format!("ns-process-fifo-{}", std::process::id()));
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
            .expect("mkfifo");
        let limit = std::time::Duration::from_millis(200);
        for number in 0..3 {
            let begin = std::time::Instant::now();
            let mut container = Container::new("true");
            container.fd(number, Stdio::path(&path)).start_timeout(limit);
            let error = container.start().expect_err("no peer");
            assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
            assert!(error.to_string().contains("FIFO"), "{error}");
            assert!(begin.elapsed() >= limit && begin.elapsed() < ns_testbed::LONG, "{number}");
        }
        let (peer, text) = (path.clone(), "text\n");
        let writer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            let mut fifo = File::options().write(true).open(peer).expect("open");
            // The reader opens it before the first byte is written.
            std::thread::sleep(std::time::Duration::from_millis(50));
            fifo.write_all(text.as_bytes()).expect("write");
        });
        let mut cat = Container::new("cat");
        cat.stdin(Stdio::path(&path)).start_timeout(std::time::Duration::from_secs(10));
        let output = cat.stdout(Stdio::piped()).output().expect("start");
        assert_eq!(output.stdout, text.as_bytes());
        writer.join().expect("the writer");
        // A writer that closes the FIFO without writing.
        let peer = path.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            drop(File::options().write(true).open(peer).expect("open"));
        });
        assert_eq!(cat.output().expect("start").stdout, b"");
        writer.join().expect("the writer");
        let peer = path.clone();
        let reader = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            fs::read_to_string(peer).expect("read")
        });
        let mut echo = Container::new("echo");
        echo.arg("text")
            .stdout(Stdio::path(&path))
            .start_timeout(std::time::Duration::from_secs(10));
        assert!(echo.status().expect("start").success());
        assert_eq!(reader.join().expect("the reader"), text);
        fs::remove_file(path).expect("remove");
    });
}
