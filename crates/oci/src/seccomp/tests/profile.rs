//! Configurations for tests.

use oci_spec::runtime::LinuxSeccomp;
use serde_json::{Value, json};

use super::evaluator::{Call, evaluate};
use crate::seccomp::compile_for;
use crate::seccomp::processor::Processor;

pub(super) const ALLOW: u32 = 0x7fff_0000;
pub(super) const KILL: u32 = 0;
pub(super) const EPERM: u32 = 0x0005_0001;
pub(super) const ENOSYS: u32 = 0x0005_0026;
pub(super) const TRAP: u32 = 0x0003_0000;
pub(super) const LOG: u32 = 0x7ffc_0000;

/// A configuration from its JSON.
pub(super) fn config(json: Value) -> LinuxSeccomp {
    serde_json::from_value(json).unwrap()
}

/// A configuration that allows all, with these rules.
pub(super) fn rules(rules: &Value) -> LinuxSeccomp {
    config(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}))
}

/// `{"index": …}` of a configuration.
pub(super) fn arg(index: u32, operator: &str, value: u64) -> Value {
    json!({"index": index, "value": value, "op": format!("SCMP_CMP_{operator}")})
}

pub(super) fn masked(index: u32, mask: u64, value: u64) -> Value {
    json!({"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"})
}

/// What the filter of a native x86_64 returns.
pub(super) fn decide(
    config: &LinuxSeccomp,
    processor: Processor,
    number: u32,
    arguments: [u64; 6],
) -> u32 {
    decide_on(Processor::X86_64, config, &Call::new(processor, number, arguments))
}

pub(super) fn decide_on(native: Processor, config: &LinuxSeccomp, call: &Call) -> u32 {
    evaluate(&compile_for(native, config).unwrap().program, call)
}

/// The error of a configuration.
pub(super) fn error(config: &LinuxSeccomp) -> String {
    format!("{:#}", compile_for(Processor::X86_64, config).unwrap_err())
}
