//! Runs of the built binary, as every role.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::fs::File;
use std::os::fd::IntoRawFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Once;

/// Where each role finds the binary: it may not reach the path of the build.
pub(crate) const SPACE: &str = "/proc/self/fd/200";

/// Opens the binary for good, in the process that starts those of the roles.
pub(crate) fn open_binary() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if !Path::new(SPACE).exists() {
            let file = File::open(env!("CARGO_BIN_EXE_space")).expect("open the binary");
            let file = ns_testbed::for_all(file).expect("copy the binary");
            let kept = rustix::io::fcntl_dupfd_cloexec(&file, 200).expect("a number of its own");
            rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty()).expect("inherited");
            assert_eq!(kept.into_raw_fd(), 200);
        }
    });
}

/// As `ns_testbed::run_as!`, with the binary in reach.
macro_rules! run_space_as {
    ([$($role:ident),+], $body:block) => {
        $crate::common::open_binary();
        ns_testbed::run_as!([$($role),+], $body);
    };
}

/// `space` with these words, its streams captured.
pub(crate) fn space(words: &[&str]) -> Output {
    command(words).output().expect("run space")
}

pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(SPACE);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit status of `space` with these words.
pub(crate) fn status(words: &[&str]) -> i32 {
    space(words).status.code().expect("space ends by itself")
}

pub(crate) fn stdout(words: &[&str]) -> String {
    let output = space(words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The one line that `space` complains in.
pub(crate) fn complaint(words: &[&str]) -> String {
    let text = String::from_utf8(space(words).stderr).expect("text");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1, "{words:?}: {text}");
    assert!(lines[0].starts_with("space: "), "{text}");
    lines[0].to_owned()
}
