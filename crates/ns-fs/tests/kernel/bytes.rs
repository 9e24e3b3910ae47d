//! Bytes in memory as a descriptor.

use std::fs::{self, OpenOptions};

use ns_fs::{Descriptors, Stdio};
use ns_testbed::Leftovers;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{SealFlags, fcntl_get_seals};

use crate::fds::{plan, shell};
use crate::fixture::borrow;

/// The process reads the bytes from the beginning in each start, at any descriptor number, and cannot change them.
#[test]
fn a_process_reads_the_bytes_and_cannot_change_them() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut descriptors = Descriptors::new();
        descriptors.stdin(Stdio::bytes("one\n")).place(9, Stdio::bytes(*b"two\n"));
        let script = c"(echo more >&0) 2>&- && exit 3; (echo more >&9) 2>&- && exit 4
            read a; read b <&9; read c; test \"$a $b $c\" = 'one two '";
        let before = Leftovers::snapshot();
        for _ in 0..2 {
            assert_eq!(shell(&plan(&descriptors), script), 0);
        }
        before.assert_unchanged();
    });
}

/// A process does not wait for the caller, which writes nothing.
#[test]
fn more_than_a_pipe_holds_needs_no_writer() {
    ns_testbed::run_as!([Root, User], {
        let mut descriptors = Descriptors::new();
        descriptors.stdin(Stdio::bytes(vec![b'x'; 10_000_000]));
        assert_eq!(shell(&plan(&descriptors), c"test $(wc -c) -eq 10000000"), 0);
    });
}

/// The file has the bytes, whatever they are, and all seals.
#[test]
fn the_file_has_the_bytes() {
    ns_testbed::run_as!([Root, User], {
        let mut runner = TestRunner::new(Config::with_cases(32));
        let run = runner.run(&vec(any::<u8>(), 0..70_000), |bytes| {
            let mut descriptors = Descriptors::new();
            descriptors.place(9, Stdio::bytes(&*bytes));
            let plan = plan(&descriptors);
            let number = plan.opened().next().expect("a file");
            let path = format!("/proc/self/fd/{number}");
            assert_eq!(fs::read(&path).expect("read"), bytes);
            let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
            assert!(fcntl_get_seals(borrow(number)).expect("seals").contains(seals));
            OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(0)).unwrap_err();
            Ok(())
        });
        run.expect("the bytes");
    });
}

/// The plan names the calls, and neither it nor `Debug` has the bytes.
#[test]
fn the_bytes_are_described_by_their_number() {
    let mut descriptors = Descriptors::new();
    descriptors.stdin(Stdio::bytes("secret"));
    let opening = "memfd_create(\"input\"); pwrite(6 bytes); fcntl(F_ADD_SEALS)";
    assert_eq!(descriptors.describe_opening().to_string(), opening);
    assert!(descriptors.describe_placing().to_string().starts_with("dup3(bytes, 0, 0)"));
    assert!(!format!("{descriptors:?}").contains("secret"));
}
