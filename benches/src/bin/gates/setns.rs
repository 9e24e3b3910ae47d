//! Joining namespaces, in a child that does nothing else.

use std::fs::File;
use std::time::Duration;

use benches::forked::time_in_fork;
use benches::pairs::{PAIRS, ratios_of_times};
use benches::subjects::{SEVEN, target};
use ns_process::{NamespaceFlags, Process};

use crate::measured::Measured;

pub(crate) fn by_pidfd() -> Measured {
    let target = target();
    let pair = (|| by_files(&target), || at_once(&target));
    Measured::Ratios(ratios_of_times(PAIRS, pair.0, pair.1))
}

/// Opens each file of /proc/PID/ns, joins its namespace, and closes it.
fn by_files(target: &Process) -> Duration {
    let path = |name| format!("/proc/{}/ns/{name}", target.pid());
    let paths: Vec<_> = SEVEN.iter().map(|kind| (path(kind.name()), *kind)).collect();
    time_in_fork(|| {
        for (path, kind) in &paths {
            let file = File::open(path).expect("open");
            ns_sys::setns(&file, Some(*kind)).expect("setns");
        }
    })
}

fn at_once(target: &Process) -> Duration {
    let kinds: NamespaceFlags = SEVEN.iter().map(|kind| NamespaceFlags::from(*kind)).collect();
    time_in_fork(|| ns_sys::setns_pidfd(target, kinds).expect("setns"))
}
