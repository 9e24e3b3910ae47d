//! The resource limits.

use anyhow::{Result, ensure};
use ns_process::{Builder, Resource};
use oci_spec::runtime::{PosixRlimit, PosixRlimitType};

/// Sets the limits. Each may be named once.
pub(super) fn set<Kind>(builder: &mut Builder<Kind>, limits: &[PosixRlimit]) -> Result<()> {
    for (index, limit) in limits.iter().enumerate() {
        let is_first = limits[..index].iter().all(|earlier| earlier.typ() != limit.typ());
        ensure!(is_first, "process.rlimits: {:?} is named more than once", limit.typ());
        ensure!(
            limit.soft() <= limit.hard(),
            "process.rlimits: {:?}: the soft limit {} is larger than the hard limit {}",
            limit.typ(),
            limit.soft(),
            limit.hard()
        );
        builder.rlimit(resource(limit.typ()), limit.soft(), limit.hard());
    }
    Ok(())
}

fn resource(kind: PosixRlimitType) -> Resource {
    match kind {
        PosixRlimitType::RlimitCpu => Resource::Cpu,
        PosixRlimitType::RlimitFsize => Resource::Fsize,
        PosixRlimitType::RlimitData => Resource::Data,
        PosixRlimitType::RlimitStack => Resource::Stack,
        PosixRlimitType::RlimitCore => Resource::Core,
        PosixRlimitType::RlimitRss => Resource::Rss,
        PosixRlimitType::RlimitNproc => Resource::Nproc,
        PosixRlimitType::RlimitNofile => Resource::Nofile,
        PosixRlimitType::RlimitMemlock => Resource::Memlock,
        PosixRlimitType::RlimitAs => Resource::As,
        PosixRlimitType::RlimitLocks => Resource::Locks,
        PosixRlimitType::RlimitSigpending => Resource::Sigpending,
        PosixRlimitType::RlimitMsgqueue => Resource::Msgqueue,
        PosixRlimitType::RlimitNice => Resource::Nice,
        PosixRlimitType::RlimitRtprio => Resource::Rtprio,
        PosixRlimitType::RlimitRttime => Resource::Rttime,
    }
}
