//! The kernel's interpreter of a filter, as far as filters need it.

use ns_process::BpfInstruction;

use crate::seccomp::condition::halves;
use crate::seccomp::processor::Processor;

/// A system call: the fields of `struct seccomp_data` that filters read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) audit_number: u32,
    pub(super) arguments: [u64; 6],
}

impl Call {
    pub(super) fn new(processor: Processor, number: u32, arguments: [u64; 6]) -> Self {
        Self { number, audit_number: processor.audit_number(), arguments }
    }

    fn word(&self, offset: u32) -> u32 {
        let argument = |word: usize| halves(self.arguments[word / 2])[word % 2];
        match offset {
            0 => self.number,
            4 => self.audit_number,
            16..64 if offset % 4 == 0 => argument(offset as usize / 4 - 4),
            other => panic!("no word at {other}"),
        }
    }
}

/// Runs the program. Any instruction that the kernel does not know, or that keeps it from caching results, panics.
pub(super) fn evaluate(program: &[BpfInstruction], call: &Call) -> u32 {
    evaluate_counting(program, call).0
}

/// Also returns how many instructions ran.
pub(super) fn evaluate_counting(program: &[BpfInstruction], call: &Call) -> (u32, u32) {
    let (mut next, mut accumulator) = (0, 0);
    for count in 1.. {
        let BpfInstruction { code, jt, jf, k } = program[next];
        let branch = |condition| usize::from(if condition { jt } else { jf });
        next += 1;
        next += match code {
            0x20 => {
                accumulator = call.word(k);
                0
            }
            0x54 => {
                accumulator &= k;
                0
            }
            0x05 => k as usize,
            0x15 => branch(accumulator == k),
            0x25 => branch(accumulator > k),
            0x35 => branch(accumulator >= k),
            0x06 => return (k, count),
            other => panic!("unknown code {other:#x}"),
        };
    }
    unreachable!("jumps lead forward")
}
