//! A program of classic BPF, built from its end to its beginning.
//!
//! Jumps lead forward only, so the targets of a jump exist when it is added.

use ns_process::BpfInstruction;

const LOAD_WORD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const RETURN: u16 = 0x06;

/// A comparison of the accumulator with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    Equal = 0x15,
    Greater = 0x25,
    GreaterOrEqual = 0x35,
}

/// The end of a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Return(u32),
    /// An instruction, by its distance to the end of the program.
    Instruction(usize),
}

/// A conditional jump skips no more instructions.
const MAX_SKIPPED: usize = 255;

#[derive(Debug, Default)]
pub(super) struct Assembler {
    reversed: Vec<BpfInstruction>,
    /// The last place of each return.
    returns: Vec<(u32, usize)>,
}

impl Assembler {
    /// Loads a word of `struct seccomp_data`.
    pub(super) fn load(&mut self, offset: u32) -> Target {
        self.add(LOAD_WORD, (0, 0), offset)
    }

    pub(super) fn and(&mut self, mask: u32) -> Target {
        self.add(AND, (0, 0), mask)
    }

    #[expect(clippy::cast_possible_truncation, reason = "reachable targets are near")]
    pub(super) fn jump(&mut self, jump: Jump, value: u32, yes: Target, no: Target) -> Target {
        let (yes, no) = self.reachable(yes, no);
        let skips = (self.skipped(yes) as u8, self.skipped(no) as u8);
        self.add(jump as u16, skips, value)
    }

    /// The program, whose first instruction is the last that was added.
    pub(super) fn finish(mut self) -> Vec<BpfInstruction> {
        self.reversed.reverse();
        self.reversed
    }

    pub(super) fn len(&self) -> usize {
        self.reversed.len()
    }

    /// Makes both targets reachable from the next instruction. What one of them needs may move the other too far.
    fn reachable(&mut self, yes: Target, no: Target) -> (usize, usize) {
        let (mut yes, mut no) = (self.near(yes), self.near(no));
        while self.skipped(yes).max(self.skipped(no)) > MAX_SKIPPED {
            yes = self.near(Target::Instruction(yes));
            no = self.near(Target::Instruction(no));
        }
        (yes, no)
    }

    /// An instruction that is near, and does what the target does.
    fn near(&mut self, target: Target) -> usize {
        match target {
            Target::Return(value) => self.near_return(value),
            Target::Instruction(place) if self.skipped(place) <= MAX_SKIPPED => place,
            Target::Instruction(place) => self.near_jump(place),
        }
    }

    fn near_return(&mut self, value: u32) -> usize {
        let known = self.returns.iter().position(|(known, _)| *known == value);
        if let Some(known) = known {
            let place = self.returns[known].1;
            if self.skipped(place) <= MAX_SKIPPED {
                return place;
            }
            self.returns.swap_remove(known);
        }
        let place = self.reversed.len();
        self.returns.push((value, place));
        self.add(RETURN, (0, 0), value);
        place
    }

    #[expect(clippy::cast_possible_truncation, reason = "a program has few instructions")]
    fn near_jump(&mut self, place: usize) -> usize {
        let far = self.reversed[place];
        if far.code == RETURN {
            return self.near_return(far.k);
        }
        self.add(JUMP, (0, 0), self.skipped(place) as u32);
        self.reversed.len() - 1
    }

    /// How many instructions are between the next one and this one.
    fn skipped(&self, place: usize) -> usize {
        self.reversed.len() - place - 1
    }

    fn add(&mut self, code: u16, (jt, jf): (u8, u8), k: u32) -> Target {
        self.reversed.push(BpfInstruction { code, jt, jf, k });
        Target::Instruction(self.reversed.len() - 1)
    }
}
