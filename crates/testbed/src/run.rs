//! Runs a test body in a process of its own, once a role.

use std::env;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process_group};

use crate::leftovers::Leftovers;
use crate::role::{self, Role};
use crate::{become_role, skip};

/// No test may take longer; one that hangs is killed with its process group.
const DEADLINE: Duration = Duration::from_mins(5);

/// Folders that every role may search.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the inner process prints last: a name that matched no test must not pass as success.
const DONE: &str = "ns-testbed: body done";

/// Runs `body` once in each of `roles`; [`run_as!`](crate::run_as!) calls this.
///
/// `path` is that of the body: the crate, modules, the test, and the body's own name.
///
/// # Panics
/// When the body fails in a role, outlives the deadline or leaves something behind.
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
        if geteuid().is_root() || role == Role::User {
            run_in(name, role);
        } else {
            skip::settle(name, role, "needs root to become this role");
        }
    }
    assert_eq!(mounts, Leftovers::mountinfo(), "{name} changed the mounts of the host");
}

fn run_in(name: &str, role: Role) {
    let binary = File::open("/proc/self/exe").expect("open the test binary");
    let own = ["PATH", "RUST_TEST_THREADS"];
    let mut env: Vec<_> =
        env::vars_os().filter(|(key, _)| own.iter().all(|own| key != own)).collect();
    env.push(("PATH".into(), PATH.into()));
    env.push((role::VARIABLE.into(), role.name().into()));
    let args = [name, "--exact", "--nocapture", "--include-ignored"];
    let child = become_role::command(role, binary, &args, &env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name} could not start as {}: {error}", role.name()));
    let output = wait(child, name, role);
    let stdout = String::from_utf8_lossy(&output.stdout);
    if let Some(reason) = skip::reason(&stdout) {
        return skip::settle(name, role, reason);
    }
    assert!(
        output.status.success() && stdout.contains(DONE),
        "{name} as {}: {}\n{stdout}\n{}",
        role.name(),
        output.status.signal().map_or_else(|| output.status.to_string(), |n| format!("signal {n}")),
        String::from_utf8_lossy(&output.stderr),
    );
    show(&stdout);
}

fn wait(child: Child, name: &str, role: Role) -> Output {
    let group = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || sender.send(child.wait_with_output()));
    let received = receiver.recv_timeout(DEADLINE);
    let Ok(output) = received else {
        // The waiter reaps the leader only after the last holder of its output is gone, so the
        // group's number is still its own.
        let killed = kill_process_group(group, Signal::KILL);
        panic!("{name} as {} hung; its process group was killed ({killed:?})", role.name());
    };
    waiter.join().expect("the waiting thread").expect("the receiver is here");
    output.expect("wait for the test process")
}

/// Repeats the figures a body printed, so that they reach the log of a pass.
fn show(stdout: &str) {
    for line in stdout.lines().filter(|line| line.starts_with("shown: ")) {
        println!("{line}");
    }
}
