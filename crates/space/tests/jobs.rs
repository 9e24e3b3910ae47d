//! The jobs of space-recipes(7): each line of `space` has the result in the list, and so has the line of the command
//! that it replaces, where that command is installed.
#[macro_use]
mod common;
#[path = "../recipes/mod.rs"]
mod recipes;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output, Stdio};

use common::place::Place;
use ns_testbed::{Role, role};
use recipes::{Job, SECTIONS};

/// Commands that a machine may lack.
const COMMANDS: [&str; 8] =
    ["bwrap", "ip", "lsns", "nsenter", "prlimit", "setsid", "timeout", "unshare"];

/// The result of a line: its output without the alignment, and its exit status as in a shell.
fn result(output: &Output) -> (Vec<String>, i32) {
    let text = String::from_utf8_lossy(&output.stdout);
    let words = text.split_whitespace().map(str::to_owned).collect();
    let status = output.status;
    let signal = || 128 + status.signal().unwrap_or_default();
    (words, status.code().unwrap_or_else(signal))
}

/// Whether the job needs IDs that are delegated to the caller.
fn needs_delegation(job: &Job) -> bool {
    job.line.contains("--map-auto")
}

/// Both lines of jobs, each in a place of its own.
struct Jobs {
    own: Place,
    other: Place,
    missing: BTreeSet<&'static str>,
}

impl Jobs {
    fn new() -> Self {
        Self { own: Place::new("own"), other: Place::new("other"), missing: BTreeSet::new() }
    }

    fn set(&mut self, variable: &'static str, value: &str) {
        self.own.set(variable, value);
        self.other.set(variable, value);
    }

    /// Runs those jobs of a section that this role can do.
    fn run(&mut self, title: &str) {
        self.run_if(title, |_| true);
    }

    /// Runs those jobs of a section that this role and the machine can do.
    fn run_if(&mut self, title: &str, is_possible: impl Fn(&Job) -> bool) {
        let section = SECTIONS.iter().find(|section| section.title == title).expect("a section");
        let jobs = section.jobs.iter().filter(|job| !needs_delegation(job) && is_possible(job));
        for job in jobs.filter(|job| !job.needs_root || role() == Role::Root) {
            self.compare(job, "sh");
        }
    }

    /// Compares the results of both lines, which this shell runs, with the one in the list.
    fn compare(&mut self, job: &Job, shell: &str) {
        let lines = |line: &str| match job.shown_by {
            Some(after) => format!("{line}; {after}"),
            None => line.to_owned(),
        };
        let prints = self.own.run_by(shell, &format!("cat <<END\n{}\nEND", job.prints));
        let expected = (result(&prints).0, job.status);
        let own = self.own.run_by(shell, &lines(job.line));
        assert_eq!(result(&own), expected, "{}: {own:?}", job.line);
        let missing = COMMANDS.into_iter().filter(|command| self.lacks(job, command));
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() {
            let mut other = self.other.run_by(shell, &lines(job.other));
            // lsns(8) fails if any process exits while it reads /proc.
            for _ in 0..100 {
                if !job.other.contains("lsns") || other.status.success() {
                    break;
                }
                other = self.other.run_by(shell, &lines(job.other));
            }
            assert_eq!(result(&other), expected, "{}: {other:?}", job.other);
        }
        self.missing.extend(missing);
    }

    /// Whether the other line needs a command that is not installed.
    fn lacks(&self, job: &Job, command: &str) -> bool {
        let mut words = job.other.split([' ', '\'', '(']);
        words.any(|word| word == command)
            && !self.other.run(&format!("command -v {command}")).status.success()
    }
}

/// Runs a block in both roles, and reports what the machine lacks.
macro_rules! run_jobs {
    ([$($role:ident),+], |$jobs:ident| $body:block) => {
        run_space_as!([$($role),+], {
            let mut $jobs = Jobs::new();
            $body
            let Jobs { missing, .. } = $jobs;
            if !missing.is_empty() {
                ns_testbed::skip!("missing here: {missing:?}");
            }
        });
    };
}

#[test]
fn users_and_groups() {
    run_jobs!([Root, User], |jobs| {
        jobs.run("Users and groups");
    });
}

/// As root, because the test hides the files with the delegations; a user has the same line.
#[test]
fn delegated_ids() {
    run_jobs!([Root], |jobs| {
        let user = ns_testbed::USER;
        let before = format!(
            "set -e; for file in subuid subgid; do
                printf '%s:100000:65536\\n' root tester >$file; mount --bind $file /etc/$file
            done
            (cat /etc/passwd; echo tester:x:{user}:{user}::/:/bin/sh) >passwd
            mount --bind passwd /etc/passwd"
        );
        assert_eq!(jobs.own.run(&before).status.code(), Some(0));
        let as_user = format!("setpriv --reuid {user} --regid {user} --clear-groups sh");
        let all = SECTIONS.iter().flat_map(|section| section.jobs);
        for job in all.filter(|job| needs_delegation(job)) {
            jobs.compare(job, "sh");
            jobs.compare(job, &as_user);
        }
        let after = jobs.own.run("umount /etc/subuid /etc/subgid /etc/passwd");
        assert_eq!(after.status.code(), Some(0));
    });
}

#[test]
fn new_namespaces() {
    run_jobs!([Root, User], |jobs| {
        jobs.run("New namespaces");
    });
}

/// Starts a program in all namespaces, and returns the process of `space` and the process ID of the program.
fn target() -> (Child, String) {
    let words = ["execute", "--all", "--id", "--hostname", "box", "--workdir", "/usr", "cat"];
    let mut target = common::command(&words).stdin(Stdio::piped()).spawn().expect("run");
    // The program answers, so it is in its namespaces.
    target.stdin.as_mut().expect("piped").write_all(b"x").expect("write");
    target.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");
    let children = format!("/proc/{0}/task/{0}/children", target.id());
    let pid = fs::read_to_string(children).expect("read").trim().to_owned();
    (target, pid)
}

#[test]
fn existing_namespaces() {
    run_jobs!([Root, User], |jobs| {
        let (mut target, pid) = target();
        jobs.set("PID", &pid);
        let before = "mount -t tmpfs none /run; mkdir /run/netns
            space execute --net --keep net=/run/netns/lab true";
        if role() == Role::Root {
            assert_eq!(jobs.own.run(before).status.code(), Some(0));
        }
        jobs.run("Existing namespaces");
        if role() == Role::Root {
            let after = "umount /run/netns/lab && umount /run && umount lab";
            assert_eq!(jobs.own.run(after).status.code(), Some(0));
            assert_eq!(jobs.other.run("umount lab").status.code(), Some(0));
        }
        drop(target.stdin.take());
        target.wait().expect("wait");
    });
}

#[test]
fn files() {
    run_jobs!([Root, User], |jobs| {
        jobs.run("Files");
    });
}

/// Makes a cgroup, and returns its directory.
fn cgroup() -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("read");
    let line = mounts.lines().find(|line| line.contains(" cgroup2 "))?;
    let path = format!("{}/{}", line.split(' ').nth(1)?, ns_testbed::own_name());
    fs::create_dir(&path).ok().map(|()| path)
}

#[test]
fn the_program() {
    run_jobs!([Root, User], |jobs| {
        let cgroup = if role() == Role::Root { cgroup() } else { None };
        if role() == Role::Root && cgroup.is_none() {
            jobs.missing.insert("a cgroup2 file system that may be written");
        }
        jobs.set("CGROUP", cgroup.as_deref().unwrap_or_default());
        jobs.run_if("The program", |job| cgroup.is_some() || !job.line.contains("$CGROUP"));
        if let Some(path) = cgroup {
            fs::remove_dir(path).expect("remove the cgroup");
        }
    });
}

#[test]
fn the_page_has_each_line() {
    let page = recipes::page().replace("\\-", "-").replace("\\*(Aq", "'");
    for job in SECTIONS.iter().flat_map(|section| section.jobs) {
        for text in [job.title, job.line, job.other] {
            assert!(page.contains(text), "{text}\n{page}");
        }
    }
}
