//! Whether the child begins in the caller's memory.

use super::Builder;

/// Where the child is until it executes the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Memory {
    /// In the caller's memory, which costs nothing, unless what was asked for cannot be done there: to enter a
    /// time namespace, or to run the caller's own code, a closure or a hook in the child. Also in a copy if the
    /// caller has some privilege but cannot open the maps of a process that is not dumpable, or if another
    /// start needs the "dumpable" attribute of the process otherwise for longer than 5 ms.
    #[default]
    Auto,
    /// In a copy that libc's fork makes: for tools that forbid processes with shared memory, and emulators that do
    /// not know them. It costs as much as fork(2).
    ///
    /// qemu-user knows it without new namespaces. valgrind has to know pidfd_open(2) as well.
    Copied,
}

impl<Kind> Builder<Kind> {
    /// Whether memory is copied where it need not be.
    ///
    /// # References
    /// clone(2) `CLONE_VM`, fork(2).
    pub fn memory(&mut self, memory: Memory) -> &mut Self {
        self.memory = memory;
        self
    }

    /// Whether memory is copied where it need not be.
    pub fn get_memory(&self) -> Memory {
        self.memory
    }
}
