//! Options that have the same result as those of other commands; `jobs.rs` has the everyday lines.
//!
//! A line of a command that is not installed is left out.
#[macro_use]
mod common;

use std::process::{Command, Output, Stdio};

use common::space;

/// Words that are split at spaces; a word in brackets contains spaces.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some(found) => found,
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// Runs another command; `None` if it is not installed.
fn other(line: &str) -> Option<Output> {
    let words = words(line);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).output().ok()
}

/// Compares the output and the status of both lines.
fn compare(jobs: &[(&str, &str)]) {
    for (own, line) in jobs {
        let found = space(&words(own));
        let Some(expected) = other(line) else { continue };
        let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text(&found), text(&expected), "{own}: {found:?}; {line}: {expected:?}");
        assert_eq!(found.status.code(), expected.status.code(), "{own}; {line}");
    }
}

#[test]
fn a_user_namespace() {
    run_space_as!([Root, User, Nested], {
        let maps = "[cat /proc/self/uid_map /proc/self/gid_map]";
        compare(&[
            (&format!("execute -Uz sh -c {maps}"), &format!("unshare -Ur sh -c {maps}")),
            ("execute -U --uid 5 --gid 6 id -u", "unshare -U --map-user=5 --map-group=6 id -u"),
            ("execute -U --uid 5 --gid 6 id -g", "unshare -U --map-user=5 --map-group=6 id -g"),
            ("execute -U id -u", "unshare -U id -u"),
        ]);
    });
}

#[test]
fn other_namespaces() {
    run_space_as!([Root, User, Nested], {
        compare(&[
            (
                "execute -Upmz --mount-proc sh -c [echo $$]",
                "unshare -Urpf --mount-proc sh -c [echo $$]",
            ),
            (
                "execute -Upmz --mount-proc sh -c [ls /proc | grep -c ^1]",
                "unshare -Urpf --mount-proc sh -c [ls /proc | grep -c ^1]",
            ),
            (
                "execute -UTz --time-offset boottime=100000 cat /proc/self/timens_offsets",
                "unshare -UrT --boottime 100000 --fork cat /proc/self/timens_offsets",
            ),
            (
                "execute -Umz --tmpfs /mnt sh -c [ls /mnt; touch /mnt/x; ls /mnt]",
                "unshare -Urm sh -c [mount -t tmpfs none /mnt; ls /mnt; touch /mnt/x; ls /mnt]",
            ),
            ("chroot --no-mnt -z / id -u", "unshare -Ur chroot / id -u"),
        ]);
    });
}

#[test]
fn limits_and_environment() {
    run_space_as!([Root, User, Nested], {
        compare(&[
            ("execute --nice 5 nice", "nice -n 5 nice"),
            ("execute --unset-env HOME sh -c [echo $HOME.]", "env -u HOME sh -c [echo $HOME.]"),
            ("execute --workdir /usr pwd", "env -C /usr pwd"),
            (
                "execute --no-new-privs grep NoNewPrivs /proc/self/status",
                "setpriv --no-new-privs grep NoNewPrivs /proc/self/status",
            ),
            ("execute no-such-program", "env no-such-program"),
            ("execute /etc", "env /etc"),
        ]);
    });
}

#[test]
fn another_user() {
    run_space_as!([Root], {
        compare(&[
            ("execute --uid 7 --gid 8 id", "setpriv --reuid 7 --regid 8 --clear-groups id"),
            (
                "execute --uid 7 --gid 8 --keep-cap chown grep CapEff /proc/self/status",
                "setpriv --reuid 7 --regid 8 --clear-groups --inh-caps +chown --ambient-caps +chown grep CapEff /proc/self/status",
            ),
        ]);
    });
}

#[test]
fn the_namespaces_of_a_process() {
    run_space_as!([Root, User], {
        let mut target = Command::new(common::SPACE);
        let target = target.args(["execute", "-Uuz", "--hostname", "box", "cat"]);
        let mut target = target.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("run");
        // The program answers, so it is in its namespaces.
        std::io::Write::write_all(target.stdin.as_mut().expect("piped"), b"x").expect("write");
        std::io::Read::read_exact(target.stdout.as_mut().expect("piped"), &mut [0]).expect("read");
        let children = format!("/proc/{0}/task/{0}/children", target.id());
        let children = std::fs::read_to_string(children).expect("read the children");
        let pid = children.trim();
        compare(&[(
            &format!("inject -U --uts=/proc/{pid}/ns/uts {pid} uname -n"),
            &format!(
                "nsenter -t {pid} -U --uts=/proc/{pid}/ns/uts --preserve-credentials uname -n"
            ),
        )]);
        drop(target.stdin.take());
        target.wait().expect("wait");
    });
}

#[test]
fn a_network_namespace_of_a_file() {
    run_space_as!([Root], {
        let files = ["own", "other"].map(|name| {
            let path = format!("space-{name}-{}", std::process::id());
            std::env::temp_dir().join(path).to_str().expect("UTF-8").to_owned()
        });
        let [own, peer] = &files;
        std::fs::write(peer, "").expect("write");
        compare(&[
            (&format!("execute -n --keep net={own} true"), &format!("unshare --net={peer} true")),
            (
                &format!("inject --net={own} wc -l /proc/net/dev"),
                &format!("nsenter --net={peer} wc -l /proc/net/dev"),
            ),
        ]);
        for file in files {
            ns_process::unbind_namespace(file).expect("unbind");
        }
    });
}
