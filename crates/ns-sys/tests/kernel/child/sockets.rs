//! Descriptors in messages.

use std::fs::File;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use ns_sys::{Errno, Signal, child};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Receives one message: its bytes and its descriptors.
fn receive(socket: &UnixStream) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut bytes = [0; 64];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
    let received = recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC);
    let length = received.expect("recvmsg").bytes;
    let files = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    let files = files.flatten().collect();
    (bytes[..length].to_vec(), files)
}

/// The peer receives the bytes with a descriptor of the same open file.
#[test]
fn a_descriptor_is_sent_with_its_bytes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (own, peer) = UnixStream::pair().expect("socketpair");
        let (mut reader, writer) = std::io::pipe().expect("pipe");
        assert_eq!(child::send_fd(own.as_fd(), b"a pipe", writer.as_fd()), Ok(6));
        drop(writer);
        let (bytes, mut files) = receive(&peer);
        assert_eq!(bytes, b"a pipe");
        assert_eq!(files.len(), 1);
        let received = files.pop().expect("one");
        assert_eq!(child::write(received.as_fd(), b"text"), Ok(4));
        drop(received);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text, "text");
    });
}

/// A missing peer is an error, without `SIGPIPE`.
#[test]
fn a_peer_that_is_gone_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let (own, peer) = UnixStream::pair().expect("socketpair");
        drop(peer);
        let null = File::open("/dev/null").expect("open");
        // std ignores SIGPIPE.
        child::rt_sigaction_default(Signal::PIPE).expect("sigaction");
        assert_eq!(child::send_fd(own.as_fd(), b"x", null.as_fd()), Err(Errno::PIPE));
        assert_eq!(child::send_fd(null.as_fd(), b"x", null.as_fd()), Err(Errno::NOTSOCK));
    });
}
