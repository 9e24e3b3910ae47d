//! Conditions on the arguments of a system call.

use anyhow::{Context, Result};
use oci_spec::runtime::{LinuxSeccompArg, LinuxSeccompOperator};

/// A comparison of an argument with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) argument: u8,
    pub(super) operator: LinuxSeccompOperator,
    pub(super) value: u64,
    /// The bits that are compared. Only the operator `MaskedEq` compares less than all.
    pub(super) mask: u64,
}

/// The conditions that all have to be true, in the order of their arguments.
pub(super) type Conjunction = Vec<Condition>;

const ARGUMENTS: usize = 6;

impl Condition {
    fn new(arg: &LinuxSeccompArg) -> Result<Self> {
        let index = arg.index();
        let argument = u8::try_from(index).ok().filter(|_| index < ARGUMENTS);
        let argument = argument
            .with_context(|| format!("args: a system call has no argument {index}: use 0 to 5"))?;
        let (value, mask) = match arg.op() {
            LinuxSeccompOperator::ScmpCmpMaskedEq => (arg.value_two().unwrap_or(0), arg.value()),
            _ => (arg.value(), u64::MAX),
        };
        Ok(Self { argument, operator: arg.op(), value: value & mask, mask })
    }

    pub(super) fn equals(argument: u8, value: u64) -> Self {
        let operator = LinuxSeccompOperator::ScmpCmpEq;
        Self { argument, operator, value, mask: u64::MAX }
    }

    /// The condition on the lower half of the argument only.
    fn narrowed(mut self) -> Self {
        self.value &= u64::from(u32::MAX);
        self.mask &= u64::from(u32::MAX);
        self
    }

    fn is_always_true(&self) -> bool {
        self.mask == 0
    }
}

/// The lower and the upper half of a value.
pub(super) fn halves(value: u64) -> [u32; 2] {
    [(value & 0xffff_ffff) as u32, (value >> 32) as u32]
}

/// The alternatives of a rule. Several conditions on one argument are alternatives, as in runc.
pub(super) fn alternatives(args: &[LinuxSeccompArg]) -> Result<Vec<Conjunction>> {
    let mut conditions = args.iter().map(Condition::new).collect::<Result<Conjunction>>()?;
    if has_repeated_argument(&conditions) {
        return Ok(conditions.into_iter().map(|condition| vec![condition]).collect());
    }
    conditions.sort_by_key(|condition| condition.argument);
    Ok(vec![conditions])
}

fn has_repeated_argument(conditions: &[Condition]) -> bool {
    let mut seen = [false; ARGUMENTS];
    conditions
        .iter()
        .any(|condition| std::mem::replace(&mut seen[condition.argument as usize], true))
}

/// The conditions as a processor compares them, without those that are always true.
pub(super) fn for_width(conditions: &[Condition], is_wide: bool) -> Conjunction {
    let conditions = conditions.iter().copied();
    let narrowed = conditions.map(|one| if is_wide { one } else { one.narrowed() });
    narrowed.filter(|condition| !condition.is_always_true()).collect()
}
