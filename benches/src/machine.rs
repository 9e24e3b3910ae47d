//! Where it was measured: facts without which no figure can be judged.

use std::fs;

use serde::Serialize;

/// A machine, and how busy it was.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many of them this process may use.
    pub processors: usize,
    /// GB of memory.
    pub memory: u64,
    /// The kernel's release.
    pub kernel: String,
    /// Huge pages, as the kernel writes its choice.
    pub huge_pages: String,
    /// How many mounts the caller sees.
    pub mounts: usize,
    /// Of the caller, effective.
    pub uid: u32,
    /// How many others wanted to run: the mean of the last minute.
    pub load: String,
}

impl Machine {
    /// This one, now.
    pub fn current() -> Self {
        Self {
            processor: value("/proc/cpuinfo", "model name"),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory: gigabytes(),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            huge_pages: read("/sys/kernel/mm/transparent_hugepage/enabled").trim().to_owned(),
            mounts: read("/proc/self/mountinfo").lines().count(),
            uid: rustix::process::geteuid().as_raw(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let Self { processor, processors, memory, kernel, huge_pages, mounts, uid, load } = self;
        format!(
            "{processors} x {processor}, {memory} GB, Linux {kernel}, huge pages {huge_pages}, \
             {mounts} mounts, uid {uid}, load {load}"
        )
    }
}

fn gigabytes() -> u64 {
    let kilobytes = value("/proc/meminfo", "MemTotal");
    kilobytes.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) >> 20
}

fn value(file: &str, key: &str) -> String {
    let text = read(file);
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}
