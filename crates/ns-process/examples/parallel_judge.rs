//! Judges many short jobs, a few at once, each in new namespaces and with limits on CPU time, memory, output and time.
//!
//! The sandboxes come from a pool, which parks the next ones while jobs run. If the argument is a cgroup (version 2) that the caller may write, such as one that systemd has delegated, each job
//! runs in a new cgroup below it, with the limits of the controllers that are enabled there; then each is started by itself,
//! because all processes of a pool are in one cgroup. Needs no privilege.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ns_process::{
    Container, LimitedOutput, Namespace, OutputLimit, Payload, Pool, Process, Resource, Stdio,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A submission, and what it may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) script: &'a str,
    pub(crate) input: &'a str,
    pub(crate) expected: &'a str,
    /// In seconds.
    pub(crate) cpu: u64,
    /// Longer than the CPU time, because a job also waits, for example for other jobs.
    pub(crate) time: Duration,
    /// In bytes.
    pub(crate) memory: u64,
    /// In bytes.
    pub(crate) output: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    WrongAnswer,
    OutputLimit,
    MemoryLimit,
    CpuLimit,
    TimeLimit,
    RuntimeError,
}

/// Judges the jobs, `at_once` at a time; the verdicts have the order of the jobs.
pub(crate) fn judge_all(
    jobs: &[Job<'_>],
    at_once: usize,
    parent: Option<&Path>,
) -> Result<Vec<Verdict>> {
    // All jobs have this limit of the output.
    let output = jobs.iter().map(|job| job.output).max().unwrap_or(0);
    let pool = parent.is_none().then(|| Pool::new(sandbox(output), 2 * at_once)).transpose()?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<_>> {
        let mut verdicts = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { return Ok(verdicts) };
            let cgroup = parent.map(|parent| Cgroup::new(parent, number, job)).transpose()?;
            verdicts.push((number, judge(job, pool.as_ref(), cgroup.as_ref())?));
        }
    };
    let workers = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("no panic"))
            .collect::<Result<Vec<_>>>()
    });
    let mut verdicts: Vec<_> = workers?.into_iter().flatten().collect();
    verdicts.sort_by_key(|(number, _)| *number);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}

/// What all jobs have in common.
fn sandbox(output: usize) -> Container {
    let mut sandbox = Container::new("sh");
    sandbox.env_clear().env("PATH", "/usr/bin:/bin");
    sandbox.all().without(Namespace::Time).map_zero().host_root().no_new_privs();
    sandbox.rlimit(Resource::Core, 0, 0).stdout(Stdio::piped()).stderr(Stdio::piped());
    sandbox.output_limit(output);
    sandbox
}

fn judge(job: &Job<'_>, pool: Option<&Pool>, cgroup: Option<&Cgroup>) -> Result<Verdict> {
    let process = match pool {
        Some(pool) => pool.start(&payload(job))?,
        None => start_alone(job, cgroup)?,
    };
    // This call reads the output while it waits. At a limit, it kills all processes of the pid namespace.
    let output = process.wait_with_output_timeout(job.time)?;
    verdict(job, &output, cgroup)
}

/// What differs between jobs.
fn payload(job: &Job<'_>) -> Payload {
    let mut payload = Payload::new();
    payload.args(["-c", job.script]).stdin(Stdio::bytes(job.input));
    payload.stdout(Stdio::piped()).stderr(Stdio::piped());
    for (resource, limit) in limits(job) {
        payload.rlimit(resource, limit, limit);
    }
    payload
}

fn start_alone(job: &Job<'_>, cgroup: Option<&Cgroup>) -> Result<Process> {
    let mut sandbox = sandbox(job.output);
    sandbox.args(["-c", job.script]).stdin(Stdio::bytes(job.input));
    for (resource, limit) in limits(job) {
        sandbox.rlimit(resource, limit, limit);
    }
    if let Some(cgroup) = cgroup {
        sandbox.cgroup(File::open(&cgroup.0)?);
    }
    Ok(sandbox.start()?)
}

/// One second more than the limit of the verdict: the kernel measures the time for a limit less exactly than for `usage`.
/// The soft limit is the same, because process 1 of a pid namespace ignores its signal.
fn limits(job: &Job<'_>) -> [(Resource, u64); 2] {
    [(Resource::Cpu, job.cpu + 1), (Resource::As, 4 * job.memory)]
}

fn verdict(job: &Job<'_>, output: &LimitedOutput, cgroup: Option<&Cgroup>) -> Result<Verdict> {
    let usage = output.usage.ok_or("another waiter reaps the children of this program")?;
    let is_oom = cgroup.is_some_and(Cgroup::has_killed);
    // The usage lacks the processes that the kernel killed when process 1 exited. The cgroup counts all.
    let cpu = cgroup.and_then(Cgroup::cpu_time).unwrap_or(usage.user + usage.system);
    Ok(match output.ended_by {
        Some(OutputLimit::Stdout | OutputLimit::Stderr) => Verdict::OutputLimit,
        _ if is_oom || usage.is_max_rss_exact && usage.max_rss > job.memory => Verdict::MemoryLimit,
        _ if cpu >= Duration::from_secs(job.cpu) => Verdict::CpuLimit,
        Some(_) => Verdict::TimeLimit,
        None if !output.status.success() => Verdict::RuntimeError,
        None if output.stdout == job.expected.as_bytes() => Verdict::Right,
        None => Verdict::WrongAnswer,
    })
}

/// A cgroup for one job, removed on drop: by then the pid namespace of the job has ended, with all its processes.
struct Cgroup(PathBuf);

impl Cgroup {
    fn new(parent: &Path, number: usize, job: &Job<'_>) -> Result<Self> {
        let cgroup = Self(parent.join(format!("job-{}-{number}", std::process::id())));
        fs::create_dir(&cgroup.0)?;
        // A file is missing if its controller is not enabled, and that of swap also if the machine has no swap.
        for (file, limit) in [("memory.max", job.memory), ("memory.swap.max", 0), ("pids.max", 64)]
        {
            let path = cgroup.0.join(file);
            if path.exists() {
                fs::write(path, limit.to_string())?;
            }
        }
        Ok(cgroup)
    }

    /// The CPU time of all processes that were in the cgroup.
    fn cpu_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(self.0.join("cpu.stat")).ok()?;
        let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        micros.parse().ok().map(Duration::from_micros)
    }

    /// Whether the kernel has killed a process because the limit of memory was reached.
    fn has_killed(&self) -> bool {
        let events = fs::read_to_string(self.0.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// A job for each verdict.
pub(crate) const EXAMPLES: [(Job<'_>, Verdict); 9] = {
    let job = Job {
        script: "read a b; echo $((a * b))",
        input: "6 7\n",
        expected: "42\n",
        cpu: 10,
        time: Duration::from_secs(60),
        memory: 64 << 20,
        output: 10_000,
    };
    [
        (job, Verdict::Right),
        (Job { script: "echo 41", ..job }, Verdict::WrongAnswer),
        (Job { script: "exit 3", ..job }, Verdict::RuntimeError),
        (Job { script: "sh -c 'kill -SEGV $$'", ..job }, Verdict::RuntimeError),
        (Job { script: "while :; do :; done", cpu: 1, ..job }, Verdict::CpuLimit),
        (Job { script: "sleep 1000", time: Duration::from_millis(200), ..job }, Verdict::TimeLimit),
        (
            Job { script: "head -c 100000000 /dev/zero | tail >/dev/null", ..job },
            Verdict::MemoryLimit,
        ),
        (Job { script: "yes", ..job }, Verdict::OutputLimit),
        (Job { script: "sleep 1000 & echo 42", ..job }, Verdict::Right),
    ]
};

fn main() -> Result<()> {
    let parent = std::env::args_os().nth(1).map(PathBuf::from);
    let at_once = thread::available_parallelism()?.get();
    let jobs = EXAMPLES.map(|(job, _)| job);
    let verdicts = judge_all(&jobs, at_once, parent.as_deref())?;
    for ((job, expected), verdict) in EXAMPLES.into_iter().zip(verdicts) {
        println!("{verdict:?}: {}", job.script);
        if verdict != expected {
            return Err(format!("{expected:?} was expected").into());
        }
    }
    Ok(())
}
