//! Ranges of system call numbers with the same result.

use super::action::{KILL_THREAD, NO_SUCH_CALL};
use super::calls::Calls;
use super::order::{Decision, Rule};
use super::processor::{Processor, X32_BIT};

/// The numbers from `start` to the start of the next range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<'a> {
    pub(super) start: u32,
    pub(super) verdict: Verdict<'a>,
}

/// What the filter does for the numbers of a range.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict<'a> {
    Return(u32),
    Rules(&'a [Rule]),
}

/// What the filter returns for numbers without a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) action: u32,
    /// Whether calls newer than all that the configuration names fail with `ENOSYS`.
    pub(super) hides_newer: bool,
}

/// The number of a call that a tracer suppressed.
const SUPPRESSED: u32 = u32::MAX;
/// Another bit that no valid number of x86_64 or x32 has.
const HIGH_BIT: u32 = 0x8000_0000;

/// The ranges of all numbers, by rising starts. The processors have the same audit number.
pub(super) fn ranges<'a>(all: &[&'a Calls], defaults: Defaults) -> Vec<Range<'a>> {
    let mut ranges = Ranges { defaults, ranges: Vec::with_capacity(512) };
    let find = |processor| all.iter().find(|calls| calls.processor == processor).copied();
    match (find(Processor::X86_64), find(Processor::X32)) {
        (None, None) => ranges.calls(0, all.first().copied()),
        (wide, x32) => ranges.x86_64_and_x32(wide, x32),
    }
    ranges.ranges
}

struct Ranges<'a> {
    defaults: Defaults,
    ranges: Vec<Range<'a>>,
}

impl<'a> Ranges<'a> {
    /// A bit of the number distinguishes the two. Without rules for one of them, it is a processor that the
    /// configuration does not name.
    fn x86_64_and_x32(&mut self, wide: Option<&'a Calls>, x32: Option<&'a Calls>) {
        self.calls(0, wide);
        self.calls(X32_BIT, x32);
        let unnamed = x32.map_or(KILL_THREAD, |_| self.defaults.action);
        self.gap(HIGH_BIT, wide, unnamed);
        self.gap(HIGH_BIT | X32_BIT, x32, unnamed);
        if x32.is_none() {
            self.gap(SUPPRESSED, None, self.defaults.action);
        }
    }

    /// The numbers from `start` on.
    fn calls(&mut self, start: u32, calls: Option<&'a Calls>) {
        let Some(some) = calls else { return self.gap(start, None, KILL_THREAD) };
        let default = self.defaults.action;
        self.gap(start, calls, default);
        for (number, decision) in &some.decisions {
            self.add(*number, Verdict::from(decision));
            self.gap(number + 1, calls, default);
        }
        if let Some(newest) = some.newest {
            self.gap(newest + 1, calls, default);
        }
    }

    /// Numbers without a rule: `action`, unless they are newer than all that the configuration names.
    fn gap(&mut self, start: u32, calls: Option<&Calls>, action: u32) {
        let newest = calls.and_then(|calls| calls.newest);
        let is_newer = self.defaults.hides_newer && newest.is_some_and(|newest| start > newest);
        self.add(start, Verdict::Return(if is_newer { NO_SUCH_CALL } else { action }));
    }

    /// Begins a range. An empty one before it disappears.
    fn add(&mut self, start: u32, verdict: Verdict<'a>) {
        if self.ranges.last().is_some_and(|last| last.start == start) {
            self.ranges.pop();
        }
        if !self.ranges.last().is_some_and(|last| last.verdict.is_same(verdict)) {
            self.ranges.push(Range { start, verdict });
        }
    }
}

impl Verdict<'_> {
    pub(super) fn is_same(self, other: Self) -> bool {
        matches!((self, other), (Self::Return(a), Self::Return(b)) if a == b)
    }
}

impl<'a> From<&'a Decision> for Verdict<'a> {
    fn from(decision: &'a Decision) -> Self {
        match decision {
            Decision::Always(action) => Self::Return(*action),
            Decision::Rules(rules) => Self::Rules(rules),
        }
    }
}
