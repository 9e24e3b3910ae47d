//! Limits, privileges and parameters of namespaces.
#[path = "common/cgroup.rs"]
mod cgroup;
#[macro_use]
mod common;

use std::process::{Command, Output, Stdio};

use common::{SPACE, error_line, status, stdout};

/// Runs a script with these options.
fn script(options: &[&str], script: &str) -> String {
    stdout(&[&["execute"], options, &["sh", "-c", script]].concat())
}

#[test]
fn limits_are_set() {
    run_space_as!([Root, User, Nested], {
        let limit = "ulimit -Sn; ulimit -Hn";
        assert_eq!(script(&["--rlimit", "nofile=20:30"], limit), "20\n30\n");
        assert_eq!(script(&["--rlimit", "NOFILE=25"], limit), "25\n25\n");
        assert_eq!(script(&["--umask", "027"], "umask"), "0027\n");
        assert_eq!(script(&["--nice", "19"], "nice"), "19\n");
        let score = ["--oom-score-adj=1000"];
        assert_eq!(script(&score, "cat /proc/self/oom_score_adj"), "1000\n");
    });
}

#[test]
fn an_invalid_limit_names_its_option() {
    run_space_as!([Root, User], {
        let cases: [(&[&str], &str); 7] = [
            (&["--rlimit", "nofile"], "'--rlimit <NAME=SOFT[:HARD]>': not of the form"),
            (&["--rlimit", "files=1"], "\"files\" is none of as, core"),
            (&["--rlimit", "nofile=2:1"], "the soft limit is above the hard one"),
            (&["--rlimit", "nofile=many"], "\"many\" is neither a number nor unlimited"),
            (&["--umask", "8"], "\"8\" is not an octal number up to 777"),
            (&["--nice", "-21"], "'--nice <N>'"),
            (&["--cgroup-dir", "/no/such"], "--cgroup-dir /no/such: ENOENT (No such file"),
        ];
        for (options, expected) in cases {
            let words = [&["execute"], options, &["true"]].concat();
            assert_eq!(status(&words), 125);
            let line = error_line(&words);
            assert!(line.contains(expected), "{line}");
        }
    });
}

#[test]
fn a_limit_above_the_callers_is_refused_by_its_name() {
    run_space_as!([User], {
        let words = ["execute", "--rlimit", "nofile=300", "--keep-fd", "200", SPACE, "execute"];
        let line = error_line(&[words.as_slice(), &["--rlimit", "nofile=400", "true"]].concat());
        assert!(line.contains("--rlimit nofile=400: EPERM"), "{line}");
    });
}

#[test]
fn capabilities_are_dropped_or_kept() {
    run_space_as!([Root, User, Nested], {
        let show = "sed -n 's/^Cap[EB].*:.//p' /proc/self/status";
        let only = ["-Uz", "--drop-cap", "all", "--keep-cap", "net_bind_service"];
        assert_eq!(script(&only, show), "0000000000000400\n0000000000000400\n");
        assert_eq!(script(&["-Uz", "--drop-cap=all"], show), "0000000000000000\n".repeat(2));
        let text = script(&["-Uz", "--cap-drop", "CAP_CHOWN,dac_override"], show);
        let mut masks = text.lines().map(|mask| u64::from_str_radix(mask, 16).expect("a mask"));
        // The two dropped capabilities are bits 0 and 1.
        assert!(masks.all(|mask| mask.trailing_zeros() == 2), "{text}");
        let kept = ["-U", "--uid", "5", "--keep-cap", "chown"];
        assert!(script(&kept, show).starts_with("0000000000000001\n"));
        let both = ["execute", "-Uz", "--drop-cap", "chown", "--keep-cap", "chown", "true"];
        assert_eq!(error_line(&both), "space: --keep-cap: chown is dropped as well");
        let line = error_line(&["execute", "--drop-cap", "magic", "true"]);
        assert!(line.contains("'--drop-cap <CAP>': \"magic\" is not a capability"), "{line}");
    });
}

/// Runs `space execute --seccomp 3` with this filter on descriptor 3.
fn filtered(filter: &[u8], words: &[&str]) -> Output {
    let script = "exec 3<&0 </dev/null; exec \"$0\" execute --seccomp 3 \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, SPACE]).args(words);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().expect("spawn");
    let input = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut { input }, filter).expect("write");
    child.wait_with_output().expect("wait")
}

#[test]
fn a_compiled_filter_is_installed() {
    run_space_as!([Root, User, Nested], {
        // `BPF_RET | BPF_K` with SECCOMP_RET_ALLOW.
        let allow = [[6, 0, 0, 0].as_slice(), &0x7fff_0000_u32.to_ne_bytes()].concat();
        let show = ["sed", "-n", "s/^\\(NoNewPrivs\\|Seccomp\\):.//p", "/proc/self/status"];
        assert_eq!(filtered(&allow, &show).stdout, b"1\n2\n");
        let output = filtered(b"text", &["true"]);
        assert_eq!(
            output.stderr,
            b"space: --seccomp: descriptor 3 contains 4 bytes, which is not a compiled filter\n"
        );
        assert_eq!(output.status.code(), Some(125));
        let set = "sed -n 's/^NoNewPrivs:.//p' /proc/self/status";
        assert_eq!(script(&["--no-new-privs"], set), "1\n");
    });
}

#[test]
fn parameters_of_namespaces_are_set() {
    run_space_as!([Root, User, Nested], {
        let forward = ["-Unz", "--loopback", "--sysctl", "net.ipv4.ip_forward=1"];
        assert_eq!(script(&forward, "cat /proc/sys/net/ipv4/ip_forward"), "1\n");
        // The loopback address has a route.
        assert!(script(&forward, "cat /proc/net/fib_trie").contains("127.0.0.1"));
        let shift = ["-UTz", "--time-offset", "boottime=86400", "--time-offset=monotonic=-0.5"];
        let offsets = script(&shift, "cat /proc/self/timens_offsets");
        let words: Vec<_> = offsets.split_whitespace().collect();
        assert_eq!(words, ["monotonic", "-1", "500000000", "boottime", "86400", "0"]);
    });
}

#[test]
fn a_refused_parameter_names_its_option() {
    run_space_as!([Root, User], {
        let cases: [(&[&str], &str); 5] = [
            (&["--loopback"], "--loopback: needs a net namespace that is new or joined"),
            (&["--sysctl", "kernel.panic=1"], "--sysctl kernel.panic=1: belongs to no namespace"),
            (&["--sysctl", "x"], "'--sysctl <NAME=VALUE>': not of the form"),
            (
                &["--time-offset", "boottime=1"],
                "--time-offset boottime=1: needs a new time namespace: add --time",
            ),
            (&["--time-offset", "boot=1"], "neither monotonic nor boottime"),
        ];
        for (options, expected) in cases {
            let line = error_line(&[&["execute"], options, &["true"]].concat());
            assert!(line.contains(expected), "{line}");
        }
    });
}

#[test]
fn the_program_leads_a_new_session() {
    run_space_as!([Root, User], {
        let session =
            "read -r pid rest < /proc/self/stat; set -- $rest; test $pid = $5 && echo leads";
        assert_eq!(script(&["--new-session"], session), "leads\n");
    });
}

#[test]
fn names_and_propagation_of_namespaces_are_set() {
    run_space_as!([Root, User, Nested], {
        let name = ["-Uuz", "--domainname", "lab"];
        assert_eq!(script(&name, "cat /proc/sys/kernel/domainname"), "lab\n");
        let mounts = "grep -c ' shared:' /proc/self/mountinfo || true";
        assert_eq!(script(&["-Umz"], mounts), "0\n");
        assert_ne!(script(&["-Umz", "--propagation", "shared"], mounts), "0\n");
        let line = error_line(&["execute", "--propagation", "slave", "true"]);
        assert!(line.starts_with("space: --propagation slave: needs"), "{line}");
        let line = error_line(&["execute", "--domainname", "lab", "true"]);
        assert!(line.starts_with("space: --domainname lab: needs"), "{line}");
    });
}

#[test]
fn groups_are_set() {
    run_space_as!([Root], {
        assert_eq!(script(&["--groups", "5,6"], "id -G"), "0 5 6\n");
        assert_eq!(script(&["--clear-groups"], "id -G"), "0\n");
        let both = ["execute", "--clear-groups", "--groups", "5", "true"];
        assert!(error_line(&both).contains("--groups"));
    });
}

/// The machine may have no security module with labels.
#[test]
fn a_label_is_set_or_refused() {
    run_space_as!([Root], {
        let words = ["execute", "--exec-label", "no-such-label", "true"];
        assert_eq!(status(&words), 125);
        assert!(error_line(&words).contains("label"), "{}", error_line(&words));
    });
}

/// The cgroup of a program that a file of the directory does not name.
#[test]
fn the_program_starts_in_a_cgroup() {
    run_space_as!([Root], {
        let Some(cgroup) = cgroup::OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup of version 2 can be made");
        };
        let name = ns_testbed::own_name();
        for options in [[].as_slice(), &["-pUz"], &["-pUz", "--init"]] {
            let options = [&["--cgroup-dir", cgroup.path()], options].concat();
            let line = script(&options, "grep ^0: /proc/self/cgroup");
            assert!(line.trim().ends_with(&format!("/{name}")), "{options:?}: {line}");
        }
        // Its own namespace shows it as the root.
        let options = ["-UCz", "--cgroup-dir", cgroup.path()];
        assert_eq!(script(&options, "grep ^0: /proc/self/cgroup"), "0::/\n");
    });
}
