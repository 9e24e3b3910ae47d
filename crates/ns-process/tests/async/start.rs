//! Starts that do not block the runtime.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ns_process::{Container, Errno, Namespace, Stdio, Step};
use ns_testbed::{LONG, Leftovers};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::runtime::Builder;

use crate::common::target::sleep;
use crate::common::{Directory, assert_unchanged, in_child, mapped, shell};
use crate::{block_on, build, runtime};

/// A start on each kind of runtime returns the handle of an executed program, or the error of the start.
#[test]
fn a_program_is_started() {
    ns_testbed::run_as!([Root, User, Nested], {
        for workers in [0, 2] {
            runtime(workers).block_on(async {
                let mut container = shell("exit 7");
                container.namespaces([Namespace::User, Namespace::Pid]).map_zero().name("job");
                let process = container.start_async().await.expect("start");
                assert_eq!(process.name(), "job");
                assert_eq!(process.join().await.expect("join").code(), Some(7));
                let status = container.status_async().await.expect("start");
                assert_eq!(status.code(), Some(7));
                let error = Container::new("/nope").start_async().await.expect_err("no such file");
                assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            });
        }
    });
}

/// The future has the settings of the time at which it was made, and can be sent to another task.
#[test]
fn a_start_keeps_its_settings() {
    ns_testbed::run_as!([Root, User], {
        runtime(1).block_on(async {
            let mut container = shell("exit 3");
            let start = container.start_async();
            container.arg("one\0two");
            let error = container.start_async();
            drop(container);
            let process = tokio::spawn(start).await.expect("a task").expect("start");
            assert_eq!(process.join().await.expect("join").code(), Some(3));
            assert_eq!(error.await.expect_err("a NUL").step(), Step::Check);
        });
    });
}

/// A start that waits, here for the writer of a FIFO, does not block the thread that polls it.
#[test]
fn a_waiting_start_does_not_block_the_runtime() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("fifo");
        let path = directory.join("fifo");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("mknod");
        block_on(async {
            let mut container = Container::new("cat");
            container.stdin(Stdio::path(&path)).stdout(Stdio::null()).start_timeout(LONG);
            let started = tokio::spawn(container.start_async());
            tokio::task::yield_now().await;
            // Blocks until the start has opened the other end.
            let open = move || File::options().write(true).open(path);
            drop(tokio::task::spawn_blocking(open).await.expect("a task").expect("open"));
            let process = started.await.expect("a task").expect("start");
            assert!(process.join().await.expect("join").success());
        });
    });
}

/// The thread that makes the start, as `before_go` sees it.
fn starting_thread(configure: impl FnOnce(&mut Container)) -> ThreadId {
    let seen = Arc::new(Mutex::new(None));
    let mut container = mapped();
    let thread = Arc::clone(&seen);
    container.before_go(move |_| *thread.lock().expect("no panic") = Some(thread::current().id()));
    configure(&mut container);
    assert!(block_on(container.status_async()).expect("start").success());
    let seen = *seen.lock().expect("no panic");
    seen.expect("the hook ran")
}

/// With `die_with_parent` the start is made by the polling thread: the runtime may end the threads of its pool.
#[test]
fn f05_the_parent_is_the_polling_thread() {
    ns_testbed::run_as!([Root, User], {
        assert_ne!(starting_thread(|_| {}), thread::current().id());
        let die = |container: &mut Container| {
            container.die_with_parent();
        };
        assert_eq!(starting_thread(die), thread::current().id());

        let runtime = build(Builder::new_current_thread().thread_keep_alive(Duration::ZERO));
        runtime.block_on(async {
            let process = sleep().die_with_parent().start_async().await.expect("start");
            tokio::task::spawn_blocking(|| ()).await.expect("a thread of the pool");
            let status = process.join_timeout(Duration::from_millis(200)).await.expect("join");
            assert_eq!(status, None, "it was killed");
            process.kill().expect("kill");
            process.join().await.expect("join");
        });
    });
}

/// A closure starts where the polling thread is the only one, and is refused elsewhere.
#[test]
fn b11_a_closure_starts_from_a_single_thread() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let status = block_on(Container::from_fn(|| 3).status_async());
            assert_eq!(status.expect("start").code(), Some(3));
        });
        let error = runtime(2).block_on(Container::from_fn(|| 3).start_async());
        assert_eq!(error.expect_err("threads").step(), Step::MultiThreaded);
    });
}

/// A panic of a hook continues in the task that awaits the start.
#[test]
fn f29_a_panic_of_a_hook_continues_in_the_caller() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        block_on(async {
            let mut container = sleep();
            container.before_go(|_| -> () { panic!("a hook") });
            let task = tokio::spawn(container.start_async());
            let error = task.await.expect_err("it panics");
            assert_eq!(error.into_panic().downcast_ref(), Some(&"a hook"));
        });
        assert_unchanged(&before);
    });
}

/// A start whose descriptors cannot be registered leaves nothing behind.
#[test]
fn f20_a_failed_registration_leaves_nothing() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let runtime = runtime(0);
        ns_testbed::refuse(libc::SYS_epoll_ctl, Errno::NOSPC);
        for piped in [false, true] {
            let mut container = sleep();
            if piped {
                container.stdout(Stdio::piped());
            }
            let error = runtime.block_on(container.start_async()).expect_err("no space");
            assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::NOSPC)));
        }
        drop(runtime);
        before.assert_unchanged();
    });
}

/// A runtime without I/O panics, and the started process does not stay behind.
#[test]
fn f20_a_panic_of_the_registration_leaves_no_process() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        for piped in [false, true] {
            let mut container = sleep();
            if piped {
                container.stdout(Stdio::piped());
            }
            let start = AssertUnwindSafe(|| runtime.block_on(container.start_async()));
            catch_unwind(start).expect_err("I/O is not enabled");
        }
        drop(runtime);
        assert_unchanged(&before);
    });
}

/// A start in a runtime that has shut down is an error.
#[test]
fn a_runtime_that_has_shut_down_starts_nothing() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let runtime = runtime(1);
        let handle = runtime.handle().clone();
        drop(runtime);
        let error = handle.block_on(sleep().start_async()).expect_err("a start");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::CANCELED)));
        drop(handle);
        before.assert_unchanged();
    });
}
