//! `space list`.
#[macro_use]
mod common;

use std::fs::File;
use std::io::Read;

use common::{command, error_line, status, stdout};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

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
        assert_eq!(line, "space: list: --pid 4194305: no such process");
        assert!(error_line(&["list", "--type", "nat"]).contains("'nat'"));
    });
}

/// Returns what `space` prints on a terminal.
fn on_terminal(words: &[&str]) -> String {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("open a terminal");
    grantpt(&screen).expect("grantpt");
    unlockpt(&screen).expect("unlockpt");
    let name = ptsname(&screen, Vec::new()).expect("the name of the terminal");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let terminal = open(name, flags, Mode::empty()).expect("open the other side");
    let mut child = command(words).stdout(terminal).spawn().expect("run space");
    let mut bytes = Vec::new();
    // The read fails when the last process has closed the terminal.
    let _ = File::from(screen).read_to_end(&mut bytes);
    assert!(child.wait().expect("wait").success());
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

#[test]
fn output_to_a_terminal_is_aligned() {
    run_space_as!([Root, User, Nested], {
        let text = on_terminal(&["list"]);
        let text = text.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
        let lines: Vec<_> = text.lines().collect();
        assert!(!text.contains('\u{1b}'), "{text}");
        let header = lines[0];
        // The first column is aligned to the left, the last one as well, and those between to the right.
        let ends = ["INODE", "PROCESSES", "PID", "UID"].map(|column| {
            let start = header.find(&format!("  {column}")).expect("a column");
            start + 2 + column.len()
        });
        let last = header.find("COMMAND").expect("a column");
        for line in &lines[1..] {
            let bytes = line.as_bytes();
            assert!(bytes[0] != b' ' && bytes[last - 1] == b' ' && bytes[last] != b' ', "{text}");
            for end in ends {
                assert!(bytes[end - 1] != b' ' && bytes[end] == b' ', "{line:?} in\n{text}");
            }
        }
        assert!(lines.len() > 8, "{text}");
    });
}

#[test]
fn the_list_is_sorted_by_kind_and_inode() {
    run_space_as!([Root, User, Nested], {
        let text = stdout(&["list"]);
        let key = |line: &str| {
            let mut cells = line.split('\t');
            let (kind, inode) = (cells.next().expect("a kind"), cells.next().expect("an inode"));
            (kind.to_owned(), inode.parse::<u64>().expect("a number"))
        };
        assert!(text.lines().map(key).is_sorted(), "{text}");
    });
}

/// The path of a bound namespace cannot break the lines of the list or change the terminal.
#[test]
fn a_path_with_control_characters_is_escaped() {
    run_space_as!([Root], {
        let file = std::env::temp_dir().join("ns \n\t\u{1b}[31m\u{202e}é\"\\");
        let path = file.to_str().expect("UTF-8");
        assert_eq!(status(&["execute", "--uts", "--keep", &format!("uts={path}"), "true"]), 0);
        let directory = std::env::temp_dir();
        let escaped = format!("{}/ns \\n\\t\\u{{1b}}[31m\\u{{202e}}é\"\\", directory.display());
        for text in [stdout(&["list"]), on_terminal(&["list"])] {
            assert!(text.contains(&format!("at {escaped}\n")), "{text}");
            assert!(!text.contains("\u{1b}[31m"));
        }
        assert!(stdout(&["list"]).lines().all(|line| line.split('\t').count() == 6));
        let json = stdout(&["list", "--json"]);
        assert_eq!(json.lines().count(), 1, "{json}");
        let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let has_path = |found: &serde_json::Value| found["files"] == serde_json::json!([path]);
        let bound = found.as_array().expect("an array").iter().find(|found| has_path(found));
        let bound = bound.expect("the bound namespace").as_object().expect("an object");
        assert!(bound["pids"] == serde_json::json!([]) && bound["command"].is_null(), "{bound:?}");
        let fields =
            ["command", "files", "inode", "kind", "owner", "owner_uid", "parent", "pids", "uid"];
        assert_eq!(bound.keys().collect::<Vec<_>>(), fields);
        ns_process::unbind_namespace(&file).expect("unbind");
    });
}

#[test]
fn json_output_is_always_an_array() {
    run_space_as!([Root, User], {
        let own = std::process::id().to_string();
        for words in [["list", "--json"].as_slice(), &["list", "--json", "-p", &own, "-t", "net"]] {
            let text = stdout(words);
            assert!(text.starts_with("[{") && text.ends_with("}]\n"), "{text}");
        }
    });
}
