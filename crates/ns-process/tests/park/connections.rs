//! Connections to a process that waits at a path.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::common::users::{as_process_1, as_user};
use crate::common::{Directory, Output, reap_all, rounds, shell};
use crate::support::{Gate, await_call, code_of, parked, state};
use ns_process::{Errno, Step, release_at, release_at_timeout, release_by, release_by_timeout};
use ns_sys::UnshareFlags;
use ns_testbed::LONG;

fn connected(gate: &Gate) -> UnixStream {
    UnixStream::connect(gate.path()).expect("connect")
}

/// Waits until the process has closed the connection.
fn await_close(mut socket: UnixStream) {
    socket.set_read_timeout(Some(LONG)).expect("a limit");
    match socket.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        other => panic!("{other:?}"),
    }
}

/// A connection that sends anything else than the release is closed, and the next one is served.
#[test]
fn f43_garbage_at_a_path_releases_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        let long = vec![b'x'; 100_000];
        let messages: [&[u8]; 6] = [b"12345678", b"ns go  2", b"half", b"", &[0; 4096], &long];
        for message in messages {
            let mut socket = connected(&gate);
            // The process may close the connection before it has read all.
            let _ = socket.write_all(message);
            let _ = socket.shutdown(Shutdown::Write);
            await_close(socket);
            assert!(state(waiting.pid()).is_some_and(|state| state != 'Z'));
        }
        // The halves of two connections are no message.
        for half in [b"xxxx  1\0", b"ns go\0\0\0"] {
            let mut socket = connected(&gate);
            socket.write_all(half).expect("write");
            await_close(socket);
        }
        release_at_timeout(gate.path(), LONG).expect("release");
        assert_eq!(code_of(waiting.process()), Some(3));
    });
}

/// What a connection has sent is not kept for the next one.
#[test]
fn f43_two_connections_make_no_message() {
    ns_testbed::run_as!([User], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        let release = b"ns go  1";
        let mut first = connected(&gate);
        first.write_all(&[b"xxxx", &release[4..]].concat()).expect("write");
        await_close(first);
        let mut second = connected(&gate);
        second.write_all(&release[..4]).expect("write");
        second.shutdown(Shutdown::Write).expect("shutdown");
        await_close(second);
        // The bytes above are those of a release.
        let mut third = connected(&gate);
        third.write_all(release).expect("write");
        assert_eq!(code_of(waiting.process()), Some(3));
    });
}

/// A connection that says nothing delays others by a second.
#[test]
fn f43_a_silent_connection_delays_others_by_a_second() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        let silent = connected(&gate);
        let mut half = connected(&gate);
        half.write_all(b"half").expect("write");
        await_call(waiting.pid(), libc::SYS_recvfrom);
        let begin = Instant::now();
        release_at_timeout(gate.path(), LONG).expect("release");
        let taken = begin.elapsed();
        println!("shown: served after {} ms", taken.as_millis());
        assert!(taken > Duration::from_millis(500), "{taken:?}: it did not wait");
        assert_eq!(code_of(waiting.process()), Some(3));
        await_close(silent);
        await_close(half);
    });
}

/// Many connections that end at once do not prevent the release.
#[test]
fn f43_many_connections_are_served() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        let path = gate.path().to_owned();
        let others = thread::spawn(move || {
            for round in 0..1000 {
                let Ok(mut socket) = UnixStream::connect(&path) else { break };
                if round % 2 == 0 {
                    let _ = socket.write_all(b"garbage!");
                }
            }
        });
        release_at_timeout(gate.path(), LONG).expect("release");
        assert_eq!(code_of(waiting.process()), Some(3));
        others.join().expect("the thread");
    });
}

/// Of several releases at the same time one succeeds, and the program runs once.
#[test]
fn f43_one_of_several_releases_succeeds() {
    ns_testbed::run_as!([Root, User], {
        for _ in 0..rounds(500, 20) {
            let output = Output::new();
            let mut container = shell(&format!("echo ran >> {}", output.path()));
            let gate = Gate::of(&mut container);
            let waiting = parked(&container);
            let releases: Vec<_> = (0..4)
                .map(|_| {
                    let path = gate.path().to_owned();
                    thread::spawn(move || release_at_timeout(path, LONG))
                })
                .collect();
            let results: Vec<_> =
                releases.into_iter().map(|thread| thread.join().expect("a thread")).collect();
            let succeeded = results.iter().filter(|result| result.is_ok()).count();
            assert_eq!(succeeded, 1, "{results:?}");
            for error in results.into_iter().filter_map(Result::err) {
                let refused = [Errno::CONNREFUSED, Errno::PIPE].map(Some);
                let is_known = match error.step() {
                    Step::Release => refused.contains(&error.errno()),
                    step => step == Step::Exec && error.errno().is_none(),
                };
                assert!(is_known, "{error}");
            }
            assert_eq!(code_of(waiting.process()), Some(0));
            assert_eq!(output.read(), "ran\n");
        }
    });
}

/// A nonblocking socket works as a blocking one.
#[test]
fn f43_a_nonblocking_socket_waits() {
    ns_testbed::run_as!([Root, User], {
        let (gate, listener) = Gate::bind();
        listener.set_nonblocking(true).expect("nonblocking");
        let mut container = shell("exit 3");
        container.park_at(listener);
        let waiting = parked(&container);
        drop(connected(&gate));
        assert!(state(waiting.pid()).is_some_and(|state| state != 'Z'));
        release_at_timeout(gate.path(), LONG).expect("release");
        assert_eq!(code_of(waiting.process()), Some(3));
    });
}

/// Another user releases the process if the permissions of the file allow it, and not otherwise.
#[test]
fn f43_the_file_decides_who_releases() {
    ns_testbed::run_as!([Root], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        let mode = |bits| fs::set_permissions(gate.path(), fs::Permissions::from_mode(bits));
        mode(0o600).expect("chmod");
        as_user(|| {
            let error = release_at(gate.path()).expect_err("no permission");
            assert_eq!((error.step(), error.errno()), (Step::Release, Some(Errno::ACCESS)));
        });
        mode(0o666).expect("chmod");
        as_user(|| release_at_timeout(gate.path(), LONG).expect("release"));
        assert_eq!(code_of(waiting.process()), Some(3));
    });
}

/// A process in another pid namespace, which cannot see the parked process, releases it, and
/// receives the error of execve(2).
#[test]
fn f43_a_process_in_another_pid_namespace_releases() {
    ns_testbed::run_as!([Root, User, Nested], {
        for program in ["exit 3", "/nope"] {
            let mut container = match program {
                "/nope" => ns_process::Container::new(program),
                script => shell(script),
            };
            let gate = Gate::of(&mut container);
            let waiting = parked(&container);
            as_process_1(UnshareFlags::NEWNS, || match release_at_timeout(gate.path(), LONG) {
                Ok(()) => assert_eq!(program, "exit 3"),
                Err(error) => {
                    assert_eq!(program, "/nope", "{error}");
                    assert_eq!(error.step(), Step::Exec);
                    assert_eq!(error.errno(), Some(Errno::NOENT));
                    assert_eq!(error.object(), Some("/nope"));
                }
            });
            let code = code_of(waiting.process());
            assert_eq!(code, Some(if program == "/nope" { 125 } else { 3 }));
        }
    });
}

/// A path that is longer than an address of a socket.
#[test]
fn f43_a_long_path_is_reached() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new(&"long ".repeat(30));
        let short = Output::new();
        std::os::unix::fs::symlink(&*directory, short.path()).expect("symlink");
        let listener = UnixListener::bind(format!("{}/gate", short.path())).expect("bind");
        let mut container = shell("exit 3");
        container.park_at(listener);
        let waiting = parked(&container);
        release_at_timeout(directory.join("gate"), LONG).expect("release");
        assert_eq!(code_of(waiting.process()), Some(3));
    });
}

/// A path without a parked process is a typed error.
#[test]
fn f43_a_path_without_a_parked_process_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let error = release_at("/no/such/gate").expect_err("no file");
        assert_eq!((error.step(), error.errno()), (Step::Release, Some(Errno::NOENT)));
        let file = Output::new();
        fs::write(file.path(), "").expect("write");
        let error = release_at(file.path()).expect_err("no socket");
        assert_eq!((error.step(), error.errno()), (Step::Release, Some(Errno::CONNREFUSED)));
        // Another program, which answers something else.
        let (gate, listener) = Gate::bind();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("accept");
            socket.write_all(&[b'x'; 64]).expect("write");
            let _ = socket.read_to_end(&mut Vec::new());
        });
        let error = release_at_timeout(gate.path(), LONG).expect_err("another program");
        assert_eq!((error.step(), error.errno()), (Step::Release, Some(Errno::PROTO)), "{error}");
        server.join().expect("the thread");
        // What is no gate at all.
        let error = release_by(fs::File::open("/dev/null").expect("open")).expect_err("no socket");
        assert_eq!((error.step(), error.errno()), (Step::Release, Some(Errno::NOTSOCK)), "{error}");
        let (own, mut theirs) = UnixStream::pair().expect("socketpair");
        theirs.write_all(&[0; 64]).expect("write");
        let error = release_by_timeout(&own, LONG).expect_err("another program");
        assert_eq!((error.step(), error.errno()), (Step::Release, Some(Errno::PROTO)), "{error}");
        reap_all();
    });
}
