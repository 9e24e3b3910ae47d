//! Closures instead of programs.
#![allow(unsafe_code, reason = "starts from a program with threads, and C's stdout")]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::memory::dumpable;
use crate::common::target::{Target, namespaces_of, sleep};
use crate::common::{Directory, Output, assert_unchanged, in_child, printed, rounds};
use ns_process::{
    Chroot, Clock, CloneFlags, Container, Inject, IntoExitCode, Namespace, Signal, Stdio, Step,
};
use ns_testbed::{LONG, Leftovers};

fn code_of<Value: IntoExitCode>(closure: impl FnMut() -> Value + Send + 'static) -> Option<i32> {
    let mut container = Container::from_fn(closure);
    container.stderr(Stdio::null()).status().expect("start").code()
}

type Setter = fn(&mut Container) -> &mut Container;

/// The value of the closure is the exit code, truncated as by exit(3).
#[test]
fn s1_the_value_is_the_exit_code() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let before = Leftovers::snapshot();
            assert_eq!(code_of(|| ()), Some(0));
            assert_eq!(code_of(|| 7_u8), Some(7));
            assert_eq!(code_of(|| 256), Some(0));
            assert_eq!(code_of(|| -1), Some(255));
            assert_eq!(code_of(|| Ok::<_, String>(3)), Some(3));
            assert_eq!(code_of(|| Err::<(), _>("no")), Some(1));
            assert_eq!(code_of(|| assert_eq!(1, 2, "on purpose")), Some(101));
            let failed = Container::from_fn(|| Err::<(), _>("no way")).output().expect("start");
            assert_eq!(failed.stderr, b"Error: \"no way\"\n");
            assert_unchanged(&before);
        });
    });
}

/// A caller with several threads is refused, and nothing is started.
#[test]
fn s1_a_caller_with_threads_is_refused() {
    ns_testbed::run_as!([User], {
        let before = Leftovers::snapshot();
        let error = Container::from_fn(|| ()).start().expect_err("the test harness has threads");
        assert_eq!(error.step(), Step::MultiThreaded);
        assert!(error.object().is_some_and(|object| object.ends_with("threads")), "{error}");
        assert_unchanged(&before);
    });
}

/// Settings that need a program are refused with the reason.
#[test]
fn s1_settings_of_programs_are_refused() {
    ns_testbed::run_as!([User], {
        let cases: [(&str, Setter); 9] = [
            ("arg:", |container| container.arg("x")),
            ("exec_label:", |container| container.exec_label("x")),
            ("close_except", |container| container.close_fds(true)),
            ("fd 9", |container| container.fd(9, Stdio::null())),
            ("env", |container| container.env("a=b", "c")),
            ("CLONE_VM", |container| container.flags(CloneFlags::VM)),
            ("CLONE_VFORK", |container| container.flags(CloneFlags::VFORK)),
            ("CLONE_FILES", |container| container.flags(CloneFlags::FILES)),
            ("CLONE_PARENT", |container| container.flags(CloneFlags::PARENT)),
        ];
        for (reason, set) in cases {
            let mut container = Container::from_fn(|| ());
            let error = set(&mut container).plan().expect_err("refused");
            assert_eq!(error.step(), Step::Check);
            assert!(error.to_string().contains(reason), "{error}");
        }
    });
}

/// A closure runs in new namespaces of every kind, with maps, clocks and names.
#[test]
fn s1_a_closure_runs_in_new_namespaces_of_every_kind() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let mut container = Container::from_fn(|| {
                println!("{}", namespaces_of("self").join(" "));
                println!("{}", rustix::process::geteuid().as_raw());
                println!("{}", rustix::process::getpid().as_raw_pid());
                println!("{}", rustix::system::uname().nodename().to_string_lossy());
                println!("{}", fs::read_to_string("/proc/uptime").expect("uptime"));
                println!("{}", fs::read_dir("/proc/self/task").expect("tasks").count());
            });
            container.all().map_zero().mount_proc().hostname("box");
            container.time_offset(Clock::Boottime, 100_000_000, 0);
            let text = printed(&container);
            let lines: Vec<&str> = text.lines().collect();
            let own = namespaces_of("self");
            assert!(lines[0].split(' ').zip(&own).all(|(inside, own)| inside != own), "{text}");
            assert_eq!(lines[1..4], ["0", "1", "box"]);
            let uptime: f64 = lines[4].split(' ').next().expect("a number").parse().expect("one");
            assert!(uptime > 100_000_000.0, "{uptime}");
        });
    });
}

/// A closure runs in another root.
#[test]
fn s4_a_closure_runs_in_another_root() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let root = Directory::with("closure", &["inside"]);
            let closure = || i32::from(fs::metadata("/inside").is_ok_and(|found| found.is_dir()));
            let status = Chroot::from_fn(&*root, closure).map_zero().status();
            assert_eq!(status.expect("start").code(), Some(1));
        });
    });
}

/// A closure runs in all namespaces of another process.
#[test]
fn s5_a_closure_joins_all_namespaces_of_a_process() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new(sleep().all().map_zero().mount_proc());
        in_child(|| {
            let mut inject =
                Inject::from_fn(&*target, || println!("{}", namespaces_of("self").join(" ")));
            let output = inject.name("injected").output().expect("start");
            let text = String::from_utf8(output.stdout).expect("text");
            let seen: Vec<_> = text.trim().split(' ').collect();
            assert_eq!(seen, namespaces_of(target.pid()));
        });
    });
}

/// Buffered output is printed once, and no destructor of the caller runs in the child.
#[test]
fn f19_buffers_and_destructors_run_once() {
    ns_testbed::run_as!([User], {
        struct Droppable<'a>(&'a str);
        impl Drop for Droppable<'_> {
            fn drop(&mut self) {
                let mut file = fs::OpenOptions::new().append(true).open(self.0).expect("open");
                file.write_all(b"dropped;").expect("write");
            }
        }
        for ends in ["returns", "panics"] {
            let file = Output::new();
            in_child(|| {
                let stdout = fs::OpenOptions::new().create(true).append(true).open(file.path());
                rustix::stdio::dup2_stdout(stdout.expect("open")).expect("dup2");
                let _droppable = Droppable(file.path());
                print!("rust;");
                // SAFETY: a literal without conversions.
                unsafe { libc::printf(c"c;".as_ptr()) };
                let mut container = Container::from_fn(move || {
                    print!("closure;");
                    assert_eq!(ends, "returns", "on purpose");
                });
                container.stderr(Stdio::null()).status().expect("start");
            });
            let text = file.read();
            for word in ["rust;", "c;", "closure;", "dropped;"] {
                assert_eq!(text.matches(word).count(), 1, "{word} in {text}");
            }
        }
    });
}

/// Threads, locks, signals and abort work in a closure as in any process.
#[test]
fn s1_a_closure_runs_in_an_ordinary_process() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let threads = || {
                let sum = Mutex::new(0);
                thread::scope(|scope| {
                    for number in 1..=4 {
                        let sum = &sum;
                        scope.spawn(move || *sum.lock().expect("lock") += number);
                    }
                });
                let status = Container::new("sh").args(["-c", "exit 5"]).status();
                let sum = sum.into_inner().expect("sum");
                sum + status.expect("start").code().expect("code")
            };
            let mut container = Container::from_fn(threads);
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            assert_eq!(container.status().expect("start").code(), Some(15));
            let mut aborts = Container::from_fn(|| -> () { std::process::abort() });
            let aborts = aborts.namespace(Namespace::User).stderr(Stdio::null());
            // musl's abort sends SIGABRT to a stale thread ID, and then crashes with SIGSEGV.
            let ended = if cfg!(target_env = "musl") { 11 } else { 6 };
            assert_eq!(aborts.status().expect("start").signal(), Some(ended));
            let sleeps = Container::from_fn(|| thread::sleep(Duration::from_secs(1000)));
            let process = sleeps.start().expect("start");
            assert!(process.is_alive().expect("is_alive"));
            process.signal(Signal::TERM).expect("signal");
            assert_eq!(
                process.exit_code().and_then(|_| process.join()).expect("join").signal(),
                Some(15)
            );
        });
    });
}

/// Streams, environment variables and `close_except` apply to a closure.
#[test]
fn s1_streams_environment_and_descriptors_of_a_closure() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let mut echo = Container::from_fn(|| {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).expect("read");
                print!("{text}{}", std::env::var("NS_CLOSURE").expect("set"));
                assert!(std::env::var_os("PATH").is_none());
            });
            echo.stdin(Stdio::piped()).stdout(Stdio::piped()).env_clear().env("NS_CLOSURE", "!");
            let mut process = echo.start().expect("start");
            let mut stdin = process.take_stdin().expect("piped");
            stdin.write_all(b"hello").expect("write");
            drop(stdin);
            let output = process.wait_with_output().expect("output");
            assert_eq!((output.status.code(), output.stdout), (Some(0), b"hello!".to_vec()));
            let file = fs::File::open("/dev/null").expect("open");
            let number = file.as_raw_fd();
            let is_open =
                move || i32::from(fs::metadata(format!("/proc/self/fd/{number}")).is_ok());
            let mut container = Container::from_fn(is_open);
            assert_eq!(container.status().expect("start").code(), Some(1));
            // SAFETY: the closure uses no descriptor of the caller.
            unsafe { container.close_except([]) };
            assert_eq!(container.status().expect("start").code(), Some(0));
            // SAFETY: as above.
            unsafe { container.close_except([number]) };
            assert_eq!(container.status().expect("start").code(), Some(1));
        });
    });
}

/// Signal handlers and the signal mask are reset; ignored signals stay ignored.
#[test]
fn f01_handlers_and_mask_are_reset_for_a_closure() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            extern "C" fn handler(_: i32) {}
            // SAFETY: an empty handler.
            unsafe { libc::signal(libc::SIGUSR1, handler as *const () as usize) };
            let mut mask = ns_sys::child::SignalSet::EMPTY.with(Signal::TERM);
            mask = ns_sys::child::rt_sigprocmask(mask).expect("mask");
            let text = printed(&Container::from_fn(|| {
                let status = fs::read_to_string("/proc/self/status").expect("status");
                for line in status.lines().filter(|line| line.starts_with("Sig")) {
                    println!("{line}");
                }
            }));
            ns_sys::child::rt_sigprocmask(mask).expect("mask");
            let own = fs::read_to_string("/proc/self/status").expect("status");
            let of = |text: &str, name: &str| {
                let line = text.lines().find(|line| line.starts_with(name)).expect("a line");
                line.split_ascii_whitespace().nth(1).expect("bits").to_owned()
            };
            assert_eq!(of(&text, "SigIgn"), of(&own, "SigIgn"));
            let ignored = u64::from_str_radix(&of(&own, "SigIgn"), 16).expect("hex");
            assert!(ignored & 1 << (libc::SIGPIPE - 1) != 0, "Rust ignores SIGPIPE");
            for name in ["SigBlk", "SigCgt"] {
                assert_eq!(of(&text, name), "0000000000000000", "{name}");
            }
        });
    });
}

/// A running closure delays neither other starts nor readers of their output.
#[test]
fn e05_a_running_closure_delays_no_other_start() {
    ns_testbed::run_as!([User], {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let done = &done;
            scope.spawn(move || {
                let mut sleepers = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let closure = || thread::sleep(2 * LONG);
                    // SAFETY: the closure only sleeps.
                    let sleeper = unsafe { Container::from_fn(closure).start_unchecked() };
                    sleepers.push(sleeper.expect("start"));
                    thread::sleep(Duration::from_millis(5));
                }
                for sleeper in sleepers {
                    sleeper.kill().and_then(|()| sleeper.join()).expect("killed");
                }
            });
            let mut longest = Duration::ZERO;
            for _ in 0..100 {
                let before = Instant::now();
                let output = Container::new("echo").arg("x").output().expect("start");
                assert_eq!(output.stdout, b"x\n");
                longest = longest.max(before.elapsed());
            }
            done.store(true, Ordering::Relaxed);
            assert!(longest < LONG, "a start took {longest:?}");
        });
    });
}

/// Closures allocate and print while threads of the caller do the same.
#[test]
fn b11_closures_started_unchecked_from_a_threaded_program() {
    ns_testbed::run_as!([Root, User], {
        let done = AtomicBool::new(false);
        let count = rounds(300, 60);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        drop(vec![String::from("x").repeat(100); 100]);
                        let _ = std::io::stdout().flush();
                        let _ = fs::File::open("/proc/self/stat");
                    }
                });
            }
            for number in 0..count {
                let mut container = Container::from_fn(move || {
                    let text: Vec<String> = (0..100).map(|at| format!("{at}")).collect();
                    println!("{}", text.concat());
                    number % 100
                });
                container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
                container.stdout(Stdio::null());
                // SAFETY: the locks of the heap and of stdout are free in the child.
                let process = unsafe { container.start_unchecked() }.expect("start");
                let status = process.join_timeout(LONG).expect("join");
                assert_eq!(status.expect("no hang").code(), Some(number % 100));
            }
            done.store(true, Ordering::Relaxed);
        });
        println!("shown: {count} closures from a program with two allocating threads, no hang");
    });
}

/// A builder starts its closure any number of times, each time in a new copy of the memory.
#[test]
fn s1_each_start_runs_a_copy_of_the_closure() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let mut count = 0;
            let container = Container::from_fn(move || {
                count += 1;
                count
            });
            for _ in 0..3 {
                assert_eq!(container.status().expect("start").code(), Some(1));
            }
            let text = container.plan().expect("plan").describe().to_string();
            assert!(
                text.starts_with("memory: copied from the caller, then the closure runs\n"),
                "{text}"
            );
            assert!(text.contains("parent: fork()"), "{text}");
        });
    });
}

/// A failed or panicked `before_go` hook and a timeout leave nothing behind.
#[test]
fn f20_a_failed_start_of_a_closure_leaves_nothing() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let before = Leftovers::snapshot();
            let mut refused = Container::from_fn(|| ());
            refused.namespace(Namespace::User).map_zero().before_go(|_| Err::<(), _>("no"));
            assert_eq!(refused.start().expect_err("refused").step(), Step::BeforeGo);
            assert_unchanged(&before);
            let mut panics = Container::from_fn(|| ());
            panics.before_go(|_| assert_eq!(1, 2, "on purpose"));
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panics.start()));
            assert!(caught.is_err());
            assert_unchanged(&before);
            let mut stopped = Container::from_fn(|| ());
            stopped.start_timeout(Duration::from_millis(100));
            stopped.before_go(|child| ns_sys::pidfd_send_signal(child, Signal::STOP));
            assert_eq!(stopped.start().expect_err("stopped").step(), Step::StartTimeout);
            assert_unchanged(&before);
        });
    });
}

/// A child that is killed before the closure or the program begins is an error.
#[test]
fn f27_a_child_killed_by_its_hook_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        fn kill_self() {
            // musl's raise uses a cached thread ID, which is not that of the child.
            let own = i32::try_from(std::process::id()).expect("a pid");
            // SAFETY: kills this process only.
            unsafe { libc::kill(own, libc::SIGKILL) };
        }
        in_child(|| {
            let before = Leftovers::snapshot();
            for mut container in [Container::from_fn(|| ()), Container::new("true")] {
                // SAFETY: the hook makes one call.
                unsafe { container.preexec(|_| kill_self()) };
                let error = container.start().expect_err("it was killed");
                assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
                assert!(error.to_string().contains("signal"), "{error}");
                assert_unchanged(&before);
            }
        });
    });
}

/// The status of a closure is reported if `SIGCHLD` is ignored or another thread reaps every child.
#[test]
fn f03_f04_the_status_of_a_closure_is_reported() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            // SAFETY: no handler.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            for code in 0..20 {
                assert_eq!(code_of(move || code), Some(code));
            }
            // SAFETY: no handler.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
        });
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    // SAFETY: stores nothing.
                    unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
                }
            });
            for code in 0..20 {
                let container = Container::from_fn(move || code);
                // SAFETY: the closure takes no lock.
                let process = unsafe { container.start_unchecked() }.expect("start");
                assert_eq!(process.join().expect("join").code(), Some(code));
            }
            done.store(true, Ordering::Relaxed);
        });
    });
}

/// A closure that closes its stdout ends the stream for the reader, and inherits no descriptor of the start.
#[test]
fn e08_a_closure_can_end_its_stream() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let mut container = Container::from_fn(|| {
                let open = fs::read_dir("/proc/self/fd").expect("list");
                let links = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
                let links: Vec<_> = links.map(|link| link.display().to_string()).collect();
                assert!(links.iter().all(|link| !link.contains("pidfd")), "{links:?}");
                // SAFETY: nothing is written to it afterwards.
                unsafe { libc::close(1) };
                thread::sleep(Duration::from_secs(1000));
            });
            container.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
            let mut process = container.start().expect("start");
            let mut stdout = process.take_stdout().expect("piped");
            assert_eq!(stdout.read(&mut [0]).expect("read"), 0);
            assert!(process.is_alive().expect("is_alive"), "it sleeps");
        });
    });
}

/// If the caller has no stdin, the closure has none.
#[test]
fn e02_a_caller_without_stdin_starts_a_closure() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            // SAFETY: this process does not use it.
            unsafe { libc::close(0) };
            let closed = || i32::from(fs::read_link("/proc/self/fd/0").is_err());
            let status = Container::from_fn(closed).namespace(Namespace::User).map_zero().status();
            assert_eq!(status.expect("start").code(), Some(1));
        });
    });
}

/// A closure does not reap the dropped processes of the caller.
#[test]
fn f18_a_closure_reaps_no_process_of_the_caller() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let sleeper = sleep().start().expect("start");
            let pidfd = ns_sys::pidfd_open(sleeper.pid()).expect("pidfd");
            drop(sleeper);
            let status =
                Container::from_fn(|| i32::try_from(ns_process::reap()).unwrap_or(99)).status();
            assert_eq!(status.expect("start").code(), Some(0));
            assert_eq!(ns_process::reap(), 1);
            ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
            ns_sys::waitid_pidfd(&pidfd, ns_sys::WaitFlags::ALL).expect("wait");
        });
    });
}

/// A closure stays dumpable while other starts clear the flag of the whole program.
#[test]
fn c18_a_closure_keeps_the_dumpable_flag() {
    ns_testbed::run_as!([User], {
        let target = Target::in_all();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert!(Inject::new(&*target, "true").status().expect("start").success());
                }
            });
            for _ in 0..30 {
                let closure = Container::from_fn(dumpable);
                // SAFETY: the closure makes one call.
                let process = unsafe { closure.start_unchecked() }.expect("start");
                assert_eq!(process.join().expect("join").code(), Some(1));
            }
            done.store(true, Ordering::Relaxed);
        });
    });
}

/// The threads of the caller are counted without the configured proc.
#[test]
fn s1_a_false_proc_does_not_hide_threads() {
    ns_testbed::run_as!([User], {
        let proc = Directory::with("proc", &["self/task/1"]);
        let error = Container::from_fn(|| ()).proc(&*proc).start().expect_err("threads");
        assert_eq!(error.step(), Step::MultiThreaded);
    });
}

/// A hook that kills the child before exec is an error without proc, too.
#[test]
fn f27_a_child_killed_by_its_hook_is_an_error_without_proc() {
    ns_testbed::run_as!([Root, User], {
        let killed = |proc: &str| {
            let mut container = Container::new("true");
            container.proc(proc);
            // SAFETY: the hook makes one call.
            unsafe {
                container.preexec(|_| {
                    let own = rustix::process::getpid();
                    rustix::process::kill_process(own, rustix::process::Signal::KILL)
                });
            }
            container.start()
        };
        let error = killed("/nowhere").expect_err("it was killed");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
        let mut lives = Container::new("true");
        // SAFETY: the hook does nothing.
        unsafe { lives.proc("/nowhere").preexec(|_| ()) };
        assert!(lives.status().expect("start").success());
    });
}
