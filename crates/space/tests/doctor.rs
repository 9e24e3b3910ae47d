//! `space doctor`.
#[macro_use]
mod common;

use common::{space, status, stdout};
use ns_process::Namespace;

#[test]
fn output_to_a_pipe_is_one_line_per_finding() {
    run_space_as!([Root, User, Nested], {
        let text = stdout(&["doctor"]);
        assert!(text.lines().all(|line| line.starts_with("ok  ") || line.starts_with("no  ")));
        for kind in Namespace::ALL {
            assert!(text.contains(&format!("  {kind} namespace: ")), "{kind} in {text}");
        }
        for topic in ["kernel", "seccomp", "no_new_privs", "setgroups", "newuidmap", "cgroups"] {
            assert!(text.contains(&format!("  {topic}: ")), "{topic} in {text}");
        }
        assert!(!text.contains('\u{1b}'));
    });
}

#[test]
fn json_output_has_the_same_findings() {
    run_space_as!([Root, User, Nested], {
        let lines = stdout(&["doctor"]).lines().count();
        let text = stdout(&["doctor", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let found = found.as_array().expect("an array");
        assert_eq!(found.len(), lines);
        let fields = ["advice", "detail", "topic", "works"];
        for finding in found {
            let finding = finding.as_object().expect("an object");
            assert_eq!(finding.keys().collect::<Vec<_>>(), fields);
            assert!(finding["works"].as_bool() == Some(false) || finding["advice"].is_null());
        }
    });
}

/// An option works if and only if `doctor` reports that it does.
#[test]
fn the_findings_are_correct() {
    run_space_as!([Root, User, Nested], {
        let text = stdout(&["doctor"]);
        let reported = |topic: &str| text.contains(&format!("ok  {topic}: "));
        let works = |words: &[&str]| status(words) == 0;
        assert_eq!(reported("new user namespaces"), works(&["execute", "-Uz", "true"]));
        let proc = ["execute", "-Upmz", "--mount-proc", "true"];
        assert_eq!(reported("new proc"), works(&proc));
    });
}

#[test]
fn a_full_disk_is_reported() {
    run_space_as!([Root, User], {
        let full = std::fs::File::create("/dev/full").expect("open");
        let output = common::command(&["doctor"]).stdout(full).output().expect("run");
        assert_eq!(output.status.code(), Some(125));
        assert!(output.stderr.starts_with(b"space: stdout: No space left"), "{output:?}");
        assert!(!space(&["doctor"]).stdout.is_empty());
    });
}
