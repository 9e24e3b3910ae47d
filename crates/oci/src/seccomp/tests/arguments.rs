//! Conditions on arguments.

use serde_json::json;

use super::profile::{ALLOW, EPERM, arg, decide, masked, rules};
use crate::seccomp::processor::Processor;

const WRITE: u32 = 1;
const WRITE_X86: u32 = 4;

/// Whether a rule for write with these `args` matches an argument 1 of each value, in x86_64.
fn matches(args: &serde_json::Value, values: &[u64]) -> Vec<bool> {
    matches_on(Processor::X86_64, WRITE, args, values)
}

fn matches_on(
    processor: Processor,
    number: u32,
    args: &serde_json::Value,
    values: &[u64],
) -> Vec<bool> {
    let mut config =
        rules(&json!([{"names": ["write"], "action": "SCMP_ACT_ERRNO", "args": args}]));
    config.set_architectures(Some(vec![oci_spec::runtime::Arch::ScmpArchX86]));
    let decide = |&value| match decide(&config, processor, number, [0, value, 0, 0, 0, 0]) {
        EPERM => true,
        ALLOW => false,
        other => panic!("{other:#x}"),
    };
    values.iter().map(decide).collect()
}

const HIGH: u64 = 5 << 32;

#[test]
fn equality_compares_both_halves() {
    let values = [HIGH + 7, 7, HIGH, HIGH + 8, (6 << 32) + 7];
    assert_eq!(
        matches(&json!([arg(1, "EQ", HIGH + 7)]), &values),
        [true, false, false, false, false]
    );
    assert_eq!(matches(&json!([arg(1, "NE", HIGH + 7)]), &values), [false, true, true, true, true]);
}

#[test]
fn order_compares_all_64_bits() {
    let values = [0, HIGH - 1, HIGH + 6, HIGH + 7, HIGH + 8, (6 << 32) + 1, u64::MAX];
    let less = [true, true, true, false, false, false, false];
    let at_most = [true, true, true, true, false, false, false];
    assert_eq!(matches(&json!([arg(1, "LT", HIGH + 7)]), &values), less);
    assert_eq!(matches(&json!([arg(1, "LE", HIGH + 7)]), &values), at_most);
    assert_eq!(matches(&json!([arg(1, "GE", HIGH + 7)]), &values), less.map(|one| !one));
    assert_eq!(matches(&json!([arg(1, "GT", HIGH + 7)]), &values), at_most.map(|one| !one));
}

#[test]
fn a_masked_comparison_ignores_other_bits_of_argument_and_value() {
    let values = [0x10, 0x1f, HIGH + 0x10, 0, 0x30];
    let expected = [true, true, true, false, false];
    assert_eq!(matches(&json!([masked(1, 0xf0, 0x10)]), &values), expected);
    assert_eq!(matches(&json!([masked(1, 0xf0, 0x1f)]), &values), expected);
    assert_eq!(
        matches(&json!([masked(1, 7 << 32, HIGH)]), &values),
        [false, false, true, false, false]
    );
}

#[test]
fn a_masked_comparison_of_no_bits_is_always_true() {
    assert_eq!(matches(&json!([masked(1, 0, 9)]), &[0, 9, u64::MAX]), [true; 3]);
}

#[test]
fn conditions_on_different_arguments_all_have_to_be_true() {
    let args = json!([arg(1, "GT", 4), arg(0, "EQ", 0)]);
    assert_eq!(matches(&args, &[4, 5]), [false, true]);
    let args = json!([arg(1, "GT", 4), arg(0, "EQ", 1)]);
    assert_eq!(matches(&args, &[4, 5]), [false, false]);
}

#[test]
fn conditions_on_the_same_argument_are_alternatives() {
    let args = json!([arg(1, "EQ", 4), arg(1, "EQ", 6), arg(0, "EQ", 1)]);
    assert_eq!(matches(&args, &[4, 5, 6]), [true, false, true]);
}

#[test]
fn a_processor_of_32_bits_compares_the_lower_half() {
    let values = [7, HIGH + 7, 8];
    let matches = |args| matches_on(Processor::X86, WRITE_X86, &args, &values);
    assert_eq!(matches(json!([arg(1, "EQ", HIGH + 7)])), [true, true, false]);
    assert_eq!(matches(json!([arg(1, "GT", HIGH + 7)])), [false, false, true]);
    assert_eq!(matches(json!([masked(1, 7 << 32, HIGH)])), [true, true, true]);
}

#[test]
fn alternatives_of_one_argument_compare_both_halves() {
    let all = [5, 9, HIGH, HIGH + 9, 1 << 63].map(|value| arg(1, "EQ", value));
    let values = [5, 9, HIGH, HIGH + 9, 1 << 63, 0, HIGH + 5, (1 << 63) + 9];
    let expected = [true, true, true, true, true, false, false, false];
    assert_eq!(matches(&json!(all), &values), expected);
}
