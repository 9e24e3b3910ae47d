//! A mount of the list, and what `--perms`, `--size` and `--chmod` set of it.

use ns_process::Mount;

/// A mount, or a file or directory.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) mount: Mount,
    mode: ModeOf,
}

/// How the mode of a mount is set.
#[derive(Clone, Copy, Debug)]
enum ModeOf {
    /// It is not.
    Nothing,
    /// The mode of a new file or directory.
    File,
    /// An option of a tmpfs(5).
    FileSystem { size: Option<u64> },
}

impl Entry {
    /// A mount whose mode cannot be set.
    pub(super) fn mount(mount: Mount) -> Self {
        Self { mount, mode: ModeOf::Nothing }
    }

    /// A new file or directory.
    pub(super) fn file(mount: Mount) -> Self {
        Self { mount, mode: ModeOf::File }
    }

    /// A tmpfs(5) with at most this number of bytes.
    pub(super) fn tmpfs(mount: Mount, size: Option<u64>) -> Self {
        let mut entry = Self { mount, mode: ModeOf::FileSystem { size } };
        // The mode that bwrap(1) gives.
        entry.set_mode(0o755);
        entry
    }

    /// Sets the mode. Returns false if it cannot be set.
    pub(super) fn set_mode(&mut self, mode: u32) -> bool {
        let mount = self.mount.clone();
        self.mount = match self.mode {
            ModeOf::Nothing => return false,
            ModeOf::File => mount.mode(mode),
            ModeOf::FileSystem { size: None } => mount.data(format!("mode={mode:o}")),
            ModeOf::FileSystem { size: Some(size) } => {
                mount.data(format!("mode={mode:o},size={size}"))
            }
        };
        true
    }
}
