//! Attributes of mounts, as settings.

use bitflags::bitflags;

use crate::Propagation;
use crate::apply::{Attributes, TreeAttributes};

bitflags! {
    /// Attributes of a mount, `MOUNT_ATTR_*`.
    ///
    /// A mount has one of [`RELATIME`](Self::RELATIME), [`NOATIME`](Self::NOATIME) and
    /// [`STRICTATIME`](Self::STRICTATIME). Clearing one of them restores `RELATIME`.
    ///
    /// # References
    /// mount_setattr(2), mount(8) "FILESYSTEM-INDEPENDENT MOUNT OPTIONS"; include/uapi/linux/mount.h.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct MountAttrs: u64 {
        /// Read-only.
        const RDONLY = 0x1;
        /// Ignore set-user-ID and set-group-ID bits and file capabilities.
        const NOSUID = 0x2;
        /// Forbid opening devices.
        const NODEV = 0x4;
        /// Forbid executing programs.
        const NOEXEC = 0x8;
        /// Do not update access times.
        const NOATIME = 0x10;
        /// Update the access time at each access.
        const STRICTATIME = 0x20;
        /// Do not update the access times of directories.
        const NODIRATIME = 0x80;
        /// Do not follow symbolic links; since Linux 5.10.
        const NOSYMFOLLOW = 0x20_0000;
        /// Update access times that are older than the last change, or than one day.
        // The kernel's value is 0, which no flag can have.
        const RELATIME = 1 << 63;
    }
}

/// `MOUNT_ATTR__ATIME`: the bits that hold how access times are updated.
pub(crate) const ATIME_MASK: u64 = 0x70;

impl MountAttrs {
    /// The attributes of which a mount has exactly one.
    pub(crate) const ATIME: Self = Self::RELATIME.union(Self::NOATIME).union(Self::STRICTATIME);
}

/// The requested changes of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Of all mounts of the tree.
    pub(crate) all: Change,
    /// Of the topmost mount, made after the changes of all.
    pub(crate) top: Change,
}

impl Changes {
    pub(crate) fn setting(attrs: MountAttrs) -> Self {
        Self { all: Change { set: attrs, ..Change::default() }, top: Change::default() }
    }

    /// Sets attributes of all mounts, and no longer clears them on the topmost mount.
    pub(crate) fn set_everywhere(&mut self, attrs: MountAttrs) {
        self.all.set(attrs);
        self.top.clear -= attrs;
    }

    /// Whether two of the attributes that exclude each other are set in one call.
    pub(crate) fn is_contradictory(self) -> bool {
        [self.all, self.top].into_iter().any(Change::is_contradictory)
    }

    pub(crate) fn clears(self) -> bool {
        !(self.all.clear | self.top.clear).is_empty()
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The changes of a mount without mounts below it: all mounts are the topmost one.
    pub(crate) fn of_one(self) -> Change {
        self.all.then(self.top)
    }

    /// Returns the changes in the form of mount_setattr(2).
    pub(crate) fn compile(self, is_recursive: bool) -> TreeAttributes {
        let Self { all, top } = self;
        if is_recursive {
            TreeAttributes { all: all.compile(), top: top.compile() }
        } else {
            TreeAttributes { all: Attributes::default(), top: self.of_one().compile() }
        }
    }
}

/// The requested changes of one mount, or of all mounts of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) set: MountAttrs,
    clear: MountAttrs,
    pub(crate) propagation: Option<Propagation>,
}

impl Change {
    pub(crate) fn propagation(propagation: Propagation) -> Self {
        Self { propagation: Some(propagation), ..Self::default() }
    }

    /// The last change of an attribute applies.
    pub(crate) fn set(&mut self, attrs: MountAttrs) {
        if attrs.intersects(MountAttrs::ATIME) {
            self.set -= MountAttrs::ATIME;
            self.clear -= MountAttrs::ATIME;
        }
        self.set |= attrs;
        self.clear -= attrs;
    }

    /// The last change of an attribute applies. To clear how access times are updated restores the default.
    pub(crate) fn clear(&mut self, attrs: MountAttrs) {
        if attrs.intersects(MountAttrs::ATIME) {
            self.set -= MountAttrs::ATIME;
        }
        self.clear |= attrs;
        self.set -= attrs;
    }

    fn is_contradictory(self) -> bool {
        (self.set & MountAttrs::ATIME).iter().count() > 1
    }

    /// Adds the changes of `later`.
    fn then(mut self, later: Self) -> Self {
        self.set(later.set);
        self.clear(later.clear);
        self.propagation = later.propagation.or(self.propagation);
        self
    }

    fn compile(self) -> Attributes {
        let has_atime = (self.set | self.clear).intersects(MountAttrs::ATIME);
        let bits = |attrs: MountAttrs| (attrs - MountAttrs::RELATIME).bits();
        Attributes {
            set: bits(self.set),
            clear: bits(self.clear - MountAttrs::ATIME) | if has_atime { ATIME_MASK } else { 0 },
            propagation: self.propagation,
        }
    }
}
