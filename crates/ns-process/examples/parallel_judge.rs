//! Judges many short jobs at once, each in new namespaces and with resource limits.
//!
//! If the argument is a cgroup (version 2) that the caller may write, each job begins in a new cgroup below it.
//! Needs no privilege.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use ns_process::{Container, Namespace, Process, Resource, Stdio};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The submitted scripts, each with the expected verdict.
const JOBS: [(&str, &str); 4] = [
    ("echo $((6 * 7))", "right"),
    ("echo 41", "wrong answer"),
    ("while :; do :; done", "too slow"),
    ("exit 3", "exit code 3"),
];

fn main() -> Result<()> {
    let cgroup = std::env::args_os().nth(1).map(PathBuf::from);
    let verdicts: Vec<_> = thread::scope(|scope| {
        let jobs = (0..16).map(|number| (number, JOBS[number % JOBS.len()]));
        let cgroup = cgroup.as_deref();
        let judge = |number, script| scope.spawn(move || judge(number, script, cgroup));
        let judges: Vec<_> = jobs.map(|(number, (script, _))| judge(number, script)).collect();
        judges.into_iter().map(|judge| judge.join().expect("no panic")).collect()
    });
    for (number, verdict) in verdicts.into_iter().enumerate() {
        let (verdict, expected) = (verdict?, JOBS[number % JOBS.len()].1);
        println!("job {number}: {verdict}{}", if verdict == expected { "" } else { " (?)" });
    }
    Ok(())
}

fn judge(number: usize, script: &str, cgroup: Option<&Path>) -> Result<String> {
    let own = cgroup.map(|parent| parent.join(format!("job-{number}")));
    let verdict = run(script, own.as_deref());
    // The cgroup is empty: when process 1 exits, the kernel kills every process of the pid namespace.
    own.map_or(Ok(()), fs::remove_dir)?;
    verdict
}

fn run(script: &str, cgroup: Option<&Path>) -> Result<String> {
    let mut job = Container::new("sh");
    job.args(["-c", script])
        .namespaces([Namespace::User, Namespace::Pid, Namespace::Net])
        .map_zero();
    job.env_clear().env("PATH", "/usr/bin:/bin").no_new_privs().kill_on_drop(true);
    job.rlimit(Resource::Cpu, 1, 1).rlimit(Resource::As, 1 << 30, 1 << 30);
    job.rlimit(Resource::Core, 0, 0).rlimit(Resource::Fsize, 1 << 20, 1 << 20);
    job.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(cgroup) = cgroup {
        fs::create_dir(cgroup)?;
        job.cgroup(File::open(cgroup)?);
    }
    let process = job.start()?;
    if let Some(status) = process.join_timeout(Duration::from_millis(500))? {
        return verdict(process, status);
    }
    process.kill()?;
    process.join()?;
    Ok("too slow".to_owned())
}

fn verdict(process: Process, status: ExitStatus) -> Result<String> {
    let output = process.wait_with_output()?;
    Ok(match (status.code(), output.stdout.as_slice()) {
        (Some(0), b"42\n") => "right".to_owned(),
        (Some(0), _) => "wrong answer".to_owned(),
        (Some(code), _) => format!("exit code {code}"),
        (None, _) => format!("signal {}", status.signal().unwrap_or_default()),
    })
}
