//! The kernel evaluates filters as this crate does.
#![allow(unsafe_code, reason = "sets filters")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::prelude::rust_2024::*;

use ns_sys::Errno;
use ns_sys::child::{BpfInstruction, seccomp_set_filter};
use ns_testbed::forked;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use rustix::process::{Resource, Rlimit, getpriority_process, setrlimit};
use rustix::thread::set_no_new_privs;

use crate::parked::filter::{RET_ACTION, RET_ALLOW, RET_LOG, allows, evaluate};

/// The system call that a filter judges, with arguments of 0.
const CALL: i64 = libc::SYS_getpriority;

const RET_ERRNO: u32 = 0x0005_0000;

/// What the kernel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It does not accept the filter.
    Rejected,
    Allowed,
    /// `RET_ERRNO` with this number, which is not 0.
    Fails(u32),
    /// The process was killed.
    Killed,
}

fn line(code: u16, k: u32) -> BpfInstruction {
    BpfInstruction { code, jt: 0, jf: 0, k }
}

/// Filters the judged call alone by `body`. Jumps beyond the body reach the instructions after it, which reduce the
/// accumulator to an errno: two values that differ in one bit have different errnos.
fn filter(body: &[BpfInstruction]) -> Vec<BpfInstruction> {
    let number = u32::try_from(CALL).expect("a number");
    let only =
        [line(0x20, 0), BpfInstruction { jt: 1, ..line(0x15, number) }, line(0x06, RET_ALLOW)];
    let reduce = [
        // X = A; A = A >> 12 ^ X; A = A ^ X >> 24.
        line(0x07, 0),
        line(0x74, 12),
        line(0xac, 0),
        line(0x02, 15),
        line(0x87, 0),
        line(0x74, 24),
        line(0x07, 0),
        line(0x60, 15),
        line(0xac, 0),
        line(0x54, 0xfff),
        line(0x44, RET_ERRNO),
        line(0x16, 0),
    ];
    [&only, body, &reduce].concat()
}

/// What the kernel does with the call after it has taken the filter.
fn by_kernel(filter: &[BpfInstruction]) -> Verdict {
    let (reader, mut writer) = UnixStream::pair().expect("socketpair");
    let code = forked(|| {
        // A killed process makes no core dump.
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        setrlimit(Resource::Core, none).expect("setrlimit");
        set_no_new_privs(true).expect("no_new_privs");
        // SAFETY: only the judged call has another result, and it is made for its result alone.
        let set = unsafe { seccomp_set_filter(0, filter) };
        let verdict = match set {
            Err(errno) => {
                assert_eq!(errno, Errno::INVAL);
                u32::MAX
            }
            Ok(_) => getpriority_process(None).err().map_or(0, number),
        };
        writer.write_all(&verdict.to_ne_bytes()).expect("write");
        0
    });
    drop(writer);
    match (code, word(reader)) {
        (0, Some(u32::MAX)) => Verdict::Rejected,
        (0, Some(0)) => Verdict::Allowed,
        (0, Some(errno)) => Verdict::Fails(errno),
        (killed, None) if killed == 128 + libc::SIGSYS => Verdict::Killed,
        other => unreachable!("{other:?}"),
    }
}

fn number(errno: Errno) -> u32 {
    errno.raw_os_error().unsigned_abs()
}

fn word(mut reader: UnixStream) -> Option<u32> {
    let mut word = [0; 4];
    reader.read_exact(&mut word).ok()?;
    Some(u32::from_ne_bytes(word))
}

/// What `evaluate` says of it. `None`: the filter is invalid.
fn by_evaluation(filter: &[BpfInstruction]) -> Option<Verdict> {
    let action = evaluate(filter, u32::try_from(CALL).expect("a number"))?;
    Some(match (action & RET_ACTION, action & 0xffff) {
        (RET_ALLOW | RET_LOG, _) | (RET_ERRNO, 0) => Verdict::Allowed,
        (RET_ERRNO, errno) => Verdict::Fails(errno.min(4095)),
        // Without a tracer and a supervisor.
        (0x7ff0_0000 | 0x7fc0_0000, _) => Verdict::Fails(number(Errno::NOSYS)),
        _ => Verdict::Killed,
    })
}

/// Compares both, and returns what the kernel does.
fn compare(body: &[BpfInstruction]) -> Verdict {
    let filter = filter(body);
    let (kernel, own) = (by_kernel(&filter), by_evaluation(&filter));
    // A part that is not reached may be invalid for the kernel.
    assert!(kernel == Verdict::Rejected || own == Some(kernel), "{kernel:?}, {own:?}: {body:?}");
    kernel
}

/// Operands at which an arithmetic error shows.
fn operand() -> impl Strategy<Value = u32> {
    let special = [0, 1, 2, 31, 32, 33, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    proptest::prop_oneof![select(special.to_vec()), any::<u32>(), 0..64_u32]
}

/// An instruction that the kernel accepts in most places.
fn instruction() -> impl Strategy<Value = BpfInstruction> {
    // With a constant and with X, except a division and shifts.
    const ALU: [u16; 16] = [
        0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x6c, 0x7c, 0x84, 0xa4,
        0xac,
    ];
    const JUMPS: [u16; 8] = [0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d];
    let of = |codes: &[u16]| select(codes.to_vec());
    proptest::prop_oneof![
        6 => (of(&ALU), operand()).prop_map(|(code, k)| line(code, k)),
        // Constants, and moves between A and X.
        6 => (of(&[0x00, 0x01, 0x07, 0x87]), operand()).prop_map(|(code, k)| line(code, k)),
        // A division and shifts by constants.
        2 => (1..=u32::MAX).prop_map(|k| line(0x34, k)),
        2 => (of(&[0x64, 0x74]), 0..32_u32).prop_map(|(code, k)| line(code, k)),
        // The number and the architecture of the call, and the length of its data.
        2 => select(vec![line(0x20, 0), line(0x20, 4), line(0x80, 0), line(0x81, 0)]),
        // The scratch memory, whose first words are initialised.
        3 => (of(&[0x60, 0x61, 0x02, 0x03]), 0..8_u32).prop_map(|(code, k)| line(code, k)),
        4 => (of(&JUMPS), operand(), 0..4_u8, 0..4_u8)
            .prop_map(|(code, k, jt, jf)| BpfInstruction { code, jt, jf, k }),
        1 => (0..4_u32).prop_map(|k| line(0x05, k)),
        1 => select(vec![line(0x06, RET_ERRNO | 1), line(0x06, RET_ALLOW), line(0x06, 0x0005_ffff)]),
    ]
}

fn initialised(body: &[BpfInstruction]) -> Vec<BpfInstruction> {
    let first = (0..8).flat_map(|k| [line(0x00, 0x0101_0101 * k), line(0x02, k)]);
    first.chain([line(0x00, 0)]).chain(body.iter().copied()).collect()
}

#[test]
fn the_kernel_evaluates_random_filters_in_the_same_way() {
    ns_testbed::run_as!([Root, User], {
        let cases = if std::env::var_os("NS_STRESS").is_some() { 50_000 } else { 500 };
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let accepted = std::cell::Cell::new(0);
        TestRunner::new(config)
            .run(&vec(instruction(), 0..24), |body| {
                let verdict = compare(&initialised(&body));
                accepted.set(accepted.get() + u32::from(verdict != Verdict::Rejected));
                Ok(())
            })
            .expect("all cases pass");
        let accepted = accepted.get();
        assert!(accepted > cases * 9 / 10, "{accepted} of {cases} filters were accepted");
    });
}

#[test]
fn the_kernel_accepts_no_filter_that_is_invalid_here() {
    ns_testbed::run_as!([Root, User], {
        let cases = if std::env::var_os("NS_STRESS").is_some() { 10_000 } else { 300 };
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let any_code = proptest::prop_oneof![
            Just(0x94_u16),
            Just(0x30),
            Just(0x40),
            0..0x100_u16,
            any::<u16>()
        ];
        let any_line = (any_code, any::<u8>(), 0..3_u8, operand())
            .prop_map(|(code, jt, jf, k)| BpfInstruction { code, jt: jt / 64, jf, k });
        let body = vec(proptest::prop_oneof![4 => instruction(), 1 => any_line], 0..8);
        TestRunner::new(config)
            .run(&body, |body| {
                compare(&initialised(&body));
                Ok(())
            })
            .expect("all cases pass");
    });
}

#[test]
fn every_code_is_accepted_or_rejected_as_by_the_kernel() {
    ns_testbed::run_as!([Root, User], {
        // Other codes are no instructions: the kernel compares all 16 bits.
        for code in (0..0x100).chain([0x100, 0x106, 0x8020]) {
            // Jumps go to the next instruction.
            let is_jump = code & 0x07 == 0x05;
            let k = if is_jump { 0 } else { 4 };
            let body = initialised(&[line(0x01, 3), line(code, k)]);
            let kernel = compare(&body);
            let own = by_evaluation(&filter(&body));
            assert_eq!(kernel == Verdict::Rejected, own.is_none(), "{code:#x}");
        }
    });
}

#[test]
fn a_division_by_zero_kills() {
    ns_testbed::run_as!([Root, User], {
        let by_x = [line(0x00, 7), line(0x01, 0), line(0x3c, 0)];
        assert_eq!(compare(&by_x), Verdict::Killed);
        assert_eq!(compare(&[line(0x00, 7), line(0x34, 0)]), Verdict::Rejected);
    });
}

#[test]
fn a_shift_uses_the_lowest_five_bits() {
    ns_testbed::run_as!([Root, User], {
        for code in [0x6c, 0x7c] {
            for by in [31, 32, 33, 63, 64, 255, u32::MAX] {
                let verdict = compare(&[line(0x00, 0x8421_1248), line(0x01, by), line(code, 0)]);
                assert!(matches!(verdict, Verdict::Fails(_) | Verdict::Allowed), "{verdict:?}");
            }
        }
        for code in [0x64, 0x74] {
            assert_eq!(compare(&[line(0x00, 1), line(code, 32)]), Verdict::Rejected);
        }
    });
}

#[test]
fn a_jump_to_the_end_is_accepted_and_one_beyond_it_rejected() {
    ns_testbed::run_as!([Root, User], {
        let rest = u32::try_from(filter(&[]).len()).expect("short") - 3;
        assert_eq!(compare(&[line(0x00, 5), line(0x05, rest - 1)]), Verdict::Killed, "returns 5");
        for k in [rest, rest + 1, u32::MAX - 5, u32::MAX - 1, u32::MAX] {
            assert_eq!(compare(&[line(0x05, k)]), Verdict::Rejected, "{k}");
            assert_eq!(by_evaluation(&filter(&[line(0x05, k)])), None, "{k}");
        }
        for (jt, jf) in [(255, 0), (0, 255)] {
            let far = BpfInstruction { jt, jf, ..line(0x15, 0) };
            assert_eq!(compare(&[line(0x00, 0), far]), Verdict::Rejected);
        }
    });
}

#[test]
fn a_load_is_accepted_at_each_word_of_the_call() {
    ns_testbed::run_as!([Root, User], {
        for offset in (0..=72).chain([u32::MAX - 3, u32::MAX]) {
            let body = [line(0x20, offset)];
            // The instruction pointer and the unused arguments are not 0 in a real call.
            let is_known = offset < 8 || (16..32).contains(&offset);
            let kernel = if is_known { compare(&body) } else { by_kernel(&filter(&body)) };
            let own = by_evaluation(&filter(&body));
            assert_eq!(kernel == Verdict::Rejected, own.is_none(), "{offset}");
        }
    });
}

/// The kernel rejects it, so its value here does not matter.
#[test]
fn scratch_memory_is_read_only_after_it_was_written() {
    ns_testbed::run_as!([Root, User], {
        for code in [0x60, 0x61] {
            assert_eq!(compare(&[line(code, 3)]), Verdict::Rejected);
            assert_eq!(compare(&[line(0x00, 0), line(0x02, 3), line(code, 3)]), Verdict::Allowed);
            let skipped = BpfInstruction { jt: 1, ..line(0x15, 0) };
            assert_eq!(compare(&[skipped, line(0x02, 3), line(code, 3)]), Verdict::Rejected);
            assert_eq!(compare(&[line(0x02, 16), line(code, 16)]), Verdict::Rejected);
        }
    });
}

#[test]
fn every_action_is_judged_as_the_kernel_acts() {
    ns_testbed::run_as!([Root, User], {
        let allowed = [RET_ALLOW, RET_LOG, RET_ALLOW | 9, RET_ERRNO];
        let failing = [RET_ERRNO | 1, RET_ERRNO | 0xffff, 0x7ff0_0000, 0x7fc0_0000];
        let killing = [0, 0x8000_0000, 0x0003_0000, 0x0001_0000, 0x7ffd_0000, u32::MAX];
        for action in [&allowed[..], &failing, &killing].concat() {
            let verdict = compare(&[line(0x06, action)]);
            let number = CALL;
            let is_allowed = allows(&filter(&[line(0x06, action)]), number);
            // An errno of 0 replaces the call by nothing.
            assert_eq!(
                is_allowed,
                verdict == Verdict::Allowed && action != RET_ERRNO,
                "{action:#x}"
            );
        }
    });
}
