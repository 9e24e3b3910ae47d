//! Runs the built binary in every role.
#![allow(dead_code, reason = "each test file uses some of these functions")]

pub(crate) mod directory;
pub(crate) mod place;

use std::fs::File;
use std::os::fd::IntoRawFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Once;

/// The path of the binary for each role, which may not be able to search the build directory.
pub(crate) const SPACE: &str = "/proc/self/fd/200";

/// Opens the binary in the test process, so that the processes of all roles inherit the descriptor.
pub(crate) fn open_binary() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if !Path::new(SPACE).exists() {
            let file = File::open(env!("CARGO_BIN_EXE_space")).expect("open the binary");
            let file = ns_testbed::for_all(file).expect("copy the binary");
            let kept = rustix::io::fcntl_dupfd_cloexec(&file, 200).expect("duplicate to 200");
            rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty())
                .expect("clear close-on-exec");
            assert_eq!(kept.into_raw_fd(), 200);
        }
    });
}

/// Like `ns_testbed::run_as!`, with the binary open.
macro_rules! run_space_as {
    ([$($role:ident),+], $body:block) => {
        $crate::common::open_binary();
        ns_testbed::run_as!([$($role),+], $body);
    };
}

/// Runs `space` with these arguments and captures its output.
pub(crate) fn space(words: &[&str]) -> Output {
    command(words).output().expect("run space")
}

pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(SPACE);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns the exit status of `space` with these arguments.
pub(crate) fn status(words: &[&str]) -> i32 {
    space(words).status.code().expect("space exits")
}

pub(crate) fn stdout(words: &[&str]) -> String {
    let output = space(words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns the one line that `space` prints on stderr.
pub(crate) fn error_line(words: &[&str]) -> String {
    let text = String::from_utf8(space(words).stderr).expect("UTF-8");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1, "{words:?}: {text}");
    assert!(lines[0].starts_with("space: "), "{text}");
    lines[0].to_owned()
}
