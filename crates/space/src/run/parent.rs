//! `--die-with-parent`.

use rustix::process::{Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

/// Lets the kernel kill `space` when its parent exits. `space` is killed at once if the parent has exited meanwhile.
///
/// A parent that has exited before is not noticed, because another process has become the parent.
pub(crate) fn die_with_parent() {
    let parent = getppid();
    // This fails only for an invalid signal.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != parent {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
