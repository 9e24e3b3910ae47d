//! The end of a test process, and what it printed.

use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How a test process ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether it had to be killed, and its group with it.
    pub(crate) is_late: bool,
    /// Whether somebody else still has its output open.
    pub(crate) is_outlived: bool,
}

impl Ended {
    /// Waits for the leader of a process group, no longer than `limit`.
    ///
    /// What outlives it has a `moment` to end. After a failure more could be for ever.
    pub(crate) fn within(limit: Duration, moment: Duration, mut child: Child) -> Self {
        let group = Pid::from_child(&child);
        let stdout = Stream::read(child.stdout.take().expect("piped"));
        let stderr = Stream::read(child.stderr.take().expect("piped"));
        let (sender, leader_ended) = mpsc::channel();
        // It is not reaped yet, so that the group's number is still its own.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        thread::spawn(move || sender.send(waitid(WaitId::Pid(group), options).is_ok()));
        let is_late = leader_ended.recv_timeout(limit).is_err();
        let is_outlived = !is_late && [&stdout, &stderr].iter().any(|stream| !stream.ends(moment));
        if is_late || is_outlived {
            // There may be nobody left in it.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let status = child.wait().expect("wait for the test process");
        Self { status, stdout: stdout.text(), stderr: stderr.text(), is_late, is_outlived }
    }
}

/// What a pipe has told so far.
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
            // Nobody may be waiting any more.
            let _ = sender.send(());
        });
        Self { bytes, end }
    }

    fn ends(&self, moment: Duration) -> bool {
        self.end.recv_timeout(moment).is_ok()
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
    fn one_that_outlives_it_is_told_and_killed() {
        let moment = Duration::from_millis(200);
        let text = "sleep 1000 & echo out; echo err >&2; exit 3";
        let ended = Ended::within(crate::LONG, moment, script(text));
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!((&*ended.stdout, &*ended.stderr), ("out\n", "err\n"));
        assert!(ended.is_outlived && !ended.is_late);
        let alone = Ended::within(crate::LONG, crate::LONG, script("exit 0"));
        assert!(alone.status.success() && !alone.is_outlived);
    }

    #[test]
    fn one_that_hangs_is_killed() {
        let limit = Duration::from_millis(200);
        let ended = Ended::within(limit, limit, script("echo out; sleep 1000"));
        assert!(ended.is_late && !ended.status.success());
        assert_eq!(ended.stdout, "out\n");
    }
}
