//! Descriptors that a closure opens in other namespaces, passed to the caller.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::thread;
use std::time::Duration;

use ns_sys::Errno;
use rustix::cmsg_space;
use rustix::io::{fcntl_dupfd_cloexec, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
    recvmsg, sendmsg, shutdown, socketpair,
};

use super::SetnsProcess;
use super::process::{StartFunctions, cannot_prepare, is_readable_before_exit, value_after_exit};
use crate::error::Error;
use crate::process::Process;
use crate::settings::Builder;

/// The maximum number of descriptors in one message: `SCM_MAX_FD` of include/net/scm.h.
const AT_ONCE: usize = 253;

/// The space for the descriptors of one message.
const SPACE: usize = cmsg_space!(ScmRights(AT_ONCE));

impl SetnsProcess {
    /// Runs `body` as [`run`](Self::run) does, and returns the descriptors that it returns.
    ///
    /// A socket stays in the network namespace in which it was made, and an open file in its mount namespace, also if
    /// the caller uses it. The caller can therefore serve a network namespace in which it has no process, or read a
    /// file that it cannot reach by a path. The returned descriptors are close-on-exec, in the order of `body`. After
    /// an error none is left open. Blocks until the child has exited.
    ///
    /// # Errors
    /// As [`run`](Self::run). [`Step::Output`](crate::Step::Output) also with `EMFILE`: the caller has reached
    /// `RLIMIT_NOFILE`; and with `EACCES`: a security module forbids the caller to receive a descriptor.
    ///
    /// # Kernel support
    /// Linux 5.8.
    ///
    /// # Examples
    /// ```standalone_crate
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// use ns_process::{Container, Inject, setns_process};
    ///
    /// # // An example of documentation has threads.
    /// let mut container = Container::new("sleep");
    /// container.arg("1000").namespaces(["user", "net"]).map_zero().loopback();
    /// let process = container.start()?;
    /// let listen = || vec![TcpListener::bind("127.0.0.1:80").expect("bind").into()];
    /// // SAFETY: no other thread holds a lock that the closure needs.
    /// let sockets = unsafe { setns_process(&process, ["user", "net"])?.run_fds_unchecked(listen) }?;
    /// let listener = TcpListener::from(sockets.into_iter().next().expect("one socket"));
    /// assert_eq!(listener.local_addr().expect("an address").port(), 80);
    /// process.kill()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// unix(7) `SCM_RIGHTS`.
    pub fn run_fds(
        &self,
        body: impl FnOnce() -> Vec<OwnedFd> + Send + 'static,
    ) -> Result<Vec<OwnedFd>, Error> {
        self.run_fds_by(body, &StartFunctions { inject: Builder::start, container: Builder::start })
    }

    pub(super) fn run_fds_by(
        &self,
        body: impl FnOnce() -> Vec<OwnedFd> + Send + 'static,
        start: &StartFunctions,
    ) -> Result<Vec<OwnedFd>, Error> {
        let flags = SocketFlags::CLOEXEC;
        let (receiver, sender) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
                .map_err(|errno| cannot_prepare("a pair of sockets", errno))?;
        let process = self.start(hand_over(body, sender), start)?;
        let received = receive(&receiver, &process);
        // After an error, the child would block in a send. Another child may have inherited this descriptor.
        let _ = shutdown(&receiver, Shutdown::Both);
        value_after_exit(&process, received)
    }
}

/// Runs `body` once, and sends its descriptors.
fn hand_over(
    body: impl FnOnce() -> Vec<OwnedFd> + Send + 'static,
    sender: OwnedFd,
) -> impl FnMut() -> io::Result<()> + Send + 'static {
    let mut body = Some(body);
    move || {
        let files = body.take().map(|body| body()).unwrap_or_default();
        let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        send(&sender, &files)
    }
}

/// Sends all descriptors. Each message has their total number, so that one message is sent also if there are none.
fn send(sender: &OwnedFd, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let total = (files.len() as u64).to_ne_bytes();
    let (first, rest) = files.split_at(files.len().min(AT_ONCE));
    for files in [first].into_iter().chain(rest.chunks(AT_ONCE)) {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(files));
        }
        send_one(sender, &total, &mut control)?;
    }
    Ok(())
}

/// Sends one message. The descriptors that a user has sent are limited until they are received: waits a second for the
/// receivers of others.
fn send_one(
    sender: &OwnedFd,
    data: &[u8],
    control: &mut SendAncillaryBuffer<'_, '_, '_>,
) -> Result<(), Errno> {
    let data = [IoSlice::new(data)];
    let mut rounds = 1000;
    loop {
        match retry_on_intr(|| sendmsg(sender, &data, control, SendFlags::NOSIGNAL)) {
            Err(Errno::TOOMANYREFS) if rounds > 0 => {
                rounds -= 1;
                thread::sleep(Duration::from_millis(1));
            }
            sent => return sent.map(drop),
        }
    }
}

/// The descriptors that the closure sent, or `None` if the process exited before it sent all of them.
///
/// Does not wait for EOF: closures that other threads start meanwhile inherit the sending end.
fn receive(receiver: &OwnedFd, process: &Process) -> Result<Option<Vec<OwnedFd>>, Errno> {
    let mut files = Vec::new();
    loop {
        if !is_readable_before_exit(receiver, process)? {
            return Ok(None);
        }
        match receive_some(receiver, &mut files)? {
            None => return Ok(None),
            Some(total) if total == files.len() as u64 => return Ok(Some(files)),
            Some(_) => {}
        }
    }
}

/// Receives one message, adds its descriptors to `files`, and returns their total number; `None` at EOF.
fn receive_some(receiver: &OwnedFd, files: &mut Vec<OwnedFd>) -> Result<Option<u64>, Errno> {
    let mut total = [0; 8];
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut data = [IoSliceMut::new(&mut total)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let message = retry_on_intr(|| recvmsg(receiver, &mut data, &mut control, flags))?;
    for rights in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = rights {
            files.extend(rights);
        }
    }
    if message.flags.contains(ReturnFlags::CTRUNC) {
        return Err(cannot_receive(receiver));
    }
    Ok((message.bytes == total.len()).then_some(u64::from_ne_bytes(total)))
}

/// The reason why the kernel omitted descriptors of a message. The call must come before the received ones are closed.
fn cannot_receive(receiver: &OwnedFd) -> Errno {
    fcntl_dupfd_cloexec(receiver, 0).err().unwrap_or(Errno::ACCESS)
}
