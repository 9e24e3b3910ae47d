//! `space doctor`.
#[macro_use]
mod common;

use common::{space, status};
use ns_process::Namespace;

/// Returns the output. The status depends on the machine.
fn doctor(options: &[&str]) -> String {
    let output = space(&[&["doctor"], options].concat());
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn output_to_a_pipe_is_one_line_per_finding() {
    run_space_as!([Root, User, Nested], {
        let text = doctor(&[]);
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
        let lines = doctor(&[]).lines().count();
        let text = doctor(&["--json"]);
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
        let text = doctor(&[]);
        let reported = |topic: &str| text.contains(&format!("ok  {topic}: "));
        let works = |words: &[&str]| status(words) == 0;
        assert_eq!(reported("new user namespaces"), works(&["execute", "-Uz", "true"]));
        let proc = ["execute", "-Upmz", "--mount-proc", "true"];
        assert_eq!(reported("new proc"), works(&proc));
    });
}

#[test]
fn the_status_is_1_if_a_namespace_cannot_be_made() {
    run_space_as!([Root, User], {
        let text = doctor(&[]);
        let matters = |line: &&str| {
            let (topic, _) = line[4..].split_once(": ").expect("a topic");
            topic.ends_with(" namespace") || ["new user namespaces", "new proc"].contains(&topic)
        };
        let works = text.lines().filter(matters).all(|line| line.starts_with("ok"));
        assert_eq!(status(&["doctor"]), i32::from(!works));
        let words =
            ["execute", "-Uz", "--sysctl", "user.max_user_namespaces=0", "--keep-fd", "200"];
        let output = space(&[words.as_slice(), &[common::SPACE, "doctor"]].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains("no  new user namespaces"), "{text}");
        assert_eq!(output.status.code(), Some(1));
    });
}

#[test]
fn without_proc_list_and_doctor_fail_by_name() {
    run_space_as!([Root, User], {
        let copy = std::env::temp_dir().join(format!("space-copy-{}", std::process::id()));
        std::fs::copy(common::SPACE, &copy).expect("copy");
        let path = copy.to_str().expect("UTF-8");
        for verb in ["list", "doctor"] {
            let output = space(&["execute", "-Umz", "--tmpfs", "/proc", path, verb]);
            let expected = format!("space: {verb}: /proc: proc is not mounted\n");
            assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
            assert_eq!(output.status.code(), Some(125));
        }
        std::fs::remove_file(copy).expect("remove");
    });
}

#[test]
fn a_full_disk_is_reported() {
    run_space_as!([Root, User], {
        let full = std::fs::File::create("/dev/full").expect("open");
        let output = common::command(&["doctor"]).stdout(full).output().expect("run");
        assert_eq!(output.status.code(), Some(125));
        assert!(output.stderr.starts_with(b"space: stdout: ENOSPC (No space left"), "{output:?}");
        assert!(!space(&["doctor"]).stdout.is_empty());
    });
}
