//! `space list`.
#[macro_use]
mod common;

use common::{error_line, stdout};

/// Returns the inode number of a namespace of this process.
fn own_inode(kind: &str) -> String {
    let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("read the link");
    let link = link.to_str().expect("UTF-8").to_owned();
    link.trim_matches(|char: char| !char.is_ascii_digit()).to_owned()
}

#[test]
fn output_to_a_pipe_is_one_line_per_namespace() {
    run_space_as!([Root, User, Nested], {
        let text = stdout(&["list"]);
        assert!(text.lines().all(|line| line.split('\t').count() == 6), "{text}");
        for kind in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
            let start = format!("{kind}\t{}\t", own_inode(kind));
            assert!(text.lines().any(|line| line.starts_with(&start)), "{start} in {text}");
        }
    });
}

#[test]
fn json_output_lists_the_processes() {
    run_space_as!([Root, User, Nested], {
        let text = stdout(&["list", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let inode: u64 = own_inode("mnt").parse().expect("a number");
        let own = found.as_array().expect("an array").iter().find(|found| found["inode"] == inode);
        let own = own.expect("the namespace of this process").as_object().expect("an object");
        let fields =
            ["command", "files", "inode", "kind", "owner", "owner_uid", "parent", "pids", "uid"];
        assert_eq!(own.keys().collect::<Vec<_>>(), fields);
        assert_eq!(own["kind"], "mnt");
        assert!(own["pids"].as_array().expect("pids").contains(&std::process::id().into()));
    });
}

#[test]
fn the_list_is_filtered_by_kind_and_process() {
    run_space_as!([Root, User, Nested], {
        let own = std::process::id().to_string();
        let text = stdout(&["list", "--type", "net,uts", "--pid", &own]);
        let kinds: Vec<_> = text.lines().map(|line| line.split('\t').next()).collect();
        assert_eq!(kinds, [Some("net"), Some("uts")]);
        assert!(text.contains(&own_inode("net")) && text.contains(&own_inode("uts")), "{text}");
        let text = stdout(&["list", "-t", "uts"]);
        assert!(text.lines().all(|line| line.starts_with("uts\t")), "{text}");
        let pids = stdout(&["list", "--type", "net,uts", "--pid", &own, "--pids"]);
        let pids: Vec<u32> = pids.lines().map(|pid| pid.parse().expect("a number")).collect();
        assert!(pids.is_sorted_by(|one, next| one < next), "each once: {pids:?}");
        assert!(pids.contains(&std::process::id()));
        let line = error_line(&["list", "--pid", "4194305"]);
        assert_eq!(line, "space: list: process 4194305: no such process");
        assert!(error_line(&["list", "--type", "nat"]).contains("'nat'"));
    });
}
