//! Programs under compiled filters.

use std::process::Output;

use ns_process::Container;
use ns_testbed::run_as;
use oci_spec::runtime::LinuxSeccomp;
use serde_json::json;

use super::default_profile::default_profile;
use super::profile::{arg, config, rules};
use crate::seccomp::compile;

/// Runs a shell script under the filter of a configuration.
fn run(config: &LinuxSeccomp, script: &str) -> Output {
    let filter = compile(config).unwrap();
    Container::new("sh")
        .args(["-c", script])
        .no_new_privs()
        .seccomp(filter.program)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn programs_run_under_a_default_profile() {
    run_as!([Root, User], {
        let output =
            run(&default_profile(), "grep Seccomp: /proc/self/status && cat /proc/self/comm");
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "Seccomp:\t2\ncat\n");
    });
}

#[test]
fn a_denied_call_fails_with_the_errno() {
    run_as!([Root, User], {
        let rule =
            json!({"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122});
        let output = run(&rules(&json!([rule])), "LC_ALL=C mkdir /tmp/new");
        assert!(text(&output.stderr).contains("Disk quota exceeded"), "{output:?}");
        assert!(!output.status.success());
    });
}

#[test]
fn an_argument_decides_in_the_kernel() {
    run_as!([Root, User], {
        let signal = arg(1, "EQ", 10);
        let rule = json!({"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [signal]});
        let script = "kill -s USR1 $$ 2>/dev/null; echo $?; kill -s CONT $$; echo $?";
        assert_eq!(text(&run(&rules(&json!([rule])), script).stdout), "1\n0\n");
    });
}

#[test]
fn the_kernel_accepts_a_filter_of_the_greatest_length() {
    run_as!([Root, User], {
        let rule = |value: u64| json!({"names": ["getppid"], "action": "SCMP_ACT_TRAP", "args": [arg(5, "GE", value)]});
        let many: Vec<_> = (1 << 40..(1 << 40) + 810).map(rule).collect();
        let config = config(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": many}));
        assert!(compile(&config).unwrap().program.len() > 4000);
        assert!(run(&config, "true").status.success());
    });
}
