//! A runtime that is killed at any moment leaves nothing that `delete --force` does not remove.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, run_oci_as};

/// `full` in a long run, else `brief`.
fn rounds(full: usize, brief: usize) -> usize {
    if std::env::var_os("NS_STRESS").is_some() { full } else { brief }
}

/// A number from 0 to `below`, different at each call.
fn pick(below: u64) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.finish() % below
}

/// Runs a command line, and kills the runtime at a random moment of the time that it usually takes.
fn run_and_kill(runtime: &Runtime, words: &[&str], usual: Duration) {
    let mut command = runtime.command(words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start");
    let micros = u64::try_from(usual.as_micros()).expect("short");
    thread::sleep(Duration::from_micros(pick(micros + micros / 4)));
    child.kill().expect("kill");
    child.wait().expect("wait");
}

/// Reaps all children: whatever a killed runtime has started became one. `delete` has killed them.
fn reap_all() {
    let deadline = Instant::now() + ns_testbed::LONG;
    while let Ok(reaped) = wait(WaitOptions::NOHANG) {
        if reaped.is_none() {
            assert!(Instant::now() < deadline, "a process is left");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The directories of cgroups with this name.
fn cgroups(name: &str) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("read");
    let points = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let point = words.next()?;
        words.next()?.starts_with("cgroup").then_some(point)
    });
    let directories = points.map(|point| format!("{point}/{name}"));
    directories.filter(|path| fs::exists(path).unwrap_or(false)).collect()
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[test]
fn nothing_is_left_of_killed_commands() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "exec sleep 1000");
        let create = ["create", "--bundle", bundle.path(), "one"];
        let (start, delete) = (["start", "one"], ["delete", "--force", "one"]);
        let usual = [
            time(|| runtime.start_ok(&create)),
            time(|| {
                runtime.ok(&start);
            }),
            time(|| {
                runtime.ok(&delete);
            }),
        ];
        reap_all();
        for round in 0..rounds(600, 60) {
            // One of the three commands is killed; those before it are not.
            run_and_kill_one(&runtime, [&create, &start, &delete], usual, round % 3);
            runtime.ok(&delete);
            reap_all();
            assert_eq!(runtime.states(), [""; 0], "round {round}");
            let name = format!("{}-bundle", ns_testbed::own_name());
            assert_eq!(cgroups(&name), [""; 0], "round {round}");
        }
        drop(bundle);
        runtime.finish();
    });
}

fn run_and_kill_one(
    runtime: &Runtime,
    commands: [&[&str]; 3],
    usual: [Duration; 3],
    killed: usize,
) {
    for command in &commands[..killed] {
        runtime.start_ok(command);
    }
    run_and_kill(runtime, commands[killed], usual[killed]);
}

#[test]
fn a_container_whose_start_was_killed_is_created_or_running() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "exec sleep 1000");
        for _ in 0..rounds(200, 20) {
            runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
            let pid = runtime.pid("one");
            run_and_kill(&runtime, &["start", "one"], Duration::from_millis(6));
            // A release that was cut off ends the process; else it still waits, or runs.
            match runtime.status("one").as_str() {
                "created" => {
                    // The release that was cut off may still be in progress.
                    let output = runtime.run(&["start", "one"]);
                    let text = String::from_utf8(output.stderr).expect("UTF-8");
                    let is_over =
                        ["released before", "it is running", "it is stopped", "was released"];
                    let is_started = output.status.success() && runtime.status("one") == "running";
                    assert!(is_started || is_over.iter().any(|part| text.contains(part)), "{text}");
                }
                "running" => {
                    let message = runtime.error(&["start", "one"]);
                    assert!(message.contains("it is running, not created"), "{message}");
                }
                status => assert_eq!(status, "stopped"),
            }
            // It may have ended before.
            let _ = kill_process(pid, Signal::KILL);
            runtime.ok(&["delete", "--force", "one"]);
            reap(pid);
        }
        drop(bundle);
        runtime.finish();
    });
}

fn reap(pid: Pid) {
    rustix::process::waitpid(Some(pid), WaitOptions::empty()).expect("wait");
}
