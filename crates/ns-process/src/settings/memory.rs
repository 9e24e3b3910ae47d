//! The memory in which the child prepares execve(2).

use super::Builder;

/// The memory that the child uses until it executes the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Memory {
    /// The caller's memory, which costs nothing, or a copy if sharing is impossible.
    ///
    /// Memory is copied to join a time namespace, and to run a closure or a hook in the child. It
    /// is also copied if the caller has a privilege but cannot open the maps of a process that is
    /// not dumpable, or if another start needs a different value of the "dumpable" attribute for
    /// longer than 5 ms.
    #[default]
    Auto,
    /// A copy, made by libc's fork: for tools that forbid shared memory, and for emulators that do
    /// not support it. It costs as much as fork(2).
    ///
    /// qemu-user supports it without new namespaces; valgrind must also support pidfd_open(2).
    Copied,
}

/// # Memory
///
/// The memory that the child uses until it executes the program.
impl<Kind> Builder<Kind> {
    /// Sets whether the child shares the caller's memory until execve(2); by default it does if it
    /// can.
    ///
    /// A copy takes time and memory in proportion to the caller's memory.
    ///
    /// # References
    /// clone(2) `CLONE_VM`, fork(2).
    pub fn memory(&mut self, memory: Memory) -> &mut Self {
        self.memory = memory;
        self
    }

    /// The memory of the child.
    pub fn get_memory(&self) -> Memory {
        self.memory
    }
}
