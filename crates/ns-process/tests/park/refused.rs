//! Settings with which no process can be parked.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use crate::common::{Output, assert_refused, assert_unchanged};
use crate::support::Gate;
use ns_process::{Builder, CloneFlags, Container, Error, Payload, Step};
use ns_testbed::{Leftovers, own_name};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};

/// The error of a start that is refused before any system call.
fn refusal<Kind>(builder: &Builder<Kind>) -> Error {
    let before = Leftovers::snapshot();
    let error = builder.start_parked().expect_err("an invalid setting");
    assert_unchanged(&before);
    assert_eq!((error.step(), error.errno()), (Step::Check, None), "{error}");
    error
}

fn socket(kind: SocketType) -> OwnedFd {
    socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).expect("socket")
}

/// A gate that cannot return an error, or that everybody could reach, is refused.
#[test]
fn f43_only_a_listening_socket_with_a_path_is_a_gate() {
    ns_testbed::run_as!([Root, User], {
        let (fifo, datagram, packets) = (Output::new(), Output::new(), Output::new());
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, fifo.path(), FileType::Fifo, mode, 0).expect("mkfifo");
        let name = SocketAddr::from_abstract_name(own_name()).expect("a name");
        let sequenced = socket(SocketType::SEQPACKET);
        let address = rustix::net::SocketAddrUnix::new(packets.path()).expect("an address");
        bind(&sequenced, &address).expect("bind");
        listen(&sequenced, 5).expect("listen");
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let pair = UnixStream::pair().expect("socketpair");
        let no_socket = "park_at: not a listening Unix stream socket";
        let no_path = "park_at: the socket has no path in the file system";
        let cases: [(OwnedFd, &str); 8] = [
            (open(fifo.path(), OFlags::RDWR | OFlags::CLOEXEC, mode).expect("open"), no_socket),
            (UnixDatagram::bind(datagram.path()).expect("bind").into(), no_socket),
            (sequenced, no_socket),
            (tcp.into(), no_socket),
            (pair.0.into(), no_socket),
            (socket(SocketType::STREAM), no_socket),
            (File::open("/dev/null").expect("open").into(), no_socket),
            (UnixListener::bind_addr(&name).expect("bind").into(), no_path),
        ];
        for (file, message) in cases {
            let mut container = Container::new("true");
            container.park_at(file);
            assert_eq!(refusal(&container).object(), Some(message));
        }
    });
}

/// Only `start_parked` waits at a path.
#[test]
fn f43_a_plain_start_with_a_gate_is_refused() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        let gate = Gate::of(&mut container);
        let message = "park_at: only start_parked waits for a release";
        assert_refused(&container, message);
        assert_eq!(container.status().expect_err("refused").object(), Some(message));
        assert_eq!(container.output().expect_err("refused").object(), Some(message));
        // The planned program cannot be changed.
        let waiting = container.start_parked().expect("start_parked");
        let error = waiting.release_with(&Payload::new()).expect_err("refused");
        assert_eq!(error.step(), Step::Check);
        let message = "release_with: park_at allows only the planned program";
        assert_eq!(error.object(), Some(message));
        drop(gate);
    });
}

/// A closure executes nothing, and shared descriptors would be the caller's.
#[test]
fn f43_what_executes_no_program_is_not_parked() {
    ns_testbed::run_as!([User], {
        let closure = Container::from_fn(|| ());
        let message = "start_parked: a closure executes no program";
        assert_eq!(refusal(&closure).object(), Some(message));
        let mut sharing = Container::new("true");
        sharing.flags(CloneFlags::FILES);
        let message = "start_parked: CLONE_FILES shares the caller's descriptors";
        assert_eq!(refusal(&sharing).object(), Some(message));
        // Other invalid settings are refused as by a plain start.
        let mut invalid = Container::new("true");
        invalid.nice(99);
        let plain = invalid.start().expect_err("invalid");
        assert_eq!(refusal(&invalid).object(), plain.object());
    });
}
