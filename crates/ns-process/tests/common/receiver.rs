//! The other end of a socket over which a start sends a descriptor.

use std::fs::File;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Receives descriptors.
pub(crate) struct Receiver(UnixStream);

impl Receiver {
    /// A receiver, and the socket for the start.
    pub(crate) fn new() -> (Self, OwnedFd) {
        let (own, socket) = UnixStream::pair().expect("socketpair");
        own.set_read_timeout(Some(ns_testbed::LONG)).expect("setsockopt");
        (Self(own), socket.into())
    }

    /// The bytes and the one descriptor of the next message.
    pub(crate) fn receive(&self) -> (String, File) {
        let (bytes, mut files) = self.message();
        assert_eq!(files.len(), 1, "{bytes:?}");
        (bytes, files.pop().expect("one").into())
    }

    /// Whether the start has closed the socket without another message.
    pub(crate) fn is_at_end(&self) -> bool {
        let (bytes, files) = self.message();
        bytes.is_empty() && files.is_empty()
    }

    fn message(&self) -> (String, Vec<OwnedFd>) {
        let mut bytes = [0; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let received = recvmsg(&self.0, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC);
        let length = received.expect("recvmsg").bytes;
        let files = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => Some(files),
            _ => None,
        });
        let files = files.flatten().collect();
        (String::from_utf8_lossy(&bytes[..length]).into_owned(), files)
    }
}
