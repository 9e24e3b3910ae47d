//! Random configurations: the program decides as the configuration says.

use oci_spec::runtime::{Arch, LinuxSeccomp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::evaluator::{Call, evaluate};
use super::interpreter::{interpret, number};
use super::profile::config;
use crate::seccomp::compile_for;
use crate::seccomp::processor::Processor;

/// Calls of all processors that are not made by others, some unknown to some of them.
const NAMES: &[&str] = &[
    "read",
    "write",
    "close",
    "open",
    "personality",
    "clone",
    "statx",
    "openat2",
    "mmap2",
    "none",
];
const ACTIONS: &[&str] = &["ALLOW", "ERRNO", "TRAP", "LOG", "KILL", "KILL_PROCESS", "TRACE"];
const ALL: &[&str] = &["EQ", "NE", "LT", "LE", "GE", "GT", "MASKED_EQ"];
/// Operators whose tests are never shared by two kinds of them.
const DISTINCT: &[&str] = &["EQ", "NE", "LT", "GT"];
const WIDE: &[u64] =
    &[0, 1, 2, 7, 0xffff_ffff, 1 << 32, (1 << 32) + 1, (5 << 32) + 7, 1 << 63, u64::MAX];
const SMALL: &[u64] = &[0, 1, 2, 7, 16, 0xffff_ffff];

fn arg(operators: &'static [&str], values: &'static [u64]) -> impl Strategy<Value = Value> {
    let parts = (0..3_u32, select(operators), select(values), select(values));
    parts.prop_map(|(index, operator, value, two)| {
        // The others ignore it: the same test with two values would be two tests for the model.
        let two = if operator == "MASKED_EQ" { two } else { 0 };
        json!({"index": index, "op": format!("SCMP_CMP_{operator}"), "value": value, "valueTwo": two})
    })
}

fn rule(
    actions: &'static [&str],
    operators: &'static [&str],
    values: &'static [u64],
) -> impl Strategy<Value = Value> {
    let names = subsequence(NAMES, 1..4);
    (names, select(actions), vec(arg(operators, values), 0..4)).prop_map(|(names, action, args)| {
        json!({"names": names, "action": format!("SCMP_ACT_{action}"), "args": args})
    })
}

fn any_config(rules: impl Strategy<Value = Value>) -> impl Strategy<Value = LinuxSeccomp> {
    (select(ACTIONS), vec(rules, 0..10)).prop_map(|(default, rules)| {
        config(json!({"defaultAction": format!("SCMP_ACT_{default}"), "syscalls": rules}))
    })
}

const FAMILIES: &[(Processor, &[Processor], &[Arch])] = &[
    (Processor::X86_64, &[Processor::X86_64], &[]),
    (
        Processor::X86_64,
        &[Processor::X86_64, Processor::X86, Processor::X32],
        &[Arch::ScmpArchX86, Arch::ScmpArchX32],
    ),
    (Processor::Aarch64, &[Processor::Aarch64, Processor::Arm], &[Arch::ScmpArchArm]),
    (Processor::Riscv64, &[Processor::Riscv64], &[Arch::ScmpArchRiscv64]),
];

/// The numbers at which the result can change.
fn numbers(processor: Processor) -> Vec<u32> {
    let base = if processor == Processor::X32 { 0x4000_0000 } else { 0 };
    let named = NAMES.iter().filter_map(|name| number(processor, name));
    let around = named.flat_map(|number| [number.saturating_sub(1).max(base), number, number + 1]);
    around.chain([base, base + 500, base + 0x3fff_ffff]).collect()
}

fn check(config: &LinuxSeccomp, arguments: &[[u64; 3]]) -> Result<(), TestCaseError> {
    for &(native, processors, names) in FAMILIES {
        let mut config = config.clone();
        config.set_architectures(Some(names.to_vec()));
        let Ok(filter) = compile_for(native, &config) else { continue };
        for &processor in processors {
            for number in numbers(processor) {
                for &[a, b, c] in arguments {
                    let values = [a, b, c, 0, 0, 0];
                    let call = Call::new(processor, number, values);
                    let expected = interpret(&config, processor, number, values);
                    let actual = evaluate(&filter.program, &call);
                    prop_assert_eq!(actual, expected, "{:?} {:?}", processor, call);
                }
            }
        }
    }
    Ok(())
}

fn arguments(values: &'static [u64]) -> impl Strategy<Value = Vec<[u64; 3]>> {
    let near = (select(values), 0..3_u64).prop_map(|(value, more)| (value + 1).wrapping_sub(more));
    let near = near.boxed();
    vec([near.clone(), near.clone(), near], 12)
}

fn wide_arguments() -> impl Strategy<Value = Vec<[u64; 3]>> {
    let near = (select(WIDE), -1..2_i64).prop_map(|(value, more)| value.wrapping_add_signed(more));
    let near = near.boxed();
    vec([near.clone(), near.clone(), near], 12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// With one action, the order of the rules does not matter.
    #[test]
    fn a_program_matches_what_any_rule_matches(
        config in any_config(rule(&["ERRNO"], ALL, WIDE)),
        arguments in wide_arguments(),
    ) {
        check(&config, &arguments)?;
    }

    #[test]
    fn a_program_takes_the_action_of_the_rule_that_decides(
        config in any_config(rule(ACTIONS, DISTINCT, SMALL)),
        arguments in arguments(SMALL),
    ) {
        check(&config, &arguments)?;
    }
}
