//! Running a closure in namespaces that only a process can join, or only its children are in.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::{Errno, NamespaceFd};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{read, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};

use super::NamespaceSet;
use crate::error::Error;
use crate::hint;
use crate::process::Process;
use crate::settings::{Builder, Container, Inject, IntoNamespaces, JoinFile, Target};
use crate::step::Step;

/// The name in error messages.
const NAME: &str = "setns_process";

/// Namespaces in which [`run`](Self::run) and [`run_fds`](Self::run_fds) run a closure in a child process.
#[derive(Debug)]
pub struct SetnsProcess(NamespaceSet);

/// Selects namespaces of a running process, of any kind, in which [`SetnsProcess::run`] runs a closure in a child
/// process.
///
/// The process is held by a pidfd from here on. Namespaces that the caller shares with it are skipped.
///
/// ```standalone_crate
/// use ns_process::{Container, setns_process};
///
/// # // An example of documentation has threads.
/// let mut container = Container::new("sleep");
/// container.arg("1000").namespaces(["user", "uts"]).map_zero().hostname("box");
/// let process = container.start()?;
/// let inside = setns_process(&process, ["user", "uts"])?;
/// // SAFETY: no other thread holds a lock that the closure needs.
/// let name = unsafe { inside.run_unchecked(|| std::fs::read("/proc/sys/kernel/hostname").unwrap()) }?;
/// assert_eq!(name, b"box\n");
/// process.kill()?;
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # Errors
/// - [`Step::Check`](crate::Step::Check): no namespace is given, or a name is unknown.
/// - [`Step::TargetGone`](crate::Step::TargetGone): the process does not exist.
///
/// # Kernel support
/// Linux 5.8.
///
/// # References
/// setns(2), namespaces(7).
pub fn setns_process<Marker>(
    target: impl Into<Target>,
    kinds: impl IntoNamespaces<Marker>,
) -> Result<SetnsProcess, Error> {
    NamespaceSet::of_target(NAME, target.into(), kinds).map(SetnsProcess)
}

/// As [`setns_process`], for namespaces given by descriptors.
///
/// # Errors
/// As [`setns_process`]; also [`Step::Check`](crate::Step::Check): a kind is given twice.
///
/// # References
/// setns(2).
pub fn setns_process_fds(
    namespaces: impl IntoIterator<Item = NamespaceFd>,
) -> Result<SetnsProcess, Error> {
    NamespaceSet::of_fds(NAME, namespaces).map(SetnsProcess)
}

impl SetnsProcess {
    /// Runs `body` in a child with a copy of the caller's memory, as
    /// [`Inject::from_fn`](crate::Inject::from_fn) does, and returns the bytes that it returns.
    /// The caller sees no other change that it makes. Blocks until the child has exited.
    ///
    /// # Errors
    /// Those of [`start`](Builder::start), [`Step::MultiThreaded`](crate::Step::MultiThreaded) among them: in
    /// a program with threads use [`run_unchecked`](Self::run_unchecked). And
    /// [`Step::Output`](crate::Step::Output): `body` panicked, was killed, or ended the child.
    pub fn run(&self, body: impl FnOnce() -> Vec<u8> + Send + 'static) -> Result<Vec<u8>, Error> {
        self.run_by(body, &StartFunctions { inject: Builder::start, container: Builder::start })
    }

    pub(super) fn run_by(
        &self,
        body: impl FnOnce() -> Vec<u8> + Send + 'static,
        start: &StartFunctions,
    ) -> Result<Vec<u8>, Error> {
        let (reader, writer) =
            pipe_with(PipeFlags::CLOEXEC).map_err(|errno| cannot_prepare("a pipe", errno))?;
        let process = self.start(hand_over(body, writer), start)?;
        let read = read_framed(&reader, &process);
        // After an error, the child would block in a write to a full pipe.
        drop(reader);
        value_after_exit(&process, read)
    }

    pub(super) fn start(
        &self,
        closure: impl FnMut() -> io::Result<()> + Send + 'static,
        functions: &StartFunctions,
    ) -> Result<Process, Error> {
        let join = self.0.spec().join;
        if let Some(target) = &join.target {
            let mut inject = Inject::from_fn(target.clone(), closure);
            return (functions.inject)(inject.name(NAME).namespaces(join.target_kinds.kinds()));
        }
        let mut container = Container::from_fn(closure);
        container.name(NAME);
        for (kind, file) in &join.files {
            container.join_file(*kind, JoinFile::clone(file));
        }
        (functions.container)(&container)
    }
}

/// How a builder of either kind is started: checked or unchecked.
pub(super) struct StartFunctions {
    pub(super) inject: fn(&Inject) -> Result<Process, Error>,
    pub(super) container: fn(&Container) -> Result<Process, Error>,
}

/// The error if the channel to the child cannot be created.
pub(super) fn cannot_prepare(channel: &str, errno: Errno) -> Error {
    Error::new(NAME, Step::Prepare)
        .with_errno(errno)
        .with_object(channel)
        .with_hint(hint::for_descriptors(errno))
}

/// Waits for the exit of the child, and returns the value that it sent; `None` if it sent no complete value.
pub(super) fn value_after_exit<T>(
    process: &Process,
    value: Result<Option<T>, Errno>,
) -> Result<T, Error> {
    let status = process.join()?;
    let errno = value.as_ref().err().copied();
    value.ok().flatten().filter(|_| status.success()).ok_or_else(|| {
        let hint = errno.and_then(hint::for_descriptors);
        Error::new(NAME, Step::Output)
            .with_errno(errno)
            .with_object(status.to_string())
            .with_hint(hint.or(Some("the closure panicked or exited, without a value")))
    })
}

/// Runs `body` once, and writes the number of its bytes and then the bytes: EOF alone does not end a value.
fn hand_over(
    body: impl FnOnce() -> Vec<u8> + Send + 'static,
    writer: OwnedFd,
) -> impl FnMut() -> io::Result<()> + Send + 'static {
    let mut body = Some(body);
    let mut writer = File::from(writer);
    move || {
        let bytes = body.take().map(|body| body()).unwrap_or_default();
        writer.write_all(&(bytes.len() as u64).to_ne_bytes())?;
        writer.write_all(&bytes)
    }
}

/// The bytes that the closure wrote, or `None` if the process exited before it wrote all of them.
///
/// Does not wait for EOF: closures that other threads start meanwhile inherit the writing end.
fn read_framed(reader: &OwnedFd, process: &Process) -> Result<Option<Vec<u8>>, Errno> {
    let mut framed = Vec::new();
    loop {
        if let Some(bytes) = unframed(&framed) {
            return Ok(Some(bytes.to_vec()));
        }
        if !is_readable_before_exit(reader, process)? {
            return Ok(None);
        }
        framed.reserve(64 * 1024);
        if retry_on_intr(|| read(reader, spare_capacity(&mut framed)))? == 0 {
            return Ok(None);
        }
    }
}

/// Waits until the channel is readable; `false` if the process has exited and has left nothing in it.
pub(super) fn is_readable_before_exit(channel: &OwnedFd, process: &Process) -> Result<bool, Errno> {
    let mut fds = [PollFd::new(channel, PollFlags::IN), PollFd::new(process, PollFlags::IN)];
    retry_on_intr(|| poll(&mut fds, None))?;
    Ok(!fds[0].revents().is_empty())
}

/// The bytes after their number, once all have been read.
fn unframed(framed: &[u8]) -> Option<&[u8]> {
    let (length, bytes) = framed.split_first_chunk()?;
    (u64::from_ne_bytes(*length) == bytes.len() as u64).then_some(bytes)
}
