//! The machine on which the measurements ran.

use std::fs;

use serde::Serialize;

/// A machine and its load.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The name of the processor.
    pub processor: String,
    /// The number of processors that this process may use.
    pub processors: usize,
    /// The size of the memory in GB.
    pub memory: u64,
    /// The release of the kernel.
    pub kernel: String,
    /// The setting of transparent huge pages, as the kernel prints it.
    pub huge_pages: String,
    /// The number of mounts that the caller sees.
    pub mounts: usize,
    /// The effective user ID of the caller.
    pub uid: u32,
    /// The load average of the last minute.
    pub load: String,
}

impl Machine {
    /// Returns this machine and its current load.
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

    /// Formats the machine as one line.
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
