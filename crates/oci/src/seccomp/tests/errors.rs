//! What a configuration cannot ask for, and the flags.

use ns_process::SeccompFlags;
use serde_json::{Value, json};

use super::profile::{arg, config, error, rules};
use crate::seccomp::processor::Processor;
use crate::seccomp::{Filter, compile, compile_for};

fn message(json: Value) -> String {
    error(&config(json))
}

fn filter(json: Value) -> Filter {
    compile(&config(json)).unwrap()
}

#[test]
fn an_errno_for_an_action_without_one_is_an_error() {
    let text = message(json!({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}));
    assert_eq!(text, "linux.seccomp.defaultAction: SCMP_ACT_ALLOW has no errno: remove it");
    let rule = json!([{"names": ["read"], "action": "SCMP_ACT_TRAP", "errnoRet": 1}]);
    let text = error(&rules(&rule));
    assert_eq!(text, "linux.seccomp.syscalls[0]: SCMP_ACT_TRAP has no errno: remove it");
}

#[test]
fn an_errno_of_more_than_16_bits_is_an_error() {
    let text = message(json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 0x10000}));
    assert!(text.contains("65536 is larger"), "{text}");
}

#[test]
fn a_seventh_argument_is_an_error() {
    let rule = json!([{"names": ["read"], "action": "SCMP_ACT_TRAP", "args": [arg(6, "EQ", 1)]}]);
    let text = error(&rules(&rule));
    assert_eq!(
        text,
        "linux.seccomp.syscalls[0]: args: a system call has no argument 6: use 0 to 5"
    );
}

#[test]
fn an_empty_name_is_an_error() {
    let text = error(&rules(&json!([{"names": ["read", ""], "action": "SCMP_ACT_TRAP"}])));
    assert_eq!(text, "linux.seccomp.syscalls[0]: a name is empty: remove it");
}

#[test]
fn a_processor_of_the_other_byte_order_is_an_error() {
    let text =
        message(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X"]}));
    assert!(text.starts_with("linux.seccomp.architectures: SCMP_ARCH_S390X"), "{text}");
}

#[test]
fn a_processor_of_another_family_needs_no_code() {
    let compile = |architectures: &[&str]| {
        let json = json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": architectures});
        compile_for(Processor::X86_64, &config(json)).unwrap()
    };
    let foreign = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_NATIVE"];
    assert_eq!(compile(&foreign), compile(&[]));
}

#[test]
fn a_listener_is_needed_exactly_for_notifications() {
    let notify = json!([{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]);
    let mut json = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": notify});
    assert!(message(json.clone()).starts_with("linux.seccomp.listenerPath:"));
    json["listenerPath"] = "/run/listener".into();
    assert!(filter(json).needs_listener);
    assert!(!filter(json!({"defaultAction": "SCMP_ACT_ALLOW"})).needs_listener);
    let text =
        message(json!({"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/run/listener"}));
    assert!(text.starts_with("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY"), "{text}");
}

#[test]
fn flags_become_those_of_the_kernel() {
    let flags = |flags: Value| {
        let mut json = json!({"defaultAction": "SCMP_ACT_ALLOW"});
        json["flags"] = flags;
        filter(json).flags
    };
    assert_eq!(filter(json!({"defaultAction": "SCMP_ACT_ALLOW"})).flags, SeccompFlags::SPEC_ALLOW);
    assert_eq!(flags(json!([])), SeccompFlags::default());
    assert_eq!(
        flags(json!(["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])),
        SeccompFlags::LOG | SeccompFlags::SPEC_ALLOW
    );
    assert_eq!(flags(json!(["SECCOMP_FILTER_FLAG_TSYNC"])), SeccompFlags::TSYNC);
}

#[test]
fn waiting_for_a_listener_without_one_is_an_error() {
    let flag = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
    let text = message(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": flag}));
    assert!(text.starts_with("linux.seccomp.flags:"), "{text}");
    let notify = json!([{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]);
    let json = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": notify, "flags": flag, "listenerPath": "/l"});
    assert_eq!(filter(json).flags, SeccompFlags::WAIT_KILLABLE_RECV);
}

#[test]
fn a_filter_that_the_kernel_would_refuse_is_an_error() {
    let rule = |value: u32| json!({"names": ["read"], "action": "SCMP_ACT_TRAP", "args": [arg(0, "GE", value.into())]});
    let many: Vec<_> = (0..900).map(rule).collect();
    let text = error(&rules(&json!(many)));
    assert!(text.contains("the kernel accepts 4096"), "{text}");
    let few: Vec<_> = (0..700).map(rule).collect();
    assert!(compile(&rules(&json!(few))).is_ok());
}
