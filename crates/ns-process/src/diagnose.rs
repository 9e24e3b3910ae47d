//! What this machine allows, and which setting forbids the rest.

use std::fmt;
use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_idmap::Writer;
use ns_sys::child::{AtFlags, Mode, MountAttr, OFlags, ResolveFlags};
use ns_sys::fd::AsFd;
use ns_sys::{Errno, Namespace, child};

use crate::builder::Container;
use crate::hint::machine;
use crate::step::Step;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    topic: String,
    works: bool,
    detail: String,
    advice: Option<String>,
}

impl Finding {
    fn new(topic: impl Into<String>, works: bool, detail: impl Into<String>) -> Self {
        Self { topic: topic.into(), works, detail: detail.into(), advice: None }
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into()).filter(|_| !self.works);
        self
    }

    /// What it is about: `user namespace`, `close_range`.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether it is as a start would like it.
    pub fn works(&self) -> bool {
        self.works
    }

    /// What was found.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What to change, where something can be changed.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.works { "ok" } else { "no" };
        write!(f, "{mark}  {}: {}", self.topic, self.detail)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, " ({advice})"))
    }
}

/// All that [`diagnose`] found; its text has a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis(Vec<Finding>);

impl Diagnosis {
    /// What was looked at, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, finding)| {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{finding}")
        })
    }
}

/// Looks at what this machine lets the caller do: namespaces and their limits, the switches that forbid
/// them, ids that may be mapped, filters, and the newer system calls.
///
/// It makes a user namespace to see whether that works, in a child that is gone when this returns;
/// nothing else is changed.
///
/// ```
/// for finding in ns_process::diagnose().findings() {
///     println!("{finding}");
/// }
/// ```
pub fn diagnose() -> Diagnosis {
    let kernel = machine::value("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut findings = Vec::from([Finding::new("kernel", !kernel.is_empty(), kernel)]);
    findings.extend(Namespace::ALL.map(namespace));
    findings.push(user_namespaces());
    findings.extend(restrictions());
    findings.extend(delegation());
    findings.extend(calls());
    Diagnosis(findings)
}

fn namespace(kind: Namespace) -> Finding {
    let topic = format!("{kind} namespace");
    if !Path::new("/proc/self/ns").join(kind.name()).exists() {
        return Finding::new(topic, false, "not in this kernel")
            .advise("build it with CONFIG_*_NS");
    }
    let file = machine::limit_file(kind);
    let limit = machine::value(&file).unwrap_or_else(|| "unknown".to_owned());
    let advice = format!("write a larger number to {}", file.display());
    Finding::new(topic, limit != "0", format!("at most {limit} a user")).advise(advice)
}

/// By trying: a directory cannot be executed, and that is asked last.
fn user_namespaces() -> Finding {
    let topic = "new user namespaces";
    match Container::new("/").namespace(Namespace::User).map_zero().start() {
        Err(error) if error.step() == Step::Exec => {
            Finding::new(topic, true, "can be made and mapped")
        }
        Err(error) => {
            let said = format!("{} failed", error.step());
            let advice = error.hint().or(error.object()).unwrap_or_default().to_owned();
            Finding::new(topic, false, said).advise(advice)
        }
        Ok(_) => Finding::new(topic, true, "can be made and mapped"),
    }
}

fn restrictions() -> impl Iterator<Item = Finding> {
    let switches = machine::SWITCHES.into_iter().filter_map(|(name, allows)| {
        let value = machine::value(machine::sysctl(name))?;
        let found = Finding::new(name, value == allows, value);
        Some(found.advise(format!("set it to {allows}")))
    });
    let filtered = machine::is_filtered();
    let filter = if filtered { "a filter is in force" } else { "none" };
    let filter = Finding::new("seccomp", !filtered, filter);
    let bound = machine::status("NoNewPrivs").is_some_and(|set| set == "1");
    let bound = Finding::new("no_new_privs", !bound, if bound { "set" } else { "not set" })
        .advise("newuidmap and newgidmap gain nothing while it is");
    let chrooted = machine::is_chrooted();
    let root = if chrooted { "changed by chroot" } else { "that of the mount namespace" };
    let root =
        Finding::new("root", !chrooted, root).advise("a chrooted caller makes no user namespace");
    switches.chain([filter.advise("see what it allows"), bound, root])
}

fn delegation() -> Vec<Finding> {
    let writer = match Writer::current() {
        Ok(writer) => writer,
        Err(error) => return Vec::from([Finding::new("id maps", false, error.to_string())]),
    };
    let (uids, gids) = (writer.delegation.sub_uids.left(), writer.delegation.sub_gids.left());
    let privileged = writer.capabilities.setuid && writer.capabilities.setgid;
    let ranges = if privileged {
        Finding::new("id maps", true, "any, by privilege")
    } else {
        let both = uids > 0 && gids > 0;
        Finding::new(
            "id maps",
            both,
            format!("one's own, and {uids} uids and {gids} gids delegated"),
        )
        .advise("list the user in /etc/subuid and /etc/subgid, and install newuidmap")
    };
    let dumpable = writer.dumpable;
    let flag = Finding::new("dumpable", dumpable, if dumpable { "yes" } else { "no" });
    let flag =
        flag.advise("without privilege maps cannot be written: set it by prctl, or execute again");
    let allowed = writer.setgroups_allowed;
    let groups = Finding::new("setgroups", allowed, if allowed { "allowed" } else { "denied" });
    Vec::from([ranges, flag, groups.advise("it is denied for good in this user namespace")])
}

/// Each newer call with arguments that change nothing.
fn calls() -> impl Iterator<Item = Finding> {
    let here = rustix::fs::CWD.as_fd();
    let how = ResolveFlags::IN_ROOT;
    let openat2 = child::openat2(here, c"", OFlags::PATH, Mode::empty(), how).map(drop);
    let setattr = child::mount_setattr(here, c"", AtFlags::empty(), &MountAttr::default());
    let thread =
        ns_sys::pidfd_open_thread(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs());
    let own = ns_sys::pidfd_open(std::process::id());
    let info = own.as_ref().map_err(|errno| *errno).and_then(ns_sys::pidfd_get_info).map(drop);
    let told = [
        ("openat2", "5.6", openat2),
        ("mount_setattr", "5.12", setattr),
        ("pidfd_open of a thread", "6.9", thread.map(drop)),
        ("PIDFD_GET_INFO", "6.13", info),
    ];
    told.into_iter().map(|(name, version, answer)| {
        let missing =
            matches!(answer, Err(Errno::NOSYS)) || name.starts_with("pidfd") && answer.is_err();
        let detail = if missing { "missing, done in an older way or refused" } else { "there" };
        Finding::new(name, !missing, detail)
            .advise(format!("Linux {version}, or a filter allows it"))
    })
}
