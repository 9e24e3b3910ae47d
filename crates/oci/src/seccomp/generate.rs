//! The program of a filter.

use anyhow::{Result, ensure};
use ns_process::BpfInstruction;
use oci_spec::runtime::LinuxSeccompOperator as Operator;

use super::action::KILL_THREAD;
use super::assembler::{Assembler, Jump, Target};
use super::calls::Calls;
use super::condition::{Condition, halves};
use super::order::Rule;
use super::ranges::{Defaults, Range, Verdict, ranges};

/// `BPF_MAXINSNS` of include/uapi/linux/bpf_common.h.
const MAX_INSTRUCTIONS: usize = 4096;

// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const PROCESSOR: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Generates the program. `all` has the native processor first.
pub(super) fn program(all: &[Calls], defaults: Defaults) -> Result<Vec<BpfInstruction>> {
    let mut generator = Generator { assembler: Assembler::default(), defaults };
    generator.processors(all);
    let length = generator.assembler.len();
    ensure!(
        length <= MAX_INSTRUCTIONS,
        "linux.seccomp: the filter has {length} instructions, and the kernel accepts \
         {MAX_INSTRUCTIONS}: use fewer rules with args, or fewer architectures"
    );
    Ok(generator.assembler.finish())
}

struct Generator {
    assembler: Assembler,
    defaults: Defaults,
}

impl Generator {
    /// Finds the processor. The native one is tested first, and its code is next to the tests.
    fn processors(&mut self, all: &[Calls]) {
        let mut audit_numbers = Vec::new();
        for number in all.iter().map(|calls| calls.processor.audit_number()) {
            if !audit_numbers.contains(&number) {
                audit_numbers.push(number);
            }
        }
        let mut entries = Vec::new();
        for number in audit_numbers.into_iter().rev() {
            let same = all.iter().filter(|calls| calls.processor.audit_number() == number);
            let ranges = ranges(&same.collect::<Vec<_>>(), self.defaults);
            entries.push((number, self.numbers(&ranges)));
        }
        let other = Target::Return(KILL_THREAD);
        entries
            .into_iter()
            .fold(other, |no, (number, yes)| self.assembler.jump(Jump::Equal, number, yes, no));
        self.assembler.load(PROCESSOR);
    }

    fn numbers(&mut self, ranges: &[Range<'_>]) -> Target {
        let search = self.search(ranges);
        match search {
            // The code after the load must be the next instruction.
            Target::Return(_) => search,
            Target::Instruction(_) => self.assembler.load(NUMBER),
        }
    }

    /// A binary search. The later half is generated first, because the program is built from its end.
    fn search(&mut self, ranges: &[Range<'_>]) -> Target {
        match ranges {
            [] => Target::Return(self.defaults.action),
            [one] => self.verdict(one.verdict),
            [before, one, after] if is_single(before, one, after) => {
                let no = self.verdict(before.verdict);
                let yes = self.verdict(one.verdict);
                self.assembler.jump(Jump::Equal, one.start, yes, no)
            }
            _ => {
                let (low, high) = ranges.split_at(ranges.len() / 2);
                let yes = self.search(high);
                let no = self.search(low);
                self.assembler.jump(Jump::GreaterOrEqual, high[0].start, yes, no)
            }
        }
    }

    fn verdict(&mut self, verdict: Verdict<'_>) -> Target {
        match verdict {
            Verdict::Return(value) => Target::Return(value),
            Verdict::Rules(rules) => self.rules(rules),
        }
    }

    /// The first rule that matches decides.
    fn rules(&mut self, rules: &[Rule]) -> Target {
        let default = Target::Return(self.defaults.action);
        let groups = rules.chunk_by(Rule::differs_in_lower_half);
        groups.rev().fold(default, |no, group| match group {
            [one] => self.rule(one, no),
            _ => self.equalities(group, no),
        })
    }

    fn rule(&mut self, rule: &Rule, no: Target) -> Target {
        let action = Target::Return(rule.action);
        rule.conditions.iter().rev().fold(action, |yes, one| self.condition(one, yes, no))
    }

    /// Rules that differ in the lower half of one argument, which is loaded once.
    fn equalities(&mut self, group: &[Rule], no: Target) -> Target {
        let [first, ..] = group else { return no };
        group.iter().rev().fold(no, |no, rule| {
            let [value, _] = halves(rule.conditions[0].value);
            self.assembler.jump(Jump::Equal, value, Target::Return(rule.action), no)
        });
        let [lower, upper] = Word::both(&first.conditions[0]);
        let lower = self.assembler.load(lower.offset);
        self.word_is_equal(upper, lower, no)
    }

    fn condition(&mut self, condition: &Condition, yes: Target, no: Target) -> Target {
        match condition.operator {
            Operator::ScmpCmpEq | Operator::ScmpCmpMaskedEq => self.equal(condition, yes, no),
            Operator::ScmpCmpNe => self.equal(condition, no, yes),
            Operator::ScmpCmpGt => self.above(condition, Jump::Greater, yes, no),
            Operator::ScmpCmpGe => self.above(condition, Jump::GreaterOrEqual, yes, no),
            Operator::ScmpCmpLe => self.above(condition, Jump::Greater, no, yes),
            Operator::ScmpCmpLt => self.above(condition, Jump::GreaterOrEqual, no, yes),
        }
    }

    /// Both halves are equal, as far as the mask has bits in them.
    fn equal(&mut self, condition: &Condition, yes: Target, no: Target) -> Target {
        let [lower, upper] = Word::both(condition);
        let lower = self.word_is_equal(lower, yes, no);
        self.word_is_equal(upper, lower, no)
    }

    fn word_is_equal(&mut self, word: Word, yes: Target, no: Target) -> Target {
        if word.mask == 0 {
            return yes;
        }
        self.assembler.jump(Jump::Equal, word.value, yes, no);
        if word.mask != u32::MAX {
            self.assembler.and(word.mask);
        }
        self.assembler.load(word.offset)
    }

    /// The upper half is greater, or it is equal and the lower half decides.
    fn above(&mut self, condition: &Condition, jump: Jump, yes: Target, no: Target) -> Target {
        let [lower, upper] = Word::both(condition);
        self.assembler.jump(jump, lower.value, yes, no);
        let lower = self.assembler.load(lower.offset);
        if upper.mask == 0 {
            return lower;
        }
        let equal = self.assembler.jump(Jump::Equal, upper.value, lower, no);
        self.assembler.jump(Jump::Greater, upper.value, yes, equal);
        self.assembler.load(upper.offset)
    }
}

/// One half of an argument. The mask is 0 if it is not compared.
#[derive(Clone, Copy, Debug)]
struct Word {
    offset: u32,
    value: u32,
    mask: u32,
}

impl Word {
    /// The lower and the upper half. All processors are little-endian.
    fn both(condition: &Condition) -> [Self; 2] {
        let offset = ARGUMENTS + 8 * u32::from(condition.argument);
        let [lower, upper] = halves(condition.value);
        let [lower_mask, upper_mask] = halves(condition.mask);
        [
            Self { offset, value: lower, mask: lower_mask },
            Self { offset: offset + 4, value: upper, mask: upper_mask },
        ]
    }
}

/// Whether one number differs from those around it.
fn is_single(before: &Range<'_>, one: &Range<'_>, after: &Range<'_>) -> bool {
    after.start - one.start == 1 && before.verdict.is_same(after.verdict)
}
