//! Runs the built binary in every role.

use std::fs::{self, File};
use std::os::fd::IntoRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};
use std::{env, thread};

use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpid};
use serde_json::Value;

/// The path of the binary for each role, which may not be able to search the build directory.
const BINARY: &str = "/proc/self/fd/200";

/// Opens the binary in the test process, so that the processes of all roles inherit the descriptor.
pub(crate) fn open_binary() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if !Path::new(BINARY).exists() {
            let file = File::open(env!("CARGO_BIN_EXE_ns-oci")).expect("open the binary");
            let file = ns_testbed::for_all(file).expect("copy the binary");
            let kept = rustix::io::fcntl_dupfd_cloexec(&file, 200).expect("duplicate to 200");
            rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty())
                .expect("clear close-on-exec");
            assert_eq!(kept.into_raw_fd(), 200);
        }
    });
}

/// Like `ns_testbed::run_as!`, with the binary open.
macro_rules! run_oci_as {
    ([$($role:ident),+], $body:block) => {
        $crate::runtime::open_binary();
        ns_testbed::run_as!([$($role),+], $body);
    };
}
pub(crate) use run_oci_as;

/// The runtime with a directory of states, as an engine uses it: the processes of its containers become
/// children of the test.
pub(crate) struct Runtime {
    root: PathBuf,
}

impl Runtime {
    pub(crate) fn new() -> Self {
        // Also the processes of containers whose creator has exited.
        set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
        Self { root: env::temp_dir().join("states") }
    }

    /// A command line, with the directory of states.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--root").arg(&self.root).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command line and captures its output. The output of a program that lives on goes to a file,
    /// because a pipe would not end.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("run ns-oci")
    }

    /// Runs a command line that succeeds. Returns its output.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs a command line that starts a process which lives on. Its output is discarded.
    pub(crate) fn start_ok(&self, words: &[&str]) {
        let mut command = self.command(words);
        let errors = env::temp_dir().join(format!("errors-{:?}", thread::current().id()));
        let file = File::create(&errors).expect("create");
        let status = command.stdout(Stdio::null()).stderr(file).status().expect("run ns-oci");
        let text = fs::read_to_string(&errors).expect("read");
        fs::remove_file(errors).expect("remove");
        assert!(status.success(), "{words:?}: {text}");
    }

    /// Runs a command line that fails. Returns the message, one line.
    pub(crate) fn error(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(!output.status.success(), "{words:?}: {output:?}");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "{words:?}: {text}");
        text.strip_prefix("ns-oci: ").expect("the name of the command").trim_end().to_owned()
    }

    pub(crate) fn state(&self, id: &str) -> Value {
        serde_json::from_str(&self.ok(&["state", id])).expect("JSON")
    }

    pub(crate) fn status(&self, id: &str) -> String {
        self.state(id)["status"].as_str().expect("a status").to_owned()
    }

    pub(crate) fn pid(&self, id: &str) -> Pid {
        let pid = self.state(id)["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        pid.and_then(Pid::from_raw).expect("a process ID")
    }

    /// The names of the states that are left.
    pub(crate) fn states(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Vec::new() };
        let names = entries.map(|entry| entry.expect("entry").file_name().into_string());
        names.collect::<Result<_, _>>().expect("UTF-8")
    }

    /// Removes the directory of states, in which nothing may be left.
    pub(crate) fn finish(self) {
        assert_eq!(self.states(), [""; 0]);
        if self.root.exists() {
            fs::remove_dir(&self.root).expect("remove");
        }
    }
}

/// Waits for a process that has become a child of the test. Returns its exit code; 128 and the signal if it
/// was killed.
pub(crate) fn reap(pid: Pid) -> i32 {
    let (_, status) = waitpid(Some(pid), WaitOptions::empty()).expect("wait").expect("exited");
    let signal = || status.terminating_signal().map(|signal| 128 + signal);
    status.exit_status().or_else(signal).expect("an end")
}

/// Waits until `is_so`.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + ns_testbed::LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
