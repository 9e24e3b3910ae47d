//! Runs the body of a test in a new process, once for each role.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::geteuid;

use crate::ended::Ended;
use crate::leftovers::Leftovers;
use crate::role::{self, Role};
use crate::scratch::Scratch;
use crate::{become_role, program, skip};

/// The limit for a test. A test that hangs is killed with its process group.
const DEADLINE: Duration = Duration::from_mins(5);

/// The time for other processes of the test to exit.
const GRACE: Duration = Duration::from_secs(30);

/// Directories that every role may search.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The last line of the inner process. Without it a name that matches no test would pass as success.
const DONE: &str = "ns-testbed: body done";

/// Runs `body` once in each of `roles`; [`run_as!`](crate::run_as!) calls this.
///
/// `path` is the path of the body: the crate, the modules, the test, and the name of the body.
///
/// # Panics
/// The body fails in a role, exceeds its time or leaves something behind.
pub fn run(path: &str, roles: &[Role], body: fn()) {
    if role::current().is_some() {
        let before = Leftovers::snapshot();
        body();
        before.assert_unchanged();
        println!("{DONE}");
        return;
    }
    let name = path.strip_suffix("::body").unwrap_or(path);
    let name = name.split_once("::").map_or(name, |(_crate, rest)| rest);
    let mounts = Leftovers::mountinfo();
    for &role in roles {
        if geteuid().is_root() || role != Role::Root {
            run_in(name, role);
        } else {
            skip::accept(name, role, "needs root to become this role");
        }
    }
    assert_eq!(mounts, Leftovers::mountinfo(), "{name} changed the mounts of the host");
}

fn run_in(name: &str, role: Role) {
    let scratch = Scratch::new();
    let child = match start(name, role, &scratch) {
        Err(error) if role == Role::Nested && forbids_user_namespaces(&error) => {
            let reason = format!("the machine allows no user namespace: {error}");
            return skip::accept(name, role, &reason);
        }
        started => started
            .unwrap_or_else(|error| panic!("{name} could not start as {}: {error}", role.name())),
    };
    let ended = Ended::within(DEADLINE, GRACE, child);
    if let Some(reason) = skip::reason(&ended.stdout) {
        return skip::accept(name, role, reason);
    }
    let status = ended.status;
    assert!(
        status.success() && ended.stdout.contains(DONE),
        "{name} as {}: {}{}\n{}\n{}",
        role.name(),
        if ended.is_late { "hung, killed by " } else { "" },
        status.signal().map_or_else(|| status.to_string(), |n| format!("signal {n}")),
        ended.stdout,
        ended.stderr,
    );
    assert!(!ended.is_outlived, "{name} as {}: a process outlived it", role.name());
    scratch.finish();
    show(&ended.stdout);
}

fn start(name: &str, role: Role, scratch: &Scratch) -> io::Result<Child> {
    let binary = File::open("/proc/self/exe").expect("open the test binary");
    let binary = program::for_all(binary).expect("copy the test binary");
    let replaced = ["PATH", "RUST_TEST_THREADS", "TMPDIR"];
    let mut env: Vec<(OsString, OsString)> =
        env::vars_os().filter(|(key, _)| replaced.iter().all(|name| key != name)).collect();
    env.push(("PATH".into(), PATH.into()));
    env.push(("TMPDIR".into(), scratch.path().into()));
    env.push((role::VARIABLE.into(), role.name().into()));
    let args = [name, "--exact", "--nocapture", "--include-ignored"];
    let mut command = become_role::command(role, binary, &args, &env);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    loop {
        match command.spawn() {
            // A child that another test has just forked has the copy still open for writing.
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(1));
            }
            result => return result,
        }
    }
}

/// Whether unshare(2) or a map failed because the machine does not allow user namespaces.
fn forbids_user_namespaces(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::PERM | Errno::NOSPC))
}

/// Prints the figures of a body again, so that they are in the log of a passed test.
fn show(stdout: &str) {
    for line in stdout.lines().filter(|line| line.starts_with("shown: ")) {
        println!("{line}");
    }
}
