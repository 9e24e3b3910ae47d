//! A profile of the shape that container engines have by default.

use oci_spec::runtime::LinuxSeccomp;
use serde_json::{Value, json};

use super::evaluator::{Call, evaluate_counting};
use super::profile::{ALLOW, ENOSYS, EPERM, KILL, arg, config, decide, masked};
use crate::seccomp::compile_for;
use crate::seccomp::processor::Processor;

/// The calls for which a program needs privileges.
const DENIED: &[&str] = &[
    "acct",
    "bpf",
    "clock_settime",
    "delete_module",
    "finit_module",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "lookup_dcookie",
    "mount",
    "move_mount",
    "move_pages",
    "nfsservctl",
    "open_by_handle_at",
    "perf_event_open",
    "pivot_root",
    "quotactl",
    "reboot",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "vhangup",
];
/// The calls whose arguments decide.
const CONDITIONAL: &[&str] = &["clone", "clone3", "personality", "socket"];
/// No kernel of the time when the profile was written had them.
const NEWER: &[&str] = &["file_getattr", "file_setattr", "open_tree_attr"];

fn allowed() -> Vec<&'static str> {
    let wide = syscalls::x86_64::Sysno::iter().map(|call| call.name());
    let all = wide.chain(syscalls::x86::Sysno::iter().map(|call| call.name()));
    let rest = |name: &&str| ![DENIED, CONDITIONAL, NEWER].iter().any(|names| names.contains(name));
    all.filter(rest).collect()
}

pub(super) fn default_profile() -> LinuxSeccomp {
    let personality = |value: u64| rule(&["personality"], "ALLOW", &[arg(0, "EQ", value)]);
    let mut rules = vec![
        rule(DENIED, "ERRNO", &[]),
        rule(&allowed(), "ALLOW", &[]),
        rule(&["clone"], "ALLOW", &[masked(0, 0x7e02_0000, 0)]),
        rule(&["socket"], "ALLOW", &[arg(0, "NE", 40)]),
        json!({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}),
    ];
    rules.extend([0, 8, 0x20000, 0x20008, 0xffff_ffff].map(personality));
    config(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    }))
}

fn rule(names: &[&str], action: &str, args: &[Value]) -> Value {
    json!({"names": names, "action": format!("SCMP_ACT_{action}"), "args": args})
}

#[test]
fn the_profile_decides_as_it_says() {
    let profile = default_profile();
    let decide =
        |number, first| decide(&profile, Processor::X86_64, number, [first, 0, 0, 0, 0, 0]);
    let (personality, clone, socket) = (135, 56, 41);
    assert_eq!(
        [0, 8, 9, 0xffff_ffff, 1 << 32].map(|value| decide(personality, value)),
        [ALLOW, ALLOW, EPERM, ALLOW, EPERM]
    );
    assert_eq!([0x11, 0x1000_0000].map(|flags| decide(clone, flags)), [ALLOW, EPERM]);
    assert_eq!([2, 40].map(|family| decide(socket, family)), [ALLOW, EPERM]);
    let (read, mount, clone3, file_getattr) = (0, 165, 435, 468);
    assert_eq!(
        [read, mount, clone3, file_getattr].map(|number| decide(number, 0)),
        [ALLOW, EPERM, ENOSYS, ENOSYS]
    );
}

#[test]
fn the_program_for_three_processors_is_small() {
    let length = compile_for(Processor::X86_64, &default_profile()).unwrap().program.len();
    assert!(length < 250, "{length}");
}

#[test]
fn every_number_is_found_soon() {
    let program = compile_for(Processor::X86_64, &default_profile()).unwrap().program;
    for number in 0..500 {
        let call = Call::new(Processor::X86_64, number, [0; 6]);
        let (_, steps) = evaluate_counting(&program, &call);
        assert!(steps < 22, "{number}: {steps}");
    }
}

#[test]
fn the_same_configuration_gives_the_same_program() {
    let compile = || compile_for(Processor::X86_64, &default_profile()).unwrap();
    assert_eq!(compile(), compile());
}

#[test]
fn the_native_processor_is_found_first() {
    let program = compile_for(Processor::X86_64, &default_profile()).unwrap().program;
    let call = Call::new(Processor::X86_64, 0, [0; 6]);
    assert_eq!(program[1].k, call.audit_number);
    let foreign = Call::new(Processor::Arm, 0, [0; 6]);
    assert_eq!(evaluate_counting(&program, &foreign), (KILL, 4));
}
