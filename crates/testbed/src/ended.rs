//! The status and the output of a test process.

use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// A test process that has terminated.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether it exceeded its time, and was killed with its process group.
    pub(crate) is_late: bool,
    /// Whether another process still had its output open.
    pub(crate) is_outlived: bool,
}

impl Ended {
    /// Waits for the leader of a process group, at most for `limit`.
    ///
    /// Other processes of the group have the time `grace` to exit after it.
    pub(crate) fn within(limit: Duration, grace: Duration, mut child: Child) -> Self {
        let group = Pid::from_child(&child);
        let stdout = Stream::read(child.stdout.take().expect("piped"));
        let stderr = Stream::read(child.stderr.take().expect("piped"));
        let (sender, leader_exited) = mpsc::channel();
        // The leader is not reaped, so that the ID of the group is not reused.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        thread::spawn(move || sender.send(waitid(WaitId::Pid(group), options).is_ok()));
        let is_late = leader_exited.recv_timeout(limit).is_err();
        let is_outlived =
            !is_late && [&stdout, &stderr].iter().any(|stream| !stream.ends_within(grace));
        if is_late || is_outlived {
            // The group may be empty.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let status = child.wait().expect("wait for the test process");
        Self { status, stdout: stdout.text(), stderr: stderr.text(), is_late, is_outlived }
    }
}

/// The bytes that were read from a pipe so far.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

impl Stream {
    fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let (sender, end) = mpsc::channel();
        let shared = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                shared.lock().expect("no panic").extend_from_slice(&buffer[..count]);
            }
            // The receiver may be dropped.
            let _ = sender.send(());
        });
        Self { bytes, end }
    }

    fn ends_within(&self, grace: Duration) -> bool {
        self.end.recv_timeout(grace).is_ok()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panic")).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    fn script(text: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", text]).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sh")
    }

    #[test]
    fn a_process_that_outlives_the_leader_is_reported_and_killed() {
        let grace = Duration::from_millis(200);
        let text = "sleep 1000 & echo out; echo err >&2; exit 3";
        let ended = Ended::within(crate::LONG, grace, script(text));
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!((&*ended.stdout, &*ended.stderr), ("out\n", "err\n"));
        assert!(ended.is_outlived && !ended.is_late);
        let alone = Ended::within(crate::LONG, crate::LONG, script("exit 0"));
        assert!(alone.status.success() && !alone.is_outlived);
    }

    #[test]
    fn a_process_that_hangs_is_killed() {
        let limit = Duration::from_millis(200);
        let ended = Ended::within(limit, limit, script("echo out; sleep 1000"));
        assert!(ended.is_late && !ended.status.success());
        assert_eq!(ended.stdout, "out\n");
    }
}
