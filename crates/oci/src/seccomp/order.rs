//! What decides about one system call, if several rules match it.
//!
//! The decision is that of libseccomp. A rule without conditions overrides all rules with conditions, and the first
//! such rule counts. Of the rules with conditions the first match counts. They are ordered by their first condition:
//! the highest argument comes first; then EQ, NE and MASKED_EQ, by falling values; then LT and LE, by rising values;
//! then GE and GT, by falling values. If two rules have the same first condition, the next one orders them.

use anyhow::{Result, ensure};
use oci_spec::runtime::LinuxSeccompOperator as Operator;

use super::condition::{Condition, Conjunction, halves};

/// The result of a filter for one system call.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    Always(u32),
    /// The first rule that matches; the default action if none does.
    Rules(Vec<Rule>),
}

/// An action under conditions.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) conditions: Conjunction,
    pub(super) action: u32,
    tests: Vec<Test>,
}

impl Rule {
    /// Whether each of the two has one equality, of the same argument and with the same upper half.
    pub(super) fn differs_in_lower_half(&self, other: &Self) -> bool {
        let ([a], [b]) = (&self.conditions[..], &other.conditions[..]) else { return false };
        let are_equalities = [a, b].iter().all(|one| one.operator == Operator::ScmpCmpEq);
        are_equalities && a.argument == b.argument && a.value >> 32 == b.value >> 32
    }
}

/// No filter has room for more.
const MAX_RULES: usize = 4096;

impl Decision {
    /// Adds a rule of the configuration, which follows those added before.
    ///
    /// As libseccomp does, it refuses a rule that contradicts one with the same conditions, or with more conditions
    /// that begin with the same ones.
    pub(super) fn add(
        &mut self,
        conditions: Conjunction,
        action: u32,
        is_wide: bool,
    ) -> Result<()> {
        let Self::Rules(rules) = self else { return Ok(()) };
        if conditions.is_empty() {
            *self = Self::Always(action);
            return Ok(());
        }
        if let Some(shorter) = rules.iter().find(|rule| conditions.starts_with(&rule.conditions)) {
            // A rule that follows one with fewer conditions never decides.
            let contradicts = shorter.action != action && shorter.conditions == conditions;
            ensure!(!contradicts, "another rule has the same conditions and another action");
            return Ok(());
        }
        rules.retain(|rule| rule.action != action || !is_subset(&conditions, &rule.conditions));
        let contradicts = rules.iter().any(|rule| rule.conditions.starts_with(&conditions));
        ensure!(!contradicts, "an earlier rule has these conditions, more, and another action");
        ensure!(rules.len() < MAX_RULES, "more than {MAX_RULES} rules: remove some");
        let mut tests: Vec<_> =
            conditions.iter().flat_map(|condition| Test::all(condition, is_wide)).collect();
        let place = place(rules, &mut tests);
        rules.insert(place, Rule { conditions, action, tests });
        Ok(())
    }
}

fn is_subset(some: &[Condition], all: &[Condition]) -> bool {
    some.iter().all(|condition| all.contains(condition))
}

/// A test of one half of an argument. libseccomp orders rules by their tests.
#[derive(Clone, Copy, Debug)]
struct Test {
    /// The argument and its half, then the kind of the condition, then the value: the highest comes first.
    rank: (u8, u8, u32),
    /// Tests with the same identity are one test.
    identity: (u8, Comparison, u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    MaskedEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    fn all(condition: &Condition, is_wide: bool) -> impl Iterator<Item = Self> + use<> {
        let upper = is_wide.then(|| Self::new(condition, true));
        upper.into_iter().chain([Self::new(condition, false)])
    }

    fn new(condition: &Condition, is_upper: bool) -> Self {
        let [value, mask] =
            [condition.value, condition.mask].map(|one| halves(one)[usize::from(is_upper)]);
        let half = condition.argument * 2 + u8::from(is_upper);
        let (kind, rank) = match condition.operator {
            Operator::ScmpCmpEq | Operator::ScmpCmpNe | Operator::ScmpCmpMaskedEq => (3, value),
            // The lowest of several upper bounds comes first.
            Operator::ScmpCmpLt | Operator::ScmpCmpLe => (2, !value),
            Operator::ScmpCmpGt | Operator::ScmpCmpGe => (1, value),
        };
        let comparison = match condition.operator {
            Operator::ScmpCmpEq | Operator::ScmpCmpNe => Comparison::Equal,
            Operator::ScmpCmpMaskedEq => Comparison::MaskedEqual,
            Operator::ScmpCmpLt | Operator::ScmpCmpGe if !is_upper => Comparison::GreaterOrEqual,
            _ => Comparison::Greater,
        };
        Self { rank: (half, kind, rank), identity: (half, comparison, mask, value) }
    }
}

/// The place of a new rule among the others. Rules that begin with the same tests stay together, and their common
/// tests keep the rank of the oldest.
fn place(rules: &[Rule], tests: &mut [Test]) -> usize {
    let mut shared = 0;
    for (index, rule) in rules.iter().enumerate() {
        let common = common_tests(&rule.tests, tests);
        if common < shared {
            return index;
        }
        shared = common;
        tests[..shared].copy_from_slice(&rule.tests[..shared]);
        if precedes(tests.get(shared), rule.tests.get(shared)) {
            return index;
        }
    }
    rules.len()
}

fn common_tests(a: &[Test], b: &[Test]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a.identity == b.identity).count()
}

fn precedes(new: Option<&Test>, old: Option<&Test>) -> bool {
    matches!((new, old), (Some(new), Some(old)) if new.rank > old.rank)
}
