//! Kernel parameters of namespaces.

use std::ffi::{CStr, CString, OsString};
use std::format;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::{Errno, Namespace, NamespaceFlags};
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::Builder;

/// # Kernel parameters
///
/// The kernel parameters of namespaces that are new or joined.
impl<Kind> Builder<Kind> {
    /// Sets a kernel parameter of a namespace, for example `net.ipv4.ip_forward`.
    ///
    /// By default the kernel chooses the values of a new namespace: its own defaults, or for some
    /// `net.ipv4` parameters the values of the initial network namespace. The name is written as
    /// for sysctl(8), with dots or with slashes; the last value of a name applies. Only parameters
    /// of a namespace that is new or joined can be set: `net.*` of a `Net` namespace, `fs.mqueue.*`
    /// and the `kernel.*` parameters of System V IPC of an `Ipc` namespace, and `user.*` of a
    /// `User` namespace. The child writes below the caller's `/proc/sys` (see [`proc`](Self::proc))
    /// while it still has all capabilities.
    ///
    /// # Errors
    /// - [`Step::Check`](crate::Step::Check): the parameter belongs to no namespace, or its
    ///   namespace would be the caller's own.
    /// - [`Step::Sysctl`](crate::Step::Sysctl): `ENOENT`, the namespace has no such parameter;
    ///   `EINVAL`, the value is invalid; `EACCES`, `EPERM`, another user namespace owns the
    ///   namespace, or the kernel reserves the parameter for the initial user namespace; `EROFS`,
    ///   `/proc/sys` is read-only.
    ///
    /// # Kernel support
    /// Linux 3.8 for `net.*`, 4.9 for `user.*`. Older kernels let only root of the initial user
    /// namespace set `kernel.*` and `fs.mqueue.*`.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("cat");
    /// container.arg("/proc/sys/net/ipv4/ip_forward");
    /// container.namespaces([Namespace::User, Namespace::Net]).map_zero();
    /// container.sysctl("net.ipv4.ip_forward", "1");
    /// assert_eq!(container.output()?.stdout, b"1\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// sysctl(8), namespaces(7); fs/proc/proc_sysctl.c.
    pub fn sysctl(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.sysctls.push((name.into(), value.into()));
        self
    }

    /// The kernel parameters that are set, and their values.
    pub fn get_sysctls(&self) -> &[(String, String)] {
        &self.sysctls
    }
}

/// The kernel parameters that the child sets.
#[derive(Debug)]
pub(crate) struct Sysctls {
    all: Vec<Sysctl>,
}

#[derive(Debug)]
struct Sysctl {
    /// Below `/proc/sys`.
    path: CString,
    value: String,
    kind: Namespace,
}

impl Sysctls {
    /// Checks the settings; an error begins with the name of the setter. `namespaces`: the kinds
    /// that are new or joined.
    pub(crate) fn new(
        config: &[(String, String)],
        namespaces: NamespaceFlags,
    ) -> Result<Self, String> {
        let mut all: Vec<Sysctl> = Vec::new();
        for (name, value) in config {
            let invalid = |reason: &str| format!("sysctl: {name:?}: {reason}");
            let path = path(name);
            let kind = kind(&path).map_err(invalid)?;
            let path = CString::new(path).map_err(|_| invalid("NUL"))?;
            all.retain(|other| other.path != path);
            all.push(Sysctl { path, value: value.clone(), kind });
        }
        let sysctls = Self { all };
        match sysctls.outside(namespaces) {
            None => Ok(sysctls),
            Some((setter, kind)) => {
                Err(format!("{setter}: needs a {kind} namespace that is new or joined"))
            }
        }
    }

    /// The setter, and the kind of a namespace that has a parameter and is not among `namespaces`.
    pub(crate) fn outside(&self, namespaces: NamespaceFlags) -> Option<(&'static str, Namespace)> {
        let mut kinds = self.all.iter().map(|sysctl| sysctl.kind);
        let outside = kinds.find(|kind| !namespaces.contains(kind.flag()))?;
        Some(("sysctl", outside))
    }

    /// Opens `/proc/sys`, if there is a parameter to set.
    pub(crate) fn open(&self, proc: &Path) -> Result<Option<OwnedFd>, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = || openat(CWD, proc.join("sys"), flags, Mode::empty());
        (!self.all.is_empty()).then(open).transpose()
    }

    /// The paths and values for the child.
    pub(crate) fn values(&self) -> Vec<(&CStr, &[u8])> {
        let all = self.all.iter();
        all.map(|Sysctl { path, value, .. }| (path.as_c_str(), value.as_bytes())).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The parameter at `index`.
    pub(crate) fn name(&self, index: u32) -> Option<String> {
        let sysctl = self.all.get(usize::try_from(index).ok()?)?;
        Some(sysctl.path.to_string_lossy().into_owned())
    }

    pub(crate) fn describe_opening(&self, proc: &Path) -> Option<String> {
        (!self.all.is_empty()).then(|| format!("open({:?})", OsString::from(proc.join("sys"))))
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        self.all.iter().flat_map(|Sysctl { path, value, .. }| {
            [format!("openat(sys, {path:?})"), format!("write({value:?})")]
        })
    }
}

/// The path below `/proc/sys`. As for sysctl(8), the first separator of a name decides: if it is a
/// dot, dots and slashes change places.
fn path(name: &str) -> String {
    let separator = name.chars().find(|letter| matches!(letter, '.' | '/'));
    if separator != Some('.') {
        return name.to_string();
    }
    let swap = |letter| match letter {
        '.' => '/',
        '/' => '.',
        letter => letter,
    };
    name.chars().map(swap).collect()
}

/// The parameters of System V IPC in `kernel.*`.
const IPC: [&str; 12] = [
    "auto_msgmni",
    "msg_next_id",
    "msgmax",
    "msgmnb",
    "msgmni",
    "sem",
    "sem_next_id",
    "shm_next_id",
    "shm_rmid_forced",
    "shmall",
    "shmmax",
    "shmmni",
];

/// The kind of the namespace that has the parameter, or the reason why there is none.
fn kind(path: &str) -> Result<Namespace, &'static str> {
    let mut parts = path.split('/');
    if parts.clone().any(|part| matches!(part, "" | "." | "..")) {
        return Err("not the name of a parameter");
    }
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    match (first.unwrap_or_default(), second, third) {
        ("net", Some(_), Some(_)) => Ok(Namespace::Net),
        ("user", Some(_), None) => Ok(Namespace::User),
        ("fs", Some("mqueue"), Some(_)) => Ok(Namespace::Ipc),
        ("kernel", Some("hostname"), None) => Err("use the setter hostname"),
        ("kernel", Some("domainname"), None) => Err("use the setter domainname"),
        ("kernel", Some(name), None) if IPC.contains(&name) => Ok(Namespace::Ipc),
        // Of the pid namespace, but pid_max since Linux 6.14 only: it was a parameter of the machine before.
        ("kernel", Some("pid_max" | "ns_last_pid"), None) | ("vm", Some("memfd_noexec"), None) => {
            Err("is not supported")
        }
        _ => Err("belongs to no namespace; it would change the machine"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::path;

    proptest! {
        #[test]
        fn both_spellings_have_the_same_path(
            parts in proptest::collection::vec("[a-z]{1,4}([.][0-9]{1,2})?", 2..5),
        ) {
            // Only the first separator decides, so the first part has no dot.
            let mut parts = parts;
            parts[0].retain(|letter| letter.is_ascii_lowercase());
            let slashes = parts.join("/");
            let dots = parts.iter().map(|part| part.replace('.', "/"));
            let dots = dots.collect::<std::vec::Vec<_>>().join(".");
            prop_assert_eq!(&path(&slashes), &slashes);
            prop_assert_eq!(path(&dots), slashes);
        }
    }
}
