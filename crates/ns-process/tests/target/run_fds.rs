//! Descriptors that a closure in other namespaces passes to the caller.
#![allow(unsafe_code, reason = "closures in a program with threads")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::target::{Target, sleep};
use crate::common::{assert_unchanged, in_child, reap_all};
use ns_process::{
    Container, Errno, Inject, Namespace, Resource, SetnsProcess, Step, namespace_of, setns,
    setns_process, setns_process_fds,
};
use ns_sys::child::prlimit;
use ns_testbed::Leftovers;
use rustix::io::{FdFlags, fcntl_getfd};

/// A process in its own user and network namespaces, with a loopback device that is up.
fn network() -> Target {
    Target::new(sleep().namespaces(["user", "net"]).map_zero().loopback())
}

fn network_of(target: &Target) -> SetnsProcess {
    setns_process(&**target, ["user", "net"]).expect("a target")
}

fn listen() -> Vec<OwnedFd> {
    vec![TcpListener::bind((Ipv4Addr::LOCALHOST, 80)).expect("bind").into()]
}

/// The only element.
fn one(files: Vec<OwnedFd>) -> OwnedFd {
    <[OwnedFd; 1]>::try_from(files).expect("one").into_iter().next().expect("one")
}

/// A caller without privilege accepts connections of another network namespace, at a privileged port.
#[test]
fn s5_a_socket_of_another_network_namespace_is_served_here() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let target = network();
            let before = Leftovers::snapshot();
            let listener =
                TcpListener::from(one(network_of(&target).run_fds(listen).expect("run")));
            let address = listener.local_addr().expect("an address");
            assert_eq!(address, SocketAddr::from((Ipv4Addr::LOCALHOST, 80)));
            let client = move || {
                let mut stream = TcpStream::connect(address).expect("connect");
                stream.write_all(b"from inside").expect("write");
                stream.shutdown(Shutdown::Write).expect("shutdown");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).expect("read");
                i32::from(answer != "from the host")
            };
            let client = Inject::from_fn(&*target, client).start().expect("start");
            let (mut stream, _) = listener.accept().expect("accept");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("read");
            assert_eq!(text, "from inside");
            stream.write_all(b"from the host").expect("write");
            drop(stream);
            assert_eq!(client.join().expect("join").code(), Some(0));
            drop((client, listener));
            assert_unchanged(&before);
        });
    });
}

/// None, as many as one message holds, more than that, and a descriptor twice: in their order, close-on-exec.
#[test]
fn s5_any_number_of_descriptors_keeps_its_order() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let target = network();
            let inside = network_of(&target);
            let before = Leftovers::snapshot();
            for count in [0, 1, 2, 252, 253, 254, 506, 507, 600] {
                let open = move || {
                    let socket = |_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
                    let sockets: Vec<UdpSocket> = (0..count.min(3)).map(socket).collect();
                    let file =
                        |at: usize| OwnedFd::from(sockets[at % 3].try_clone().expect("duplicate"));
                    (0..count).map(file).collect::<Vec<_>>()
                };
                let files = inside.run_fds(open).expect("run");
                assert_eq!(files.len(), count);
                let flags = files.iter().map(|file| fcntl_getfd(file).expect("open"));
                assert!(flags.into_iter().all(|flags| flags.contains(FdFlags::CLOEXEC)));
                let inodes: Vec<_> = files
                    .into_iter()
                    .map(|file| File::from(file).metadata().expect("stat").st_ino())
                    .collect();
                assert!(inodes.iter().skip(3).zip(&inodes).all(|(later, first)| later == first));
                assert!(inodes.windows(2).all(|pair| pair[0] != pair[1]), "{inodes:?}");
            }
            assert_unchanged(&before);
        });
    });
}

/// An open file belongs to the mount namespace in which it was opened.
#[test]
fn s5_a_file_of_another_mount_namespace_is_read_here() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let target = Target::new(sleep().all().without("time").map_zero().mount_proc());
            let held = [Namespace::User, Namespace::Mnt, Namespace::Pid];
            let held = held.map(|kind| namespace_of(&*target, kind).expect("a namespace"));
            let by_fds = setns_process_fds(held).expect("three");
            let by_target = setns_process(&*target, "all").expect("a target");
            for inside in [by_fds, by_target] {
                let open = || vec![File::open("/proc/1/comm").expect("open").into()];
                let comm = File::from(one(inside.run_fds(open).expect("run")));
                assert_eq!(std::io::read_to_string(comm).expect("read"), "sleep\n");
            }
        });
    });
}

/// A closure without a value, a caller with threads and a target that has exited are errors, as with bytes.
#[test]
fn s5_a_closure_that_hands_over_nothing_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::in_all();
        let inside = setns_process(&*target, "user").expect("a target");
        let error = inside.run_fds(Vec::new).expect_err("threads");
        assert_eq!(error.step(), Step::MultiThreaded, "{error}");
        in_child(|| {
            let null = File::options().write(true).open("/dev/null").expect("open");
            rustix::stdio::dup2_stderr(null).expect("dup2");
            let before = Leftovers::snapshot();
            let error_of = |body: fn() -> Vec<OwnedFd>| {
                let error = inside.run_fds(body).expect_err("no value");
                assert_eq!(error.step(), Step::Output, "{error}");
                error.to_string()
            };
            assert!(error_of(|| panic!("no value")).contains("101"));
            assert!(error_of(|| std::process::exit(0)).contains("exit status: 0"));
            assert!(error_of(|| std::process::abort()).contains("signal"));
            assert_unchanged(&before);
        });
        target.kill().expect("kill");
        target.join().expect("join");
        in_child(|| {
            let error = inside.run_fds(Vec::new).expect_err("it has exited");
            assert_eq!(error.step(), Step::TargetGone, "{error}");
        });
    });
}

/// A caller at its limit of open files gets an error with a hint, and no descriptor is left open.
#[test]
fn s5_more_descriptors_than_the_limit_are_an_error() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let target = network();
            let inside = network_of(&target);
            // Known to the process from the first start on.
            inside.run_fds(Vec::new).expect("run");
            let before = Leftovers::snapshot();
            let open = |count| {
                move || {
                    // The limit of the child is raised again.
                    prlimit(Resource::Nofile as u32, 4096, 4096).expect("prlimit");
                    (0..count).map(|_| File::open("/dev/null").expect("open").into()).collect()
                }
            };
            prlimit(Resource::Nofile as u32, 64, 4096).expect("prlimit");
            // In the first message, and in the last one.
            for count in [200, 700] {
                let error = inside.run_fds(open(count)).expect_err("too many");
                assert_eq!((error.step(), error.errno()), (Step::Output, Some(Errno::MFILE)));
                assert!(error.hint().is_some_and(|hint| hint.contains("RLIMIT_NOFILE")), "{error}");
                assert_unchanged(&before);
            }
            prlimit(Resource::Nofile as u32, 520, 4096).expect("prlimit");
            let error = inside.run_fds(open(700)).expect_err("too many");
            assert_eq!((error.step(), error.errno()), (Step::Output, Some(Errno::MFILE)));
            assert_unchanged(&before);
            assert_eq!(inside.run_fds(open(400)).expect("few enough").len(), 400);
            assert_unchanged(&before);
        });
    });
}

/// A program with threads passes descriptors too. Other closures that inherit the sockets do not delay it.
#[test]
fn e10_other_closures_do_not_delay_descriptors() {
    ns_testbed::run_as!([User], {
        let target = network();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut closure = Container::from_fn(|| {
                    thread::sleep(Duration::from_secs(1000));
                });
                closure.kill_on_drop(true);
                // SAFETY: the closure takes no lock.
                let start = || unsafe { closure.start_unchecked() }.expect("start");
                let processes: Vec<_> = (0..40).map(|_| start()).collect();
                stop.store(true, Ordering::Relaxed);
                drop(processes);
            });
            while !stop.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let inside = network_of(&target);
                let open = || (0..300).map(|_| File::open("/").expect("open").into()).collect();
                // SAFETY: the closure takes no lock.
                let files = unsafe { inside.run_fds_unchecked(open) }.expect("run");
                assert_eq!(files.len(), 300);
                assert!(begin.elapsed() < Duration::from_secs(100), "it waited for a closure");
            }
        });
        reap_all();
    });
}

/// A thread that joins a network namespace returns a socket as any other value.
#[test]
fn s5_a_thread_returns_a_socket_of_another_network_namespace() {
    ns_testbed::run_as!([Root, Nested], {
        let target = Target::new(sleep().namespaces("net").loopback());
        let inside = setns(&*target, "net").expect("a target");
        let listener = inside.run(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 80)));
        let listener = listener.expect("run").expect("bind");
        let address = listener.local_addr().expect("an address");
        let client = inside.run(|| TcpStream::connect(address)).expect("run").expect("connect");
        let (server, peer) = listener.accept().expect("accept");
        assert_eq!(peer, client.local_addr().expect("an address"));
        assert_ne!(server.as_fd().as_raw_fd(), client.as_fd().as_raw_fd());
        TcpStream::connect(address).expect_err("another network namespace has the socket");
    });
}
