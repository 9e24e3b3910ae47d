//! A mount as a plan keeps it: its strings by their place.

use ns_sys::child::MountFlags;

use super::mount::{Mount, MountKind};
use super::strings::{Strings, Text};

/// As [`Mount`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct MountStep {
    pub(crate) index: u32,
    pub(crate) target: Text,
    pub(crate) create: bool,
    pub(crate) kind: StepKind,
}

/// As [`MountKind`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum StepKind {
    New { fs_type: Text, source: Text, flags: MountFlags, data: Option<Text> },
    Bind { source: Text, recursive: bool, attributes: u64 },
    Attributes { attributes: u64 },
    Link { name: Text, to: Text },
}

impl MountStep {
    /// The same with its strings.
    pub(crate) fn with(self, strings: Strings<'_>) -> Mount<'_> {
        let Self { index, target, create, kind } = self;
        Mount { index, target: strings.get(target), create, kind: kind.with(strings) }
    }
}

impl StepKind {
    fn with(self, strings: Strings<'_>) -> MountKind<'_> {
        let get = |text| strings.get(text);
        match self {
            Self::New { fs_type, source, flags, data } => MountKind::New {
                fs_type: get(fs_type),
                source: get(source),
                flags,
                data: data.map(get),
            },
            Self::Bind { source, recursive, attributes } => {
                MountKind::Bind { source: get(source), recursive, attributes }
            }
            Self::Attributes { attributes } => MountKind::Attributes { attributes },
            Self::Link { name, to } => MountKind::Link { name: get(name), to: get(to) },
        }
    }
}
