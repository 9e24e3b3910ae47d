//! Values of setters.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Capabilities, CapabilitySet, IoPriority, Mount, Scheduler};

use super::setters::Text;

/// The name of a kernel parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter(pub(super) String);

impl<'a> Arbitrary<'a> for Parameter {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let known = ["net.ipv4.ip_forward", "net/a/b.c", "kernel.shmmax", "fs.mqueue.x", "vm.x"];
        if u.ratio(1, 4)? {
            return u.arbitrary().map(|Text(text)| Self(text));
        }
        Ok(Self((*u.choose(&known)?).to_owned()))
    }
}

/// A scheduling policy.
#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub(super) enum Policy {
    Other,
    Batch,
    Idle,
    Fifo(u8),
    RoundRobin(u8),
    Deadline([u16; 3]),
}

impl Policy {
    pub(super) fn scheduler(self) -> Scheduler {
        match self {
            Self::Other => Scheduler::other(),
            Self::Batch => Scheduler::batch(),
            Self::Idle => Scheduler::idle().reset_on_fork(),
            Self::Fifo(priority) => Scheduler::fifo((priority % 101).into()),
            Self::RoundRobin(priority) => Scheduler::round_robin((priority % 101).into()),
            Self::Deadline(mut times) => {
                if times[0] % 4 > 0 {
                    times.sort_unstable();
                }
                let [runtime, deadline, period] =
                    times.map(|time| Duration::from_micros(time.into()));
                Scheduler::deadline(runtime, deadline, period)
            }
        }
    }
}

/// Five capability sets, most of which obey the rules of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub(super) struct Sets {
    obeys: u8,
    sets: [u64; 5],
}

impl Sets {
    pub(super) fn capabilities(self) -> Capabilities {
        let [bounding, permitted, effective, inheritable, ambient] =
            self.sets.map(CapabilitySet::from_bits_retain);
        if self.obeys < 64 {
            return Capabilities { bounding, permitted, effective, inheritable, ambient };
        }
        let effective = effective & permitted;
        let ambient = ambient & permitted & inheritable;
        Capabilities { bounding, permitted, effective, inheritable, ambient }
    }
}

/// An I/O priority, whose level may be invalid.
pub(super) fn io_priority(class: u8, level: u8) -> IoPriority {
    let level = (level % 9).into();
    match class % 3 {
        0 => IoPriority::realtime(level),
        1 => IoPriority::best_effort(level),
        _ => IoPriority::idle(),
    }
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub(super) enum MountKind {
    Tmpfs(Text),
    Bind(Text, Text),
    Dev,
    Data(Text),
    Overlay(Text, Text),
}

impl MountKind {
    pub(super) fn mount(&self) -> Mount {
        match self {
            Self::Tmpfs(target) => Mount::tmpfs(&target.0).create(),
            Self::Bind(source, target) => Mount::bind(&source.0, &target.0).recursive().read_only(),
            Self::Dev => Mount::dev("/dev"),
            Self::Data(data) => Mount::devpts("/dev/pts").data(&data.0),
            Self::Overlay(lower, upper) => {
                Mount::overlay("/mnt", [&lower.0, &upper.0], &upper.0, "/tmp")
            }
        }
    }
}
