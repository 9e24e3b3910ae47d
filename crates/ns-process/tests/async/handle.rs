//! The handle: waits, signals, drops and conversions.
#![allow(unsafe_code, reason = "the disposition of a signal, and a tracer")]

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use ns_process::tokio::Process;
use ns_process::{Container, Errno, Inject, Namespace, Stdio, Step, Target, reap};
use ns_testbed::{LONG, Leftovers};
use tokio::time::timeout;

use crate::common::target::sleep;
use crate::common::{assert_unchanged, eventually, reap_all, shell, tracer};
use crate::{block_on, runtime};

const fn is_send_and_sync<T: Send + Sync>() {}
const _: () = is_send_and_sync::<Process>();

async fn sleeper() -> Process {
    sleep().start_async().await.expect("start")
}

/// Joins from several tasks, at once and again, return the same status.
#[test]
fn f17_every_join_returns_the_status() {
    ns_testbed::run_as!([Root, User], {
        for workers in [0, 2] {
            runtime(workers).block_on(async {
                let process = shell("sleep 0.1; exit 9").start_async().await.expect("start");
                let process = Arc::new(process);
                let join = |process: Arc<Process>| async move { process.join().await };
                let tasks = [(); 4].map(|()| tokio::spawn(join(Arc::clone(&process))));
                for task in tasks {
                    let status = task.await.expect("a task").expect("join");
                    assert_eq!(status.code(), Some(9));
                }
                assert_eq!(process.join().await.expect("again").code(), Some(9));
                assert!(!process.is_alive().expect("is_alive"));
            });
        }
    });
}

/// A wait that ends early, by its limit or because its future is dropped, loses nothing.
#[test]
fn f15_a_wait_that_ends_early_loses_nothing() {
    ns_testbed::run_as!([Root, User], {
        block_on(async {
            let process = sleeper().await;
            let short = Duration::from_millis(20);
            assert_eq!(process.join_timeout(short).await.expect("join"), None);
            timeout(short, process.join()).await.expect_err("it runs");
            let grace = process.terminate_timeout(LONG);
            drop(grace);
            assert_eq!(process.exit_code().expect("a running process"), None);
            process.terminate().expect("terminate");
            assert_eq!(process.join().await.expect("join").signal(), Some(15));
            assert_eq!(process.exit_code().expect("exit_code"), Some(-15));
            process.kill().expect("no error after the exit");
        });
    });
}

/// Process 1 of a pid namespace ignores SIGTERM; `terminate_timeout` kills it.
#[test]
fn f08_process_1_ignores_sigterm() {
    ns_testbed::run_as!([Root, User, Nested], {
        block_on(async {
            let mut container = sleep();
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            let process = container.start_async().await.expect("start");
            let status = process.terminate_timeout(Duration::from_millis(50)).await;
            assert_eq!(status.expect("terminate").signal(), Some(9));
        });
    });
}

/// A handle that blocks becomes an asynchronous one, also after the exit of its process, and back with its pipes.
#[test]
fn a_handle_is_converted() {
    ns_testbed::run_as!([Root, User], {
        let runtime = runtime(0);
        let process = shell("exit 4").start().expect("start");
        eventually("the exit", || !process.is_alive().expect("is_alive"));
        runtime.block_on(async {
            let process = Process::try_from(process).expect("register");
            assert_eq!(process.join().await.expect("join").code(), Some(4));
        });

        let mut cat = Container::new("cat");
        let cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = runtime.block_on(cat.start_async()).expect("start");
        let mut process = process.into_inner().expect("blocking pipes");
        let mut stdin = process.take_stdin().expect("it is piped");
        let writer = std::thread::spawn(move || {
            // The pipe is empty for some time, so that a read that does not block would fail.
            std::thread::sleep(Duration::from_millis(50));
            std::io::Write::write_all(&mut stdin, b"text").expect("write");
        });
        let mut text = String::new();
        let mut stdout = process.take_stdout().expect("it is piped");
        std::io::Read::read_to_string(&mut stdout, &mut text).expect("read");
        assert_eq!(text, "text");
        writer.join().expect("a thread");
        assert!(process.join().expect("join").success());
    });
}

/// A dropped handle leaves no zombie, and kills only if that is set.
#[test]
fn f18_a_dropped_handle_leaves_no_zombie() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        block_on(async {
            for _ in 0..20 {
                drop(shell("exit 0").start_async().await.expect("start"));
                drop(sleep().kill_on_drop(true).start_async().await.expect("start"));
            }
            eventually("every dropped process is reaped", || reap() == 0);

            let process = sleeper().await;
            let pidfd = process.pidfd().try_clone_to_owned().expect("dup");
            drop(process);
            assert_eq!(reap(), 1, "it is running");
            ns_sys::pidfd_send_signal(&pidfd, ns_process::Signal::KILL).expect("kill");
        });
        assert_unchanged(&before);
    });
}

/// A wait reaps processes that are dropped meanwhile, which would otherwise keep the target from terminating.
#[test]
fn c17_a_wait_reaps_dropped_processes() {
    ns_testbed::run_as!([Root, User], {
        runtime(1).block_on(async {
            let mut container = sleep();
            container.all().without(Namespace::Time).map_zero();
            let joined = Arc::new(container.start_async().await.expect("start"));
            let mut inside = sleep();
            let file = |kind: Namespace| format!("/proc/{}/ns/{}", joined.pid(), kind.name());
            inside.namespace_file(Namespace::User, file(Namespace::User));
            inside.namespace_file(Namespace::Pid, file(Namespace::Pid));
            let wait = Arc::clone(&joined);
            let wait = tokio::spawn(async move { wait.join().await });
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(inside.start().expect("start"));
            joined.kill().expect("kill");
            timeout(LONG, wait).await.expect("it ends").expect("a task").expect("join");
        });
        reap_all();
    });
}

/// The status is reported, or lost, as by the handle that blocks.
#[test]
fn f03_the_status_with_sigchld_ignored() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets a disposition of this process.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let code = |status: std::process::ExitStatus| status.code();
        let expected = shell("exit 7").status().ok().and_then(code);
        block_on(async {
            for _ in 0..50 {
                let joined = shell("exit 7").status_async().await;
                assert_eq!(joined.ok().and_then(code), expected);
            }
        });
    });
}

/// A process whose status cannot be read, because its tracer keeps it and proc is hidden, is given up.
#[test]
fn c20_a_zombie_kept_by_a_tracer_is_given_up() {
    ns_testbed::run_as!([Root], {
        let runtime = runtime(0);
        let process = sleep().start().expect("start");
        let pid = process.pid().cast_signed();
        let tracer = tracer::trace(pid);
        rustix::mount::mount("tmpfs", "/proc", "tmpfs", rustix::mount::MountFlags::empty(), None)
            .expect("hide proc");
        runtime.block_on(async {
            let process = Process::try_from(process).expect("register");
            process.kill().expect("kill");
            let joined = timeout(LONG, process.join()).await.expect("it gives up");
            let error = joined.expect_err("no status");
            assert_eq!((error.step(), error.errno()), (Step::Wait, Some(Errno::TIMEDOUT)));
            let limit = Duration::from_millis(50);
            assert_eq!(process.join_timeout(limit).await.expect("join"), None);
        });
        rustix::mount::unmount("/proc", rustix::mount::UnmountFlags::DETACH).expect("show proc");
        // SAFETY: kills the tracer, which is not reaped yet.
        unsafe { libc::kill(tracer, libc::SIGKILL) };
        // SAFETY: writes nothing.
        unsafe { libc::waitpid(tracer, std::ptr::null_mut(), 0) };
        reap_all();
    });
}

/// An asynchronous handle is a target.
#[test]
fn a_handle_is_a_target() {
    ns_testbed::run_as!([Root, User], {
        block_on(async {
            let mut container = sleep();
            container.namespaces([Namespace::User, Namespace::Uts]).map_zero().hostname("box");
            let target = container.kill_on_drop(true).start_async().await.expect("start");
            let output = Inject::new(&target, "uname").arg("-n").output_async().await;
            assert_eq!(output.expect("start").stdout, b"box\n");
            assert_eq!(Target::from(&target).to_string(), format!("process {}", target.pid()));
        });
        reap_all();
    });
}
