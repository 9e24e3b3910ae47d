//! Giving up the handle.

use super::Process;

impl Process {
    /// Gives up the handle, and returns the process ID. The process continues, also with
    /// [`kill_on_drop`](crate::Builder::kill_on_drop), and also if an [`Inject`](crate::Inject) started it.
    ///
    /// Piped streams that were not taken are closed. After the exit a later start, drop or [`reap`](crate::reap) reaps
    /// the process, and the kernel may give its ID to another process. To signal the process safely later, or to wait
    /// for its exit, first duplicate [`pidfd`](Self::pidfd). Does not block.
    ///
    /// A process that has joined a pid namespace stays there as a zombie until it is reaped, and process 1 of that
    /// namespace cannot exit before. A caller that starts no other process must call [`reap`](crate::reap).
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let mut container = Container::new("sleep");
    /// let pid = container.arg("0.1").kill_on_drop(true).start()?.into_detached();
    /// assert!(std::fs::exists(format!("/proc/{pid}")).expect("proc"));
    /// while ns_process::reap() > 0 {
    ///     std::thread::sleep(std::time::Duration::from_millis(10));
    /// }
    /// assert!(!std::fs::exists(format!("/proc/{pid}")).expect("proc"));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// pid_namespaces(7).
    pub fn into_detached(mut self) -> u32 {
        self.drop_policy.kill_on_drop = false;
        self.drop_policy.reap_on_drop = false;
        self.pid
    }
}
