//! Resource limits, nice value, file mode mask and OOM score.

use std::ffi::CString;
use std::format;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::child::{Mode, getrlimit};

use super::Builder;
use crate::in_child::{self, Limit};
use crate::resource::Resource;

/// The requested limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitConfig {
    /// Resource, soft limit and hard limit; one entry per resource.
    pub(crate) resources: Vec<(Resource, u64, u64)>,
    pub(crate) nice: Option<i32>,
    pub(crate) umask: Option<u32>,
    pub(crate) oom_score_adj: Option<i32>,
}

/// # Limits
///
/// The resource limits, the nice value, the file mode mask and the OOM score of the program.
impl<Kind> Builder<Kind> {
    /// Sets the soft and the hard limit of a resource; `u64::MAX` is no limit.
    ///
    /// By default both are the caller's. The program may raise the soft limit up to the hard limit. A hard limit above
    /// the caller's needs `CAP_SYS_RESOURCE` in the initial user namespace.
    ///
    /// Process 1 of a pid namespace receives `SIGXCPU` and `SIGXFSZ` only if it handles them. With an
    /// [`init`](Self::init), the program is not process 1. At the hard limit of the CPU time, the kernel kills each
    /// process by `SIGKILL`.
    ///
    /// # Errors
    /// [`Step::Rlimit`](crate::Step::Rlimit), `EPERM`: the hard limit is above the caller's.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Resource};
    ///
    /// let output = Container::new("sh")
    ///     .args(["-c", "ulimit -S -n; ulimit -H -n"])
    ///     .rlimit(Resource::Nofile, 20, 30)
    ///     .output()?;
    /// assert_eq!(output.stdout, b"20\n30\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// getrlimit(2).
    pub fn rlimit(&mut self, resource: Resource, soft: u64, hard: u64) -> &mut Self {
        self.limits.resources.retain(|(known, ..)| *known != resource);
        self.limits.resources.push((resource, soft, hard));
        self
    }

    /// Sets the nice value, from -20 to 19; by default it is the caller's.
    ///
    /// A value below the caller's needs `CAP_SYS_NICE` in the initial user namespace, or
    /// `RLIMIT_NICE`.
    ///
    /// # Errors
    /// [`Step::Nice`](crate::Step::Nice), `EACCES`: the caller may not lower the value.
    ///
    /// # References
    /// setpriority(2).
    pub fn nice(&mut self, nice: i32) -> &mut Self {
        self.limits.nice = Some(nice);
        self
    }

    /// Sets the file mode mask: the permissions that new files lack; by default it is the caller's.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let output = Container::new("sh").args(["-c", "umask"]).umask(0o027).output()?;
    /// assert_eq!(output.stdout, b"0027\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// umask(2).
    pub fn umask(&mut self, mask: u32) -> &mut Self {
        self.limits.umask = Some(mask);
        self
    }

    /// Sets the adjustment of the program's OOM score, from -1000 to 1000; by default it is the
    /// caller's.
    ///
    /// If the machine or a cgroup is out of memory, the kernel kills a process with a high score first, and never one
    /// with -1000. Processes that the program starts inherit the value, and so does an init. A value below the caller's
    /// may need `CAP_SYS_RESOURCE` in the initial user namespace. The kernel keeps one value for all processes with the
    /// same memory, so such a start copies the memory. A proc file system must be visible to the caller: see
    /// [`proc`](Self::proc).
    ///
    /// # Errors
    /// [`Step::OomScoreAdj`](crate::Step::OomScoreAdj): `EACCES`, the value is below the least that
    /// the caller may set, or the caller is not dumpable and not root; `ENOENT`, no proc.
    ///
    /// # Kernel support
    /// Linux 2.6.36.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let mut container = Container::new("cat");
    /// let output = container.arg("/proc/self/oom_score_adj").oom_score_adj(1000).output()?;
    /// assert_eq!(output.stdout, b"1000\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// proc_pid_oom_score_adj(5); fs/proc/base.c `__set_oom_adj`.
    pub fn oom_score_adj(&mut self, adjustment: i32) -> &mut Self {
        self.limits.oom_score_adj = Some(adjustment);
        self
    }

    /// The limits that are set: resource, soft limit and hard limit.
    pub fn get_rlimits(&self) -> &[(Resource, u64, u64)] {
        &self.limits.resources
    }

    /// The nice value, if one is set.
    pub fn get_nice(&self) -> Option<i32> {
        self.limits.nice
    }

    /// The file mode mask, if one is set.
    pub fn get_umask(&self) -> Option<u32> {
        self.limits.umask
    }

    /// The adjustment of the OOM score, if one is set.
    pub fn get_oom_score_adj(&self) -> Option<i32> {
        self.limits.oom_score_adj
    }
}

const CORE: u32 = Resource::Core as u32;

/// A core limit that prevents every dump. If dumps go to a pipe, the kernel ignores a limit of 0
/// but not of 1, and 1 is too small for a dump into a file (fs/coredump.c).
const NO_DUMP: u64 = 1;

/// The resource limits, nice value and file mode mask that the child sets.
#[derive(Debug)]
pub(crate) struct Limits {
    no_core: Option<Limit>,
    core: Option<Limit>,
    others: Vec<Limit>,
    /// The resource of each limit in `others`.
    resources: Vec<Resource>,
    nice: Option<i32>,
    umask: Option<Mode>,
    /// The file of the OOM score, and the text to write.
    oom_score_adj: Option<(CString, String)>,
}

impl Limits {
    /// Checks the configuration; an error begins with the name of the setter.
    pub(crate) fn new(config: &LimitConfig, proc: &Path, is_daemon: bool) -> Result<Self, String> {
        if let Some((resource, ..)) = config.resources.iter().find(|(_, soft, hard)| soft > hard) {
            return Err(format!("rlimit: {resource:?}: the soft limit is above the hard one"));
        }
        if config.nice.is_some_and(|nice| !(-20..=19).contains(&nice)) {
            return Err("nice: must be from -20 to 19".to_owned());
        }
        if config.umask.is_some_and(|mask| mask & !0o777 != 0) {
            return Err("umask: only permission bits, 0o777, are allowed".to_owned());
        }
        if config.oom_score_adj.is_some_and(|value| !(-1000..=1000).contains(&value)) {
            return Err("oom_score_adj: must be from -1000 to 1000".to_owned());
        }
        let is_core = |limit: &&(Resource, u64, u64)| limit.0 == Resource::Core;
        let core = config.resources.iter().find(is_core).map(limit);
        let others = config.resources.iter().filter(|limit| !is_core(limit));
        let (resources, others) = others.map(|config| (config.0, limit(config))).unzip();
        let no_core = caller_core().filter(|limit| limit.hard > 0 && limit.soft != NO_DUMP);
        Ok(Self {
            no_core: no_core.map(|limit| Limit { soft: NO_DUMP, ..limit }),
            core: core.or(no_core),
            others,
            resources,
            nice: config.nice,
            umask: config.umask.or(is_daemon.then_some(0)).map(Mode::from_raw_mode),
            oom_score_adj: config.oom_score_adj.map(|value| (oom_file(proc), value.to_string())),
        })
    }

    pub(crate) fn child(&self) -> in_child::Limits<'_> {
        in_child::Limits {
            no_core: self.no_core,
            core: self.core,
            others: &self.others,
            nice: self.nice,
            umask: self.umask,
        }
    }

    /// The OOM score to set; `dumpable`: the caller's own dumpable flag.
    pub(crate) fn oom_score_adj(&self, dumpable: bool) -> Option<in_child::OomScoreAdj<'_>> {
        let (file, text) = self.oom_score_adj.as_ref()?;
        Some(in_child::OomScoreAdj { file, text: text.as_bytes(), dumpable })
    }

    /// Whether the OOM score is set. The kernel would set it for all processes with the memory.
    pub(crate) fn need_own_memory(&self) -> bool {
        self.oom_score_adj.is_some()
    }

    /// The file of the OOM score.
    pub(crate) fn oom_object(&self) -> Option<String> {
        self.oom_score_adj.as_ref().map(|(file, _)| file.to_string_lossy().into_owned())
    }

    pub(crate) fn describe_oom_score_adj(&self) -> impl Iterator<Item = String> {
        self.oom_score_adj.iter().flat_map(|(file, text)| {
            let dumpable = "prctl(PR_SET_DUMPABLE), if the caller is".to_owned();
            [dumpable, format!("openat({file:?})"), format!("write(oom_score_adj, {text:?})")]
        })
    }

    /// The name of the resource at `index`.
    pub(crate) fn resource(&self, index: u32) -> Option<String> {
        let resource = self.resources.get(usize::try_from(index).ok()?)?;
        Some(format!("{resource:?}"))
    }

    pub(crate) fn describe_no_core(&self) -> impl Iterator<Item = String> {
        self.no_core.as_ref().map(line).into_iter()
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let nice = self.nice.map(|nice| format!("setpriority(PRIO_PROCESS, {nice})"));
        let umask = self.umask.map(|mask| format!("umask(0{:03o})", mask.bits()));
        self.others.iter().map(line).chain(nice).chain(umask)
    }

    pub(crate) fn describe_core(&self) -> impl Iterator<Item = String> {
        self.core.as_ref().map(line).into_iter()
    }
}

/// The file of the OOM score. The plan has refused a proc path with NUL.
fn oom_file(proc: &Path) -> CString {
    let path = proc.join("self/oom_score_adj").into_os_string().into_vec();
    CString::new(path).unwrap_or_default()
}

/// The caller's core limit; `None` if getrlimit(2) is not permitted.
fn caller_core() -> Option<Limit> {
    let (soft, hard) = getrlimit(CORE).ok()?;
    Some(Limit { resource: CORE, soft, hard })
}

fn limit((resource, soft, hard): &(Resource, u64, u64)) -> Limit {
    Limit { resource: *resource as u32, soft: *soft, hard: *hard }
}

fn line(limit: &Limit) -> String {
    let Limit { resource, soft, hard } = limit;
    let number = |limit: u64| match limit {
        u64::MAX => "unlimited".to_owned(),
        limit => limit.to_string(),
    };
    let name = RESOURCES.get(*resource as usize).copied().unwrap_or("?");
    format!("prlimit(RLIMIT_{name}, soft {}, hard {})", number(*soft), number(*hard))
}

/// The names of the resources, by their numbers.
const RESOURCES: [&str; 16] = [
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "RSS",
    "NPROC",
    "NOFILE",
    "MEMLOCK",
    "AS",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
];
