//! Helpers of the tests of parked processes.

use std::fs::{self, File};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;

use ns_process::{Builder, Error, Parked, Process};
use ns_testbed::Leftovers;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpid};

use crate::common::{Output, assert_unchanged, eventually};

/// A process that waits for its release.
pub(crate) fn parked<Kind>(builder: &Builder<Kind>) -> Parked {
    builder.start_parked().expect("start_parked")
}

/// The exit code of the released program.
pub(crate) fn code_of(process: &Process) -> Option<i32> {
    process.join().expect("join").code()
}

/// The error of a release that leaves nothing behind.
pub(crate) fn release_error<Kind>(builder: &Builder<Kind>) -> Error {
    let before = Leftovers::snapshot();
    let error = parked(builder).release().expect_err("it must fail");
    assert_unchanged(&before);
    error
}

/// A path at which a parked process waits for a connection. The file is removed on drop.
pub(crate) struct Gate(Output);

impl Gate {
    /// A listening socket at a new path.
    pub(crate) fn bind() -> (Self, UnixListener) {
        let file = Output::new();
        let listener = UnixListener::bind(file.path()).expect("bind");
        (Self(file), listener)
    }

    /// Lets the process of `builder` wait at a new path. The builder keeps the socket.
    pub(crate) fn of<Kind>(builder: &mut Builder<Kind>) -> Self {
        let (gate, listener) = Self::bind();
        builder.park_at(listener);
        gate
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }
}

/// The state of the process `pid` as proc(5) shows it; `None` if there is no such process.
pub(crate) fn state(pid: u32) -> Option<char> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit(") ").next()?.chars().next()
}

/// Waits until the process `pid` has this state.
pub(crate) fn await_state(pid: u32, expected: char) {
    eventually(&format!("state {expected}"), || state(pid) == Some(expected));
}

/// The name of the system call in which the process sleeps, as its number in proc(5).
pub(crate) fn await_call(pid: u32, number: i64) {
    let begins = format!("{number} ");
    eventually("it waits in the system call", || {
        fs::read_to_string(format!("/proc/{pid}/syscall"))
            .is_ok_and(|text| text.starts_with(&begins))
    });
}

/// Makes this process the parent of orphaned descendants.
pub(crate) fn adopt_orphans() {
    set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
}

/// Waits for an adopted process, and returns its exit code.
pub(crate) fn reap_adopted(pid: u32) -> Option<i32> {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a process ID")).expect("not 0");
    let ended = waitpid(Some(pid), WaitOptions::empty()).expect("an adopted process");
    ended.expect("a status").1.exit_status()
}

/// The caller's descriptors, with what they refer to.
pub(crate) fn descriptors_of(pid: u32) -> Vec<(String, String)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("list descriptors");
    let mut all: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let target = fs::read_link(&path).ok()?.display().to_string();
            Some((path.file_name()?.to_str()?.to_owned(), target))
        })
        .collect();
    all.sort();
    all
}

/// Sends a descriptor over a Unix socket.
pub(crate) fn send_fd(socket: impl AsFd, fd: BorrowedFd<'_>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let files = [fd];
    assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
    sendmsg(socket, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).expect("sendmsg");
}

/// Receives a descriptor from a Unix socket.
pub(crate) fn receive_fd(socket: impl AsFd) -> OwnedFd {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    recvmsg(socket, &mut [IoSliceMut::new(&mut [0])], &mut control, flags).expect("recvmsg");
    let files = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    files.expect("a descriptor")
}

/// This test binary, to be executed by a descriptor: while a process is parked, its
/// `/proc/self/exe` is the gate.
pub(crate) fn own_binary() -> File {
    File::open(crate::common::program::OWN_BINARY).expect("open")
}
