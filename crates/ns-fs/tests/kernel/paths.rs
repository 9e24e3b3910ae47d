//! Files that a plan opens by their path, and `/dev/null`.

use std::fs;
use std::time::{Duration, Instant};

use ns_fs::apply::FdStep;
use ns_fs::{Descriptors, FdError, FdPlan, Stdio};
use ns_sys::Errno;
use rustix::fs::{OFlags, fcntl_getfl};

use crate::fds::{plan, shell};
use crate::fixture::{TempDir, borrow};

/// A path is read at 0, and created and appended to at 1 and 2.
#[test]
fn stdio_paths() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::new("stdio");
        let path = dir.path().join("file");
        let mut descriptors = Descriptors::new();
        descriptors.stdout(Stdio::path(&path));
        for _ in 0..2 {
            assert_eq!(shell(&plan(&descriptors), c"echo line"), 0);
        }
        descriptors.stdin(Stdio::path(&path)).stdout(Stdio::null());
        assert_eq!(shell(&plan(&descriptors), c"read a; read b; test $a$b = lineline"), 0);
        fs::remove_file(&path).expect("remove");
        let error = FdPlan::new(&descriptors).expect_err("removed");
        assert!(matches!(error, FdError::Open { number: 0, .. }), "{error}");
    });
}

/// Above 2 a path is read and written, and not created; the explicit modes are the same at every number.
#[test]
fn paths_above_stdio() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::new("paths");
        let at = |name| dir.path().join(name);
        fs::write(at("both"), "12345").expect("write");
        fs::write(at("appended"), "old ").expect("write");
        fs::write(at("truncated"), "old").expect("write");
        let mut descriptors = Descriptors::new();
        descriptors.place(3, Stdio::path(at("both"))).place(4, Stdio::append(at("appended")));
        descriptors.place(5, Stdio::create(at("truncated"))).stdin(Stdio::append(at("new")));
        descriptors.place(6, Stdio::read(at("both"))).stdout(Stdio::read(at("both")));
        let script = c"printf ab >&3; read rest <&3; test $rest = 345 || exit 1
            printf new >&4; printf new >&5; printf new >&0
            read all <&6; test $all = ab345 || exit 2; read all <&1; test $all = ab345 || exit 3
            (echo >&6) 2>/dev/null && exit 4; (echo >&1) 2>/dev/null && exit 5
            (read line <&4) 2>/dev/null && exit 6; exit 0";
        assert_eq!(shell(&plan(&descriptors), script), 0);
        let text = |name| fs::read_to_string(at(name)).expect("read");
        let texts = ["both", "appended", "truncated", "new"].map(text);
        assert_eq!(texts, ["ab345", "old new", "new", "new"]);
        fs::remove_file(at("both")).expect("remove");
        let error = FdPlan::new(&descriptors).expect_err("removed");
        assert!(matches!(error, FdError::Open { number: 1, .. }), "{error}");
        assert!(!at("both").exists());
    });
}

/// A FIFO that is opened for reading and writing has a peer; the others wait for one until the deadline.
#[test]
fn e09_fifos_above_stdio() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::new("fifos");
        let path = dir.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, mode, 0).expect("mkfifo");
        let open = |number, file| {
            let deadline = Instant::now() + Duration::from_millis(50);
            Descriptors::new().place(number, file).open_paths(Some(deadline))
        };
        open(3, Stdio::path(&path)).expect("both ends");
        for file in [Stdio::read(&path), Stdio::append(&path), Stdio::create(&path)] {
            let error = open(3, file).expect_err("no peer");
            let FdError::Open { source, .. } = error else { panic!("{error}") };
            assert_eq!(Errno::from_io_error(&source), Some(Errno::TIMEDOUT));
        }
    });
}

/// `/dev/null` is opened for reading at 0, for writing at 1 and 2, and for both above.
#[test]
fn null_has_a_direction() {
    let mut descriptors = Descriptors::new();
    for number in [0, 1, 2, 700] {
        descriptors.place(number, Stdio::null());
    }
    let plan = plan(&descriptors);
    for step in plan.steps() {
        let FdStep::Duplicate { from, to } = *step else { panic!("{step}") };
        let expected = match to {
            0 => OFlags::RDONLY,
            1 | 2 => OFlags::WRONLY,
            _ => OFlags::RDWR,
        };
        assert_eq!(fcntl_getfl(borrow(from)).expect("fcntl") & OFlags::RWMODE, expected, "{to}");
    }
    assert_eq!(plan.steps().len(), 4);
}
