//! Processors and the numbers of their system calls.

use oci_spec::runtime::LinuxSeccomp;
use serde_json::{Value, json};

use super::evaluator::Call;
use super::interpreter;
use super::profile::{ALLOW, ENOSYS, EPERM, KILL, TRAP, arg, config, decide, decide_on};
use crate::seccomp::processor::Processor;
use crate::seccomp::table::SystemCall;

const X86_FAMILY: [&str; 3] = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];

fn allowing(names: &[&str], architectures: &[&str]) -> LinuxSeccomp {
    denying(architectures, &json!([{"names": names, "action": "SCMP_ACT_ALLOW"}]))
}

fn denying(architectures: &[&str], rules: &Value) -> LinuxSeccomp {
    let default = "SCMP_ACT_ERRNO";
    config(json!({"defaultAction": default, "architectures": architectures, "syscalls": rules}))
}

fn decide_plain(config: &LinuxSeccomp, processor: Processor, number: u32) -> u32 {
    decide(config, processor, number, [0; 6])
}

#[test]
fn each_processor_has_its_own_numbers() {
    let config = allowing(&["openat", "statx"], &X86_FAMILY);
    for (processor, openat) in
        [(Processor::X86_64, 257), (Processor::X86, 295), (Processor::X32, 0x4000_0000 + 257)]
    {
        assert_eq!(decide_plain(&config, processor, openat), ALLOW, "{processor:?}");
        assert_eq!(decide_plain(&config, processor, openat - 1), EPERM, "{processor:?}");
        assert_eq!(decide_plain(&config, processor, openat + 1), EPERM, "{processor:?}");
    }
}

#[test]
fn a_call_that_only_some_processors_have_is_allowed_there() {
    let config = allowing(&["mmap2", "statx", "no_such_call"], &X86_FAMILY);
    assert_eq!(decide_plain(&config, Processor::X86, 192), ALLOW);
    assert_eq!(decide_plain(&config, Processor::X86_64, 192), EPERM);
}

#[test]
fn x32_has_its_own_number_for_some_calls() {
    let config = allowing(&["execve", "statx", "pwritev2"], &X86_FAMILY);
    let x32 = 0x4000_0000;
    assert_eq!(decide_plain(&config, Processor::X32, x32 + 520), ALLOW);
    assert_eq!(decide_plain(&config, Processor::X32, x32 + 547), ALLOW);
    assert_eq!(decide_plain(&config, Processor::X32, x32 + 59), EPERM);
    assert_eq!(decide_plain(&config, Processor::X86_64, 59), ALLOW);
}

#[test]
fn a_processor_that_is_not_named_is_killed() {
    let config = allowing(&["read", "statx"], &[]);
    assert_eq!(decide_plain(&config, Processor::X86_64, 0), ALLOW);
    assert_eq!(decide_plain(&config, Processor::X86, 3), KILL);
    assert_eq!(decide_plain(&config, Processor::X32, 0x4000_0000), KILL);
    assert_eq!(decide_plain(&config, Processor::Aarch64, 63), KILL);
}

#[test]
fn a_call_that_a_tracer_suppresses_is_not_of_x32() {
    let config = allowing(&["read", "statx"], &[]);
    assert_eq!(decide_plain(&config, Processor::X86_64, u32::MAX), EPERM);
    assert_eq!(decide_plain(&config, Processor::X86_64, u32::MAX - 1), KILL);
}

#[test]
fn numbers_with_the_highest_bit_are_invalid() {
    let number = 0x8000_0000;
    let deny = |architectures: &[&str]| allowing(&["read", "statx"], architectures);
    assert_eq!(decide_plain(&deny(&[]), Processor::X86_64, number), ENOSYS);
    assert_eq!(decide_plain(&deny(&X86_FAMILY), Processor::X86_64, number), ENOSYS);
    let allow = |architectures: &[&str]| {
        config(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": architectures}))
    };
    assert_eq!(decide_plain(&allow(&[]), Processor::X86_64, number), KILL);
    assert_eq!(decide_plain(&allow(&X86_FAMILY), Processor::X86_64, number), ALLOW);
}

#[test]
fn calls_newer_than_all_that_are_named_do_not_exist() {
    let config = allowing(&["read", "statx"], &X86_FAMILY);
    assert_eq!(decide_plain(&config, Processor::X86_64, 331), EPERM);
    assert_eq!(decide_plain(&config, Processor::X86_64, 333), ENOSYS);
    assert_eq!(decide_plain(&config, Processor::X86, 383), ALLOW);
    assert_eq!(decide_plain(&config, Processor::X86, 384), ENOSYS);
    assert_eq!(decide_plain(&config, Processor::X32, 0x4000_0000 + 333), ENOSYS);
}

#[test]
fn a_named_call_is_not_newer_even_if_its_rule_is_ignored() {
    let rules = json!([{"names": ["openat2"], "action": "SCMP_ACT_ERRNO"}]);
    let config = denying(&[], &rules);
    assert_eq!(decide_plain(&config, Processor::X86_64, 437), EPERM);
    assert_eq!(decide_plain(&config, Processor::X86_64, 438), ENOSYS);
}

#[test]
fn newer_calls_are_allowed_if_others_are() {
    for action in ["ALLOW", "LOG", "TRACE"] {
        let default = format!("SCMP_ACT_{action}");
        let rules = json!([{"names": ["read"], "action": "SCMP_ACT_TRAP"}, {"names": ["open"], "action": "SCMP_ACT_TRAP"}]);
        let config = config(json!({"defaultAction": default, "syscalls": rules}));
        assert_eq!(decide_plain(&config, Processor::X86_64, 2), TRAP);
        assert_ne!(decide_plain(&config, Processor::X86_64, 600), ENOSYS, "{action}");
    }
}

#[test]
fn socket_calls_of_x86_are_also_made_by_socketcall() {
    let rule = json!({"names": ["connect"], "action": "SCMP_ACT_TRAP", "args": [arg(1, "EQ", 7)]});
    let config = denying(
        &["SCMP_ARCH_X86"],
        &json!([rule, {"names": ["statx"], "action": "SCMP_ACT_ALLOW"}]),
    );
    let decide = |number, arguments| decide(&config, Processor::X86, number, arguments);
    assert_eq!(decide(362, [9, 7, 0, 0, 0, 0]), TRAP);
    assert_eq!(decide(102, [3, 7, 0, 0, 0, 0]), TRAP);
    assert_eq!(decide(102, [3, 8, 0, 0, 0, 0]), EPERM);
    assert_eq!(decide(102, [2, 7, 0, 0, 0, 0]), EPERM);
}

#[test]
fn socketcall_has_the_call_in_place_of_the_first_argument() {
    let rule = json!({"names": ["connect"], "action": "SCMP_ACT_TRAP", "args": [arg(0, "EQ", 9)]});
    let config = denying(&["SCMP_ARCH_X86"], &json!([rule]));
    let decide = |number, first| decide(&config, Processor::X86, number, [first, 0, 0, 0, 0, 0]);
    assert_eq!([9, 3].map(|first| decide(362, first)), [TRAP, EPERM]);
    assert_eq!([9, 3].map(|first| decide(102, first)), [EPERM, TRAP]);
}

#[test]
fn calls_that_x86_makes_only_by_ipc_are_found_there() {
    let config = allowing(&["semop", "shmctl", "statx"], &["SCMP_ARCH_X86"]);
    let decide = |selector| decide(&config, Processor::X86, 117, [selector, 0, 0, 0, 0, 0]);
    assert_eq!([1, 2, 24].map(decide), [ALLOW, EPERM, ALLOW]);
    assert_eq!(decide_plain(&config, Processor::X86_64, 65), ALLOW);
}

#[test]
fn the_native_processor_is_always_included() {
    let config = allowing(&["read", "statx"], &["SCMP_ARCH_ARM"]);
    let decide = |processor, number| {
        decide_on(Processor::Aarch64, &config, &Call::new(processor, number, [0; 6]))
    };
    assert_eq!(decide(Processor::Aarch64, 63), ALLOW);
    assert_eq!(decide(Processor::Arm, 3), ALLOW);
    assert_eq!(decide(Processor::Arm, 0xf0002), ENOSYS);
}

#[test]
fn a_call_that_x86_also_makes_by_another_does_not_count_as_new() {
    let config = allowing(&["read", "socket"], &["SCMP_ARCH_X86"]);
    assert_eq!(decide_plain(&config, Processor::X86, 4), ENOSYS);
    assert_eq!(decide_plain(&config, Processor::X86, 359), ALLOW);
    assert_eq!(decide_plain(&config, Processor::X86_64, 40), EPERM);
    assert_eq!(decide_plain(&config, Processor::X86_64, 42), ENOSYS);
}

#[test]
fn arm_has_calls_of_its_own() {
    let config = allowing(&["cacheflush", "read"], &["SCMP_ARCH_ARM"]);
    let call = Call::new(Processor::Arm, 0xf0002, [0; 6]);
    assert_eq!(decide_on(Processor::Aarch64, &config, &call), ALLOW);
}

#[test]
fn names_have_the_numbers_of_the_kernel() {
    for processor in Processor::ALL {
        for name in ["read", "openat", "clone3", "statx", "futex_waitv", "landlock_restrict_self"] {
            let number = SystemCall::find(name).unwrap().number(processor);
            assert_eq!(number, interpreter::number(processor, name), "{name} {processor:?}");
        }
    }
    let number = |name, processor| SystemCall::find(name).and_then(|call| call.number(processor));
    assert_eq!(number("newfstatat", Processor::Aarch64), Some(79));
    assert_eq!(number("fstatat", Processor::Aarch64), None);
    assert_eq!(number("futex_time64", Processor::Aarch64), None);
    assert_eq!(number("futex_time64", Processor::Arm), Some(422));
    assert_eq!(number("break", Processor::X86), Some(17));
    assert_eq!(number("uselib", Processor::X32), None);
    assert_eq!(number("listns", Processor::X32), Some(0x4000_0000 + 470));
    assert!(SystemCall::find("").is_none());
}
