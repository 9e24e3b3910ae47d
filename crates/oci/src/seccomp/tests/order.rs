//! Several rules for one system call.

use oci_spec::runtime::Arch;
use serde_json::{Value, json};

use super::profile::{ALLOW, EPERM, LOG, TRAP, arg, decide, error, masked, rules};
use crate::seccomp::processor::Processor;

/// The decisions for write with each value as argument 1. A rule is an action and its `args`.
fn decisions(all: &[(&str, Value)], values: &[u64]) -> Vec<u32> {
    let config = rules(&json!(configured(all)));
    let decide = |&value| decide(&config, Processor::X86_64, 1, [1, value, 2, 3, 4, 5]);
    values.iter().map(decide).collect()
}

fn configured(all: &[(&str, Value)]) -> Vec<Value> {
    let rule = |(action, args): &(&str, Value)| json!({"names": ["write"], "action": format!("SCMP_ACT_{action}"), "args": args});
    all.iter().map(rule).collect()
}

#[test]
fn a_rule_without_conditions_overrides_those_with_conditions() {
    let (some, all) = (("TRAP", json!([arg(1, "EQ", 1)])), ("ERRNO", json!([])));
    assert_eq!(decisions(&[some.clone(), all.clone()], &[1, 2]), [EPERM, EPERM]);
    assert_eq!(decisions(&[all, some], &[1, 2]), [EPERM, EPERM]);
}

#[test]
fn the_first_rule_without_conditions_counts() {
    assert_eq!(decisions(&[("TRAP", json!([])), ("ERRNO", json!([]))], &[1]), [TRAP]);
}

#[test]
fn a_rule_with_the_default_action_is_ignored() {
    let rules = [("ALLOW", json!([])), ("TRAP", json!([arg(1, "EQ", 1)]))];
    assert_eq!(decisions(&rules, &[1, 2]), [TRAP, ALLOW]);
}

#[test]
fn equality_precedes_lower_and_upper_bounds() {
    let all = [
        ("ERRNO", json!([arg(1, "GE", 1)])),
        ("TRAP", json!([arg(1, "LE", 9)])),
        ("LOG", json!([arg(1, "EQ", 5)])),
    ];
    assert_eq!(decisions(&all, &[0, 5, 9, 10]), [TRAP, LOG, TRAP, EPERM]);
}

#[test]
fn the_narrowest_bound_decides() {
    let all = [
        ("ERRNO", json!([arg(1, "GT", 5)])),
        ("TRAP", json!([arg(1, "GT", 1 << 33)])),
        ("LOG", json!([arg(1, "GT", 7)])),
    ];
    assert_eq!(decisions(&all, &[5, 6, 8, 1 << 34]), [ALLOW, EPERM, LOG, TRAP]);
    let all = [
        ("ERRNO", json!([arg(1, "LT", 1 << 33)])),
        ("TRAP", json!([arg(1, "LT", 5)])),
        ("LOG", json!([arg(1, "LT", 7)])),
    ];
    assert_eq!(decisions(&all, &[4, 6, 8, 1 << 34]), [TRAP, LOG, EPERM, ALLOW]);
}

#[test]
fn the_rule_whose_first_argument_is_higher_decides() {
    let all = [("ERRNO", json!([arg(0, "EQ", 1)])), ("TRAP", json!([arg(1, "EQ", 1)]))];
    assert_eq!(decisions(&all, &[1, 2]), [TRAP, EPERM]);
}

#[test]
fn later_conditions_order_rules_with_the_same_first_one() {
    let all = [
        ("ERRNO", json!([arg(0, "EQ", 1), arg(1, "LT", 9)])),
        ("TRAP", json!([arg(0, "EQ", 1), arg(2, "EQ", 2)])),
        ("LOG", json!([arg(0, "EQ", 1), arg(1, "EQ", 8)])),
        ("KILL", json!([arg(0, "EQ", 2), arg(1, "EQ", 7)])),
    ];
    assert_eq!(decisions(&all, &[7, 8, 9]), [TRAP, TRAP, TRAP]);
    assert_eq!(decisions(&all[..1], &[7, 8, 9]), [EPERM, EPERM, ALLOW]);
    let without_trap = [all[0].clone(), all[2].clone(), all[3].clone()];
    assert_eq!(decisions(&without_trap, &[7, 8, 9]), [EPERM, LOG, ALLOW]);
}

#[test]
fn of_equally_high_conditions_the_older_decides() {
    let all = [("ERRNO", json!([masked(1, 1, 1)])), ("TRAP", json!([arg(1, "EQ", 1)]))];
    assert_eq!(decisions(&all, &[1, 3]), [EPERM, EPERM]);
    let all = [("TRAP", json!([arg(1, "EQ", 1)])), ("ERRNO", json!([masked(1, 1, 1)]))];
    assert_eq!(decisions(&all, &[1, 3]), [TRAP, EPERM]);
}

#[test]
fn rules_that_share_tests_stay_together() {
    // The upper halves of the first and the third are one test, so the third precedes the second.
    let all = [
        ("ERRNO", json!([arg(1, "EQ", 2)])),
        ("TRAP", json!([masked(1, 1, 1)])),
        ("LOG", json!([arg(1, "EQ", 1)])),
    ];
    assert_eq!(decisions(&all, &[0, 1, 2, 3]), [ALLOW, LOG, EPERM, TRAP]);
}

#[test]
fn a_shared_test_keeps_its_rank() {
    // The second uses the test of the first, "the upper half is above 0", which a lower bound put last.
    let all = [
        ("ERRNO", json!([arg(1, "GT", 10)])),
        ("TRAP", json!([arg(1, "LT", 20)])),
        ("LOG", json!([arg(1, "LT", 1 << 33)])),
    ];
    assert_eq!(decisions(&all, &[5, 15, 1 << 34]), [LOG, LOG, EPERM]);
}

#[test]
fn fewer_conditions_decide_before_more() {
    let all =
        [("ERRNO", json!([arg(0, "EQ", 1)])), ("TRAP", json!([arg(0, "EQ", 1), arg(1, "EQ", 5)]))];
    assert_eq!(decisions(&all, &[4, 5]), [EPERM, EPERM]);
}

#[test]
fn contradicting_rules_are_an_error() {
    let fewer = ("ERRNO", json!([arg(0, "EQ", 1)]));
    let more = ("TRAP", json!([arg(0, "EQ", 1), arg(1, "EQ", 5)]));
    let message = error(&rules(&json!(configured(&[more, fewer.clone()]))));
    assert!(message.contains("syscalls[1]: write: X86_64: an earlier rule"), "{message}");
    let same = ("TRAP", fewer.1.clone());
    let message = error(&rules(&json!(configured(&[fewer, same]))));
    assert!(message.contains("syscalls[1]: write: X86_64: another rule"), "{message}");
}

#[test]
fn repeated_rules_are_one_rule() {
    let rule = ("ERRNO", json!([arg(1, "EQ", 1)]));
    assert_eq!(decisions(&[rule.clone(), rule], &[1, 2]), [EPERM, ALLOW]);
}

#[test]
fn a_rule_that_another_makes_superfluous_contradicts_none() {
    let all = [
        ("TRAP", json!([arg(0, "EQ", 1), arg(1, "EQ", 5)])),
        ("TRAP", json!([arg(1, "EQ", 5)])),
        ("ERRNO", json!([arg(0, "EQ", 1)])),
    ];
    assert_eq!(decisions(&all, &[4, 5]), [EPERM, TRAP]);
}

#[test]
fn values_that_are_equal_for_one_processor_contradict() {
    let all = [("TRAP", json!([arg(1, "EQ", 1)])), ("ERRNO", json!([arg(1, "EQ", (1 << 32) + 1)]))];
    assert_eq!(decisions(&all, &[1, (1 << 32) + 1]), [TRAP, EPERM]);
    let mut config = rules(&json!(configured(&all)));
    config.set_architectures(Some(vec![Arch::ScmpArchX86]));
    let message = error(&config);
    assert!(message.contains("syscalls[1]: write: X86: another rule"), "{message}");
}
