//! The namespaces of the machine.
#[macro_use]
mod common;

use common::stdout;

fn own(kind: &str) -> String {
    let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("own");
    let link = link.to_str().expect("text").to_owned();
    link.trim_matches(|char: char| !char.is_ascii_digit()).to_owned()
}

#[test]
fn each_is_a_line_of_words_when_nobody_looks() {
    run_space_as!([Root, User, Nested], {
        let text = stdout(&["list"]);
        assert!(text.lines().all(|line| line.split('\t').count() == 6), "{text}");
        for kind in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
            let begin = format!("{kind}\t{}\t", own(kind));
            assert!(text.lines().any(|line| line.starts_with(&begin)), "{begin} in {text}");
        }
    });
}

#[test]
fn json_tells_who_is_in_them() {
    run_space_as!([Root, User, Nested], {
        let text = stdout(&["list", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let inode: u64 = own("mnt").parse().expect("a number");
        let own = found.as_array().expect("an array").iter().find(|found| found["inode"] == inode);
        let own = own.expect("one's own").as_object().expect("an object");
        let fields =
            ["command", "files", "inode", "kind", "owner", "owner_uid", "parent", "pids", "uid"];
        assert_eq!(own.keys().collect::<Vec<_>>(), fields);
        assert_eq!(own["kind"], "mnt");
        assert!(own["pids"].as_array().expect("pids").contains(&std::process::id().into()));
    });
}
