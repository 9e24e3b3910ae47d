//! The decisions of a configuration for the system calls of each processor.

use anyhow::{Context, Result, ensure};
use oci_spec::runtime::{LinuxSeccomp, LinuxSyscall};

use super::action;
use super::condition::{Conjunction, alternatives, for_width};
use super::multiplex;
use super::order::Decision;
use super::processor::Processor;
use super::table::SystemCall;

/// The system calls of one processor for which there are rules.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) processor: Processor,
    /// By rising numbers.
    pub(super) decisions: Vec<(u32, Decision)>,
    /// The highest number that the configuration names, also if the rule has the default action.
    pub(super) newest: Option<u32>,
}

/// A rule of the configuration: `linux.seccomp.syscalls[index]`.
struct ConfiguredRule {
    index: usize,
    action: u32,
    alternatives: Vec<Conjunction>,
}

/// A rule for one number of one processor.
struct Use<'a> {
    number: u32,
    rule: &'a ConfiguredRule,
    name: &'static str,
    /// The first argument of socketcall(2) or ipc(2), if this is their number.
    selector: Option<u64>,
}

/// The decisions for each of the processors.
pub(super) fn collect(
    seccomp: &LinuxSeccomp,
    default: u32,
    processors: &[Processor],
) -> Result<Vec<Calls>> {
    let syscalls = seccomp.syscalls().as_deref().unwrap_or_default();
    let rules = syscalls.iter().enumerate().map(rule).collect::<Result<Vec<_>>>()?;
    let mut uses: Vec<Vec<Use<'_>>> = processors.iter().map(|_| Vec::with_capacity(512)).collect();
    let mut newest = vec![None; processors.len()];
    for (rule, syscall) in rules.iter().zip(syscalls) {
        for call in syscall.names().iter().filter_map(|name| SystemCall::find(name)) {
            for (index, &processor) in processors.iter().enumerate() {
                newest[index] = newest[index].max(plain_number(call, processor));
                if rule.action != default {
                    uses[index].extend(uses_of(rule, call, processor));
                }
            }
        }
    }
    let all = processors.iter().zip(uses).zip(newest);
    all.map(|((&processor, uses), newest)| {
        // Number 0 alone does not count as a newest one, as in runc.
        let newest = newest.filter(|&number| number != 0);
        Ok(Calls { processor, decisions: decide(uses, processor)?, newest })
    })
    .collect()
}

fn rule((index, syscall): (usize, &LinuxSyscall)) -> Result<ConfiguredRule> {
    let place = || format!("linux.seccomp.syscalls[{index}]");
    ensure!(
        syscall.names().iter().all(|name| !name.is_empty()),
        "{}: a name is empty: remove it",
        place()
    );
    let action = action::value(syscall.action(), syscall.errno_ret()).with_context(place)?;
    let args = syscall.args().as_deref().unwrap_or_default();
    Ok(ConfiguredRule { index, action, alternatives: alternatives(args).with_context(place)? })
}

/// The number of a call. libseccomp has none if another call of x86 can make it.
fn plain_number(call: &SystemCall, processor: Processor) -> Option<u32> {
    let is_multiplexed = processor == Processor::X86 && call.on_x86.is_some();
    if is_multiplexed { None } else { call.number(processor) }
}

/// The numbers by which a processor makes a call.
fn uses_of<'a>(
    rule: &'a ConfiguredRule,
    call: &'static SystemCall,
    processor: Processor,
) -> impl Iterator<Item = Use<'a>> + use<'a> {
    let name = call.name;
    let indirect = call.on_x86.filter(|_| processor == Processor::X86);
    let indirect = indirect.map(|by| (by.number, Some(by.selector)));
    let direct = call.number(processor).map(|number| (number, None));
    let numbers = indirect.into_iter().chain(direct);
    numbers.map(move |(number, selector)| Use { number, rule, name, selector })
}

fn decide(mut uses: Vec<Use<'_>>, processor: Processor) -> Result<Vec<(u32, Decision)>> {
    // The sort is stable: the rules of a call stay in the order of the configuration.
    uses.sort_by_key(|one| one.number);
    let mut decisions = Vec::with_capacity(uses.len());
    for uses in uses.chunk_by(|a, b| a.number == b.number) {
        let mut decision = Decision::Rules(Vec::new());
        for one in uses {
            one.add_to(&mut decision, processor.has_wide_arguments()).with_context(|| {
                format!("linux.seccomp.syscalls[{}]: {}: {processor:?}", one.rule.index, one.name)
            })?;
        }
        decisions.push((uses[0].number, decision));
    }
    Ok(decisions)
}

impl Use<'_> {
    fn add_to(&self, decision: &mut Decision, is_wide: bool) -> Result<()> {
        for conditions in &self.rule.alternatives {
            let selected;
            let conditions = match self.selector {
                Some(selector) => {
                    selected = multiplex::conditions(conditions, selector);
                    &selected
                }
                None => conditions,
            };
            decision.add(for_width(conditions, is_wide), self.rule.action, is_wide)?;
        }
        Ok(())
    }
}
