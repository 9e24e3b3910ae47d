//! The kinds of namespaces, and whether the caller may create them.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::Namespace;

use super::Finding;
use crate::hint::machine;
use crate::settings::Container;
use crate::step::Step;

/// Each kind, with its limit and the number in use.
pub(super) fn all() -> [Finding; 8] {
    let found = crate::list::namespaces().map(|found| found.list).unwrap_or_default();
    Namespace::ALL.map(|kind| {
        let used = found.iter().filter(|namespace| namespace.kind == kind).count();
        one_kind(kind, used)
    })
}

/// Whether the kernel has the kind, its limit for a user, and how many are visible.
fn one_kind(kind: Namespace, used: usize) -> Finding {
    let topic = format!("{kind} namespace");
    if !Path::new("/proc/self/ns").join(kind.name()).exists() {
        return Finding::new(topic, false, "not supported by this kernel")
            .advise("use a kernel with CONFIG_*_NS");
    }
    let file = machine::limit_file(kind);
    let limit = machine::value(&file).unwrap_or_else(|| "unknown".to_owned());
    let advice = format!("write a larger number to {}", file.display());
    let detail = format!("supported; at most {limit} per user; {used} visible");
    Finding::new(topic, limit != "0", detail).advise(advice)
}

pub(super) fn new_user() -> Finding {
    let mut container = Container::new("/");
    container.namespace(Namespace::User).map_zero();
    tried("new user namespaces", ["can be created and mapped", "cannot be created"], &container)
}

/// Container engines cover parts of `/proc`. Then the kernel refuses to mount an uncovered one in a user namespace.
pub(super) fn new_proc() -> Finding {
    let mut container = Container::new("/");
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]);
    container.map_zero().mount_proc();
    let works = "can be mounted in new user, pid and mount namespaces";
    tried("new proc", [works, "cannot be mounted in new namespaces"], &container)
}

/// Tries a start whose last step, to execute a directory, fails.
fn tried(topic: &str, [works, fails]: [&str; 2], container: &Container) -> Finding {
    match container.start() {
        Err(error) if error.step() != Step::Exec => {
            let advice = error.hint().map_or_else(|| error.to_string(), ToOwned::to_owned);
            Finding::new(topic, false, fails).advise(advice)
        }
        _ => Finding::new(topic, true, works),
    }
}
