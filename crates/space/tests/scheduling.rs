//! The scheduler, the CPUs, the I/O priority and the personality of the program.
#![allow(unsafe_code, reason = "ioprio_get(2)")]

#[macro_use]
mod common;

use std::io::Read;
use std::process::Command;

use common::{command, error_line, status, stdout};

/// Fields of proc_pid_stat(5) of the program.
fn stat(options: &[&str], fields: [usize; 2]) -> [i64; 2] {
    let stat = stdout(&[&["execute"], options, &["cat", "/proc/self/stat"]].concat());
    let rest: Vec<_> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    // The first of them is field 3.
    fields.map(|field| rest[field - 3].parse().expect("a number"))
}

/// The real-time priority and the policy.
fn policy(options: &[&str]) -> [i64; 2] {
    stat(options, [40, 41])
}

#[test]
fn the_policy_is_set() {
    run_space_as!([Root, User, Nested], {
        assert_eq!(policy(&["--scheduler", "batch"]), [0, 3]);
        assert_eq!(policy(&["--scheduler", "idle"]), [0, 5]);
        assert_eq!(policy(&["--scheduler=other", "-pUz", "--init"]), [0, 0]);
    });
}

#[test]
fn a_real_time_policy_is_set() {
    run_space_as!([Root], {
        assert_eq!(policy(&["--scheduler", "fifo:5"]), [5, 1]);
        assert_eq!(policy(&["--scheduler", "rr:99"]), [99, 2]);
        let deadline = "deadline:1000000:10000000:20000000";
        assert_eq!(policy(&["--scheduler", deadline, "--reset-on-fork"])[1], 6);
        let script = ["sh", "-c", "cat /proc/self/stat; true"];
        let words = ["execute", "--scheduler", "fifo:5", "--reset-on-fork"];
        let child = stdout(&[words.as_slice(), &script].concat());
        let fields: Vec<_> = child.rsplit(')').next().expect("a name").split_whitespace().collect();
        assert_eq!(fields[41 - 3], "0", "the child has another policy");
    });
}

#[test]
fn the_cpus_are_limited() {
    run_space_as!([Root, User, Nested], {
        let allowed = |options: &[&str]| {
            let show = ["sed", "-n", "s/^Cpus_allowed_list:.//p", "/proc/self/status"];
            stdout(&[&["execute"], options, &show].concat()).trim().to_owned()
        };
        let own = allowed(&[]);
        let first = own.split(['-', ',']).next().expect("a CPU");
        assert_eq!(allowed(&["--cpu-list", first]), first);
        assert_eq!(allowed(&["--cpu-list", "0-8191"]), own);
    });
}

/// Returns the I/O priority of the program.
fn io_priority(options: &[&str]) -> libc::c_long {
    let words = [&["execute"], options, &["sh", "-c", "echo; exec cat"]].concat();
    let mut command = command(&words);
    let mut space = command.stdin(std::process::Stdio::piped()).spawn().expect("run");
    space.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");
    let children = format!("/proc/{0}/task/{0}/children", space.id());
    let program = std::fs::read_to_string(children).expect("read");
    let program: libc::c_long = program.trim().parse().expect("a process ID");
    // `IOPRIO_WHO_PROCESS` of include/uapi/linux/ioprio.h.
    // SAFETY: the call takes no pointer.
    let priority = unsafe { libc::syscall(libc::SYS_ioprio_get, 1, program) };
    drop(space.stdin.take());
    space.wait().expect("wait");
    priority
}

#[test]
fn the_io_priority_is_set() {
    run_space_as!([Root, User, Nested], {
        // The class is in the bits above 13.
        assert_eq!(io_priority(&["--ionice", "idle"]) >> 13, 3);
        assert_eq!(io_priority(&["--ionice", "best-effort:6"]), 2 << 13 | 6);
    });
}

#[test]
fn the_personality_is_set() {
    run_space_as!([Root, User], {
        let flags = "addr-no-randomize,linux32";
        let words = ["execute", "--personality", flags, "cat", "/proc/self/personality"];
        assert_eq!(stdout(&words), "00040008\n");
    });
}

#[test]
fn a_refused_option_is_named() {
    run_space_as!([User], {
        let cases: [(&[&str], &str); 8] = [
            (&["--scheduler", "fast"], "'--scheduler <POLICY>': not other, batch"),
            (&["--scheduler", "fifo:100"], "\"100\" is not a number from 1 to 99"),
            (&["--scheduler", "deadline:2000:1000:3000"], "--scheduler deadline:2000:1000:3000: "),
            (&["--scheduler", "fifo:1"], "--scheduler fifo:1: EPERM"),
            (&["--cpu-list", "4-2"], "'--cpu-list <CPUS>': \"4-2\" is not a range"),
            (&["--ionice", "idle:1"], "'--ionice <CLASS>': not idle"),
            (&["--personality", "fast"], "'--personality <FLAG>': not one of linux32"),
            (&["--reset-on-fork"], "--scheduler <POLICY>"),
        ];
        for (options, expected) in cases {
            let words = [&["execute"], options, &["true"]].concat();
            assert_eq!(status(&words), 125);
            let line = error_line(&words);
            assert!(line.contains(expected), "{line}");
        }
        let line = error_line(&["execute", "--cpu-list", "8191", "true"]);
        assert!(line.contains("--cpu-list 8191: EINVAL ("), "{line}");
    });
}

/// A line of another command that is not installed is left out.
#[test]
fn the_words_are_those_of_other_commands() {
    run_space_as!([Root], {
        let show =
            "cat /proc/self/stat; cat /proc/self/personality; grep Cpus /proc/self/status; id";
        let cases: [(&[&str], &[&str]); 6] = [
            (&["--scheduler", "fifo:7"], &["chrt", "--fifo", "7"]),
            (&["--scheduler", "batch"], &["chrt", "--batch", "0"]),
            (&["--cpu-list", "0-1:2"], &["taskset", "--cpu-list", "0-1:2"]),
            (&["--personality", "3gb"], &["setarch", "--3gb"]),
            (&["--groups", "5,6"], &["setpriv", "--groups", "5,6"]),
            (&["--clear-groups"], &["setpriv", "--clear-groups"]),
        ];
        for (options, other) in cases {
            let program = ["sh", "-c", show];
            let words = [other, &program].concat();
            let Ok(expected) = Command::new(words[0]).args(&words[1..]).output() else { continue };
            let found = stdout(&[&["execute"], options, &program].concat());
            let expected = String::from_utf8(expected.stdout).expect("UTF-8");
            // Process IDs and times differ: of the first line, the priority and the policy are compared.
            let shown = |text: &str| {
                let (stat, rest) = text.split_once('\n').expect("lines");
                let fields: Vec<_> = stat.rsplit(' ').map(str::to_owned).collect();
                // Counted from the end, field 52.
                ([fields[52 - 40].clone(), fields[52 - 41].clone()], rest.to_owned())
            };
            assert_eq!(shown(&found), shown(&expected), "{options:?} {other:?}");
        }
    });
}
