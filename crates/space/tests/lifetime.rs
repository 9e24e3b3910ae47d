//! Time limits, namespaces that outlive the program, and namespaces of files.
#[macro_use]
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{SPACE, command, error_line, space, status, stdout};
use ns_testbed::LONG;

/// A directory that is removed at the end of the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("space-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("make a directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a process exists and is not a zombie.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z") && !stat.contains(") X"))
}

/// Starts a daemon that ignores SIGTERM, which starts the next one; each prints a line.
const DAEMONS: &str = r#"
case $# in 0) ;; *) next=$1; shift; (setsid sh -c "trap '' TERM; $0" "$0" "$@" &) ;; esac
echo line $next; exec sleep 1000
"#;

#[test]
fn an_expired_time_limit_leaves_no_process() {
    run_space_as!([Root, User, Nested], {
        for options in [[].as_slice(), &["-pUz"], &["-pUz", "--init"]] {
            let words = [&["execute", "--timeout", "1"], options, &["sh", "-c", DAEMONS, DAEMONS]];
            let mut command = command(&[&words.concat()[..], &["1", "2", "3"]].concat());
            let mut space = command.spawn().expect("run");
            let mut lines = String::new();
            let mut output = space.stdout.take().expect("piped");
            // Each process has the pipe open until it exits.
            std::io::Read::read_to_string(&mut output, &mut lines).expect("read");
            let mut lines: Vec<_> = lines.lines().collect();
            lines.sort_unstable();
            assert_eq!(lines, ["line", "line 1", "line 2", "line 3"], "{options:?}");
            assert_eq!(space.wait().expect("wait").code(), Some(124));
        }
    });
}

/// The shell that replaces itself with `space` has a child, which has a child.
#[test]
fn a_time_limit_spares_earlier_children() {
    run_space_as!([Root, User], {
        let script = "(sleep 1000 & echo $!; wait) & sleep 0.2; exec \"$0\" \"$@\"";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, SPACE, "execute", "--timeout", "0.5", "sleep", "1000"]);
        let mut shell = shell.stdout(std::process::Stdio::piped()).spawn().expect("run");
        assert_eq!(shell.wait().expect("wait").code(), Some(124));
        let mut line = String::new();
        let output = std::io::BufReader::new(shell.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut { output }, &mut line).expect("read");
        assert!(is_running(&line), "{line:?}");
        let pid = rustix::process::Pid::from_raw(line.trim().parse().expect("a number"));
        rustix::process::kill_process(pid.expect("positive"), rustix::process::Signal::KILL)
            .expect("kill");
    });
}

#[test]
fn a_time_limit_without_proc_is_refused() {
    run_space_as!([Root, User], {
        let words = ["execute", "--timeout", "9", "--host-proc", "/tmp"];
        let line = error_line(&[words.as_slice(), &["true"]].concat());
        assert_eq!(line, "space: --timeout: /tmp: proc is not mounted");
        assert_eq!(status(&[words.as_slice(), &["true"]].concat()), 125);
    });
}

/// Without a time limit orphans stay, as with other commands.
#[test]
fn orphans_outlive_a_program_that_exits() {
    run_space_as!([Root, User], {
        let script = "(sleep 1000 >/dev/null 2>&1 & echo $!)";
        for options in [[].as_slice(), &["--timeout", "1000"]] {
            let pid = stdout(&[&["execute"], options, &["sh", "-c", script]].concat());
            assert!(is_running(&pid));
            let pid = rustix::process::Pid::from_raw(pid.trim().parse().expect("a number"));
            rustix::process::kill_process(pid.expect("positive"), rustix::process::Signal::KILL)
                .expect("kill");
        }
    });
}

#[test]
fn a_kept_namespace_outlives_the_program_and_is_joined_by_its_file() {
    run_space_as!([Root], {
        let directory = Directory::new("kept");
        let path = |name: &str| directory.0.join(name).to_str().expect("UTF-8").to_owned();
        let (uts, net) = (path("uts"), path("net"));
        let keep = [format!("uts={uts}"), format!("net={net}")];
        let words = ["execute", "-un", "--keep", &keep[0], "--keep", &keep[1], "--hostname", "box"];
        let link = ["readlink", "/proc/self/ns/net"];
        let inside = stdout(&[words.as_slice(), &link].concat());
        let (by_uts, by_net) = (format!("--uts={uts}"), format!("--net={net}"));
        assert_eq!(stdout(&["inject", &by_uts, "uname", "-n"]), "box\n");
        assert_eq!(stdout(&[["inject", &by_net, &by_uts].as_slice(), &link].concat()), inside);
        assert_eq!(stdout(&["-v", "enter", &by_uts, "--", "uname", "-n"]), "box\n");
        // A start that fails leaves no file.
        let other = format!("ipc={}", path("ipc"));
        assert_eq!(status(&["execute", "-i", "--keep", &other, "no-such-program"]), 127);
        assert!(!Path::new(&path("ipc")).exists());
        // A file that exists stays.
        let line = error_line(&["execute", "-u", "--keep", &keep[0], "true"]);
        assert!(line.contains(&uts) && line.contains("EEXIST"), "{line}");
        assert_eq!(stdout(&["inject", &by_uts, "uname", "-n"]), "box\n");
        for file in [uts, net] {
            ns_process::unbind_namespace(file).expect("unbind");
        }
    });
}

/// A kept time namespace has the offsets of the program.
#[test]
fn a_kept_time_namespace_has_its_offsets() {
    run_space_as!([Root], {
        let directory = Directory::new("kept-time");
        let file = directory.0.join("time").to_str().expect("UTF-8").to_owned();
        let keep = format!("time={file}");
        let words = ["execute", "-T", "--time-offset", "boottime=1000000", "--keep", &keep];
        let read = ["cat", "/proc/self/timens_offsets"];
        let inside = stdout(&[words.as_slice(), &read].concat());
        assert!(inside.contains("1000000"), "{inside}");
        assert_eq!(
            stdout(&[["inject", &format!("--time={file}")].as_slice(), &read].concat()),
            inside
        );
        ns_process::unbind_namespace(file).expect("unbind");
    });
}

/// Without proc, `--all` makes no program run in the caller's namespaces.
#[test]
fn all_namespaces_are_new_without_proc() {
    run_space_as!([Root], {
        let directory = Directory::new("no-proc");
        let copy = directory.0.join("space");
        fs::copy(SPACE, &copy).expect("copy");
        let script = format!(
            "mount --make-rprivate /; mount -t tmpfs none /proc; \
             {} execute --all -- hostname changed; hostname",
            copy.display()
        );
        let before = stdout(&["execute", "hostname"]);
        let after = stdout(&["execute", "-mu", "sh", "-c", &script]);
        assert_eq!(after.lines().last(), before.lines().last());
    });
}

#[test]
fn a_refused_keep_names_the_option() {
    run_space_as!([Root, User], {
        let cases: [(&[&str], &str); 3] = [
            (&["--keep", "net=/x"], "--keep: needs a new net namespace: add --net"),
            (&["--keep", "nat=/x"], "'--keep <KIND=FILE>'"),
            (&["--keep", "net="], "the file is missing"),
        ];
        for (options, expected) in cases {
            let line = error_line(&[&["execute"], options, &["true"]].concat());
            assert!(line.contains(expected), "{line}");
        }
    });
}

#[test]
fn inject_needs_no_process_if_files_are_given() {
    run_space_as!([Root, User, Nested], {
        let own = "/proc/self/ns/uts";
        let file = format!("--uts={own}");
        let line = error_line(&["inject", "uname", "sh"]);
        assert!(line.contains("PID: \"uname\" is not a process ID"), "{line}");
        let line = error_line(&["inject", &file, "-n", "ip", "link"]);
        assert!(line.contains("--net needs a PID or a file"), "{line}");
        // The file selects the caller's own namespace, which only root may join again.
        let output = space(&["inject", &file, "--json", "echo", "--json", "-n"]);
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!text.contains("process ID"), "{text}");
        assert!(output.stdout.is_empty() || output.stdout == b"--json -n\n");
    });
}

#[test]
fn inject_takes_properties_of_the_process() {
    run_space_as!([Root], {
        let words =
            ["execute", "-Uz", "--drop-cap", "net_raw", "--workdir", "/usr", "sleep", "1000"];
        let mut target = command(&words).spawn().expect("run");
        let children = format!("/proc/{0}/task/{0}/children", target.id());
        let deadline = Instant::now() + LONG;
        let pid = loop {
            let pid = fs::read_to_string(&children).expect("read").trim().to_owned();
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name == "sleep\n" {
                break pid;
            }
            assert!(Instant::now() < deadline, "no program");
            std::thread::sleep(Duration::from_millis(5));
        };
        let bounding = ["sed", "-n", "s/^CapBnd:.//p", "/proc/self/status"];
        let options = ["inject", "--match-privileges", "--join-cgroup", &pid];
        let mask = stdout(&[options.as_slice(), &bounding].concat());
        let mask = u64::from_str_radix(mask.trim(), 16).expect("a mask");
        assert_eq!(mask & 1 << 13, 0, "net_raw");
        assert_eq!(stdout(&["inject", "--follow-root", &pid, "pwd"]), "/usr\n");
        target.kill().and_then(|()| target.wait()).expect("kill");
    });
}
