//! What a configuration says about one call, without a program.

use std::cmp::Reverse;

use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompArg, LinuxSeccompOperator as Operator, LinuxSyscall,
};

use super::profile::ENOSYS;
use crate::seccomp::action;
use crate::seccomp::processor::Processor;

/// The number of a call by the tables of the crate `syscalls` alone.
pub(super) fn number(processor: Processor, name: &str) -> Option<u32> {
    use syscalls::{aarch64, arm, riscv64, x86, x86_64};
    let number = match processor {
        Processor::X86_64 => name.parse::<x86_64::Sysno>().ok()?.id(),
        Processor::X32 => name.parse::<x86_64::Sysno>().ok()?.id() | 0x4000_0000,
        Processor::X86 => name.parse::<x86::Sysno>().ok()?.id(),
        Processor::Aarch64 => name.parse::<aarch64::Sysno>().ok()?.id(),
        Processor::Arm => name.parse::<arm::Sysno>().ok()?.id(),
        Processor::Riscv64 => name.parse::<riscv64::Sysno>().ok()?.id(),
    };
    u32::try_from(number).ok()
}

/// The result for a call of a processor that the configuration names.
pub(super) fn interpret(
    config: &LinuxSeccomp,
    processor: Processor,
    call: u32,
    values: [u64; 6],
) -> u32 {
    let default = action::value(config.default_action(), config.default_errno_ret()).unwrap();
    let syscalls = config.syscalls().as_deref().unwrap_or_default();
    let mut rules = Vec::new();
    let mut newest = 0;
    for syscall in syscalls {
        let action = action::value(syscall.action(), syscall.errno_ret()).unwrap();
        let numbers = syscall.names().iter().filter_map(|name| number(processor, name));
        for named in numbers {
            newest = newest.max(named);
            if named == call && action != default {
                rules.extend(conjunctions(syscall).into_iter().map(|args| (args, action)));
            }
        }
    }
    if let Some(action) = deciding(&rules, processor, values) {
        return action;
    }
    let hides_newer = !action::is_permissive(config.default_action());
    if hides_newer && call > newest && newest > 0 { ENOSYS } else { default }
}

type Rule = (Vec<LinuxSeccompArg>, u32);

fn conjunctions(syscall: &LinuxSyscall) -> Vec<Vec<LinuxSeccompArg>> {
    let mut args = syscall.args().clone().unwrap_or_default();
    args.sort_by_key(LinuxSeccompArg::index);
    let repeats = args.windows(2).any(|two| two[0].index() == two[1].index());
    if repeats { args.into_iter().map(|arg| vec![arg]).collect() } else { vec![args] }
}

fn deciding(rules: &[Rule], processor: Processor, values: [u64; 6]) -> Option<u32> {
    let is_unconditional = |args: &[LinuxSeccompArg]| {
        args.iter()
            .all(|arg| arg.op() == Operator::ScmpCmpMaskedEq && cut(processor, arg.value()) == 0)
    };
    if let Some(first) = rules.iter().find(|rule| is_unconditional(&rule.0)) {
        return Some(first.1);
    }
    let is_true = |arg: &LinuxSeccompArg| holds(arg, processor, values[arg.index()]);
    let matching = rules.iter().filter(|(args, _)| args.iter().all(is_true));
    matching.min_by_key(|(args, _)| rank(rules, args)).map(|rule| rule.1)
}

/// The order in which rules decide: by argument, kind of comparison and value; at last, the oldest.
fn rank(rules: &[Rule], args: &[LinuxSeccompArg]) -> Vec<impl Ord + use<>> {
    let key = |(index, arg): (usize, &LinuxSeccompArg)| {
        let (kind, value) = match arg.op() {
            Operator::ScmpCmpLt | Operator::ScmpCmpLe => (1, arg.value()),
            Operator::ScmpCmpGt | Operator::ScmpCmpGe => (2, !arg.value()),
            _ => (0, !arg.value()),
        };
        let oldest = rules.iter().position(|rule| rule.0.starts_with(&args[..=index]));
        (Reverse(arg.index()), kind, value, oldest)
    };
    args.iter().enumerate().map(key).collect()
}

fn holds(arg: &LinuxSeccompArg, processor: Processor, actual: u64) -> bool {
    let (actual, value) = (cut(processor, actual), cut(processor, arg.value()));
    match arg.op() {
        Operator::ScmpCmpEq => actual == value,
        Operator::ScmpCmpNe => actual != value,
        Operator::ScmpCmpLt => actual < value,
        Operator::ScmpCmpLe => actual <= value,
        Operator::ScmpCmpGe => actual >= value,
        Operator::ScmpCmpGt => actual > value,
        Operator::ScmpCmpMaskedEq => (actual ^ arg.value_two().unwrap_or(0)) & value == 0,
    }
}

fn cut(processor: Processor, value: u64) -> u64 {
    match processor {
        Processor::X86 | Processor::X32 | Processor::Arm => value & 0xffff_ffff,
        Processor::X86_64 | Processor::Aarch64 | Processor::Riscv64 => value,
    }
}
