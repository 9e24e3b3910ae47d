//! The resources that a process has used, after every way of joining it.
#![allow(unsafe_code, reason = "getrusage(2), signal dispositions and a tracer")]

use std::env;
use std::fs;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::Duration;

use crate::common::program::helper_test;
use crate::common::target::sleep;
use crate::common::{Output, eventually, in_child, shell, tracer};
use ns_process::{
    CloneFlags, Container, Init, Memory, Namespace, OutputLimit, Process, Signal, Stdio, Usage,
    UsageLost,
};
use ns_testbed::LONG;

const MIB: usize = 1 << 20;

/// The file to which the helper writes its usage.
const FILE: &str = "NS_USAGE_FILE";

/// The usage of this process, by libc.
fn own_usage() -> libc::rusage {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: the call writes one rusage.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) }, 0);
    // SAFETY: the call has succeeded.
    unsafe { usage.assume_init() }
}

fn cpu_micros(usage: &libc::rusage) -> i64 {
    let micros = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
    micros(usage.ru_utime) + micros(usage.ru_stime)
}

/// Not a test: uses 200 ms of CPU time and 50 MiB, and writes what the kernel says about that.
#[test]
fn helper_that_uses() {
    let Some(path) = env::var_os(FILE) else { return };
    let mut memory = vec![0_u8; 50 * MIB];
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    while cpu_micros(&own_usage()) < 200_000 {
        black_box((0..10_000).fold(0_u32, |sum, next| black_box(sum.wrapping_add(next))));
    }
    let usage = own_usage();
    let numbers = [cpu_micros(&usage), usage.ru_maxrss * 1024, usage.ru_minflt];
    fs::write(path, numbers.map(|number| number.to_string()).join(" ")).expect("write");
    black_box(memory);
}

/// A program that runs the helper, and the file with its own figures.
fn user_of_resources() -> (Container, Output) {
    let file = Output::new();
    let mut container = helper_test(helper_that_uses);
    container.env(FILE, file.path()).stdout(Stdio::null());
    (container, file)
}

/// Asserts that the usage differs from the program's own figures by 10 % at most.
fn assert_near(way: &str, usage: Option<Usage>, own: &Output) {
    let usage = usage.unwrap_or_else(|| panic!("{way}: no usage"));
    let own = own.read();
    let own: Vec<u128> = own.split(' ').map(|number| number.parse().expect("a number")).collect();
    let cpu = (usage.user + usage.system).as_micros();
    let seen = [cpu, u128::from(usage.max_rss), u128::from(usage.minor_faults)];
    for ((seen, own), what) in seen.into_iter().zip(own).zip(["CPU time", "memory", "faults"]) {
        assert!(seen.abs_diff(own) <= own / 10, "{way}: {what}: {seen} of {own}: {usage:?}");
    }
    assert!(usage.is_max_rss_exact, "{way}: {usage:?}");
}

fn usage_of(process: &Process) -> Option<Usage> {
    let usage = process.usage().expect("usage");
    assert_eq!((process.usage().expect("again"), process.usage_lost()), (usage, None));
    usage
}

type Join = fn(Process) -> Option<Usage>;
type Configure = fn(&mut Container) -> &mut Container;

/// The usage is that of the program, whichever call joins it.
#[test]
fn the_usage_after_each_way_of_joining() {
    ns_testbed::run_as!([Root, User], {
        let ways: [(&str, Join); 7] = [
            ("join", |process| {
                process.join().expect("join");
                usage_of(&process)
            }),
            ("join_timeout", |process| {
                process.join_timeout(LONG).expect("join").expect("it exits");
                usage_of(&process)
            }),
            ("exit_code", |process| {
                eventually("it exits", || process.exit_code().expect("exit_code").is_some());
                usage_of(&process)
            }),
            ("usage", |process| {
                eventually("it exits", || process.usage().expect("usage").is_some());
                usage_of(&process)
            }),
            ("terminate_timeout", |process| {
                eventually("it exits", || !process.is_alive().expect("is_alive"));
                process.terminate_timeout(LONG).expect("terminate");
                usage_of(&process)
            }),
            ("wait_with_output_timeout", |process| {
                process.wait_with_output_timeout(LONG).expect("output").usage
            }),
            ("wait_with_input_timeout", |process| {
                process.wait_with_input_timeout("text".as_bytes(), LONG).expect("output").usage
            }),
        ];
        for (way, join) in ways {
            let (mut container, file) = user_of_resources();
            container.stdin(Stdio::piped()).stdout(Stdio::piped());
            assert_near(way, join(container.start().expect("start")), &file);
        }
        let (container, file) = user_of_resources();
        let output = container.output_timeout(LONG).expect("start");
        assert_near("output_timeout", output.usage, &file);
    });
}

/// The usage is that of the program, whichever process created it and reaps it.
#[test]
fn the_usage_with_an_init_and_as_a_daemon() {
    ns_testbed::run_as!([User, Nested], {
        let kinds = [Namespace::User, Namespace::Pid];
        let ways: [(&str, Configure); 5] = [
            ("pid namespace", |container| container),
            ("init", |container| container.init(Init::builtin())),
            ("daemon", |container| container.daemonize_as_child()),
            ("daemon with init", |container| container.daemonize_as_child().init(Init::builtin())),
            ("copied memory", |container| container.memory(Memory::Copied)),
        ];
        for (way, configure) in ways {
            let (mut container, file) = user_of_resources();
            configure(container.namespaces(kinds).map_zero());
            let process = container.start().expect("start");
            assert!(process.join().expect("join").success(), "{way}");
            assert_near(way, usage_of(&process), &file);
        }
    });
}

/// With an init, the usage contains that of an orphan; without one, only that of waited descendants.
#[test]
fn an_init_adds_the_usage_of_orphans() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = Output::new();
        let orphan = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; times > $FILE";
        let script = format!("(sh -c '{orphan}' &); until [ -s $FILE ]; do sleep 0.01; done");
        let used = |container: &mut Container| {
            let process = container.start().expect("start");
            assert!(process.join().expect("join").success());
            let used = usage_of(&process).expect("usage");
            // A line such as `0m0.210s 0m0.000s`.
            let own = file.read();
            let user = own.split(['m', 's']).nth(1).expect("seconds").parse().expect("a number");
            fs::write(file.path(), "").expect("write");
            (used.user + used.system, Duration::from_secs_f64(user))
        };
        let mut container = shell(&script);
        let (seen, orphan) = used(container.env("FILE", file.path()));
        assert!(orphan > Duration::from_millis(20), "{orphan:?}");
        let without = seen;
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        let (seen, orphan) = used(&mut container);
        assert!(seen >= orphan * 9 / 10, "{seen:?} of {orphan:?}, {without:?} without");
    });
}

/// The kernel discards the usage of the processes that it kills when process 1 exits. With an init, the program is one
/// of them.
#[test]
fn the_usage_of_a_program_killed_with_its_init_is_lost() {
    ns_testbed::run_as!([Root, User, Nested], {
        let limit = Duration::from_millis(500);
        let used = |container: &mut Container| {
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            let output = container.output_timeout(limit).expect("start");
            assert_eq!(output.ended_by, Some(OutputLimit::Time));
            let usage = output.usage.expect("usage");
            usage.user + usage.system
        };
        let alone = used(&mut shell("while :; do :; done"));
        let with_init = used(shell("while :; do :; done").init(Init::builtin()));
        assert!(with_init < alone / 2, "{with_init:?} with an init, {alone:?} without");
    });
}

/// The kernel adds the caller's memory to the maximum of a program. It is reported as an upper bound.
#[test]
fn the_memory_of_the_caller_bounds_that_of_a_small_program() {
    ns_testbed::run_as!([Root, User], {
        let used = |container: &Container| {
            let process = container.start().expect("start");
            process.join().expect("join");
            process.usage().expect("usage").expect("it is reaped here")
        };
        let small = used(&Container::new("true"));
        assert!(small.max_rss > 0 && small.max_rss < 100 * MIB as u64, "{small:?}");
        let (container, _file) = user_of_resources();
        let before = container.start().expect("start");
        before.join().expect("join");
        let exact = before.usage().expect("usage");
        let mut memory = vec![0_u8; 300 * MIB];
        memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        let large = used(&Container::new("true"));
        assert!(!large.is_max_rss_exact, "{large:?}");
        let (container, file) = user_of_resources();
        let inexact = used(&container);
        assert!(!inexact.is_max_rss_exact && !file.read().is_empty(), "{inexact:?}");
        assert!(exact.is_some_and(|usage| usage.is_max_rss_exact), "{exact:?}");
        assert_eq!(before.usage().expect("again"), exact, "the caller has grown since");
        black_box(memory);
    });
}

/// A running process has no usage, and has not lost it.
#[test]
fn a_running_process_has_no_usage_yet() {
    ns_testbed::run_as!([Root, User], {
        let process = sleep().start().expect("start");
        assert_eq!((process.usage().expect("usage"), process.usage_lost()), (None, None));
        process.kill().expect("kill");
        process.join().expect("join");
        assert!(usage_of(&process).is_some());
    });
}

fn assert_lost(process: &Process, reason: UsageLost) {
    eventually("it exits", || !process.is_alive().expect("is_alive"));
    assert_eq!((process.usage().expect("usage"), process.usage_lost()), (None, Some(reason)));
    let _ = process.join();
    assert_eq!((process.usage().expect("usage"), process.usage_lost()), (None, Some(reason)));
}

/// The kernel discards the usage if SIGCHLD is ignored.
#[test]
fn f03_the_usage_is_lost_with_sigchld_ignored() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets a disposition of this process.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        assert_lost(&Container::new("true").start().expect("start"), UsageLost::Reaped);
    });
}

/// The usage goes to the waiter that reaps the process.
#[test]
fn f04_the_usage_is_lost_to_another_waiter() {
    ns_testbed::run_as!([Root, User], {
        let process = Container::new("true").start().expect("start");
        let pid = process.pid().cast_signed();
        // SAFETY: writes nothing.
        assert_eq!(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) }, pid);
        assert_lost(&process, UsageLost::Reaped);
    });
}

/// The usage of a process goes to its parent.
#[test]
fn the_usage_is_lost_to_another_parent() {
    ns_testbed::run_as!([Root, User], {
        assert_lost(
            &Container::new("true").daemonize().start().expect("start"),
            UsageLost::OtherParent,
        );
        in_child(|| {
            let process = Container::new("true").flags(CloneFlags::PARENT).start().expect("start");
            assert_lost(&process, UsageLost::OtherParent);
        });
        while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {}
    });
}

/// While a tracer holds the zombie, its usage is not known, although its status is.
#[test]
fn c20_the_usage_is_known_after_the_tracer_has_released_the_process() {
    ns_testbed::run_as!([Root], {
        let process = sleep().start().expect("start");
        let pid = process.pid().cast_signed();
        let tracer = tracer::trace(pid);
        process.kill().expect("kill");
        assert_lost(&process, UsageLost::Traced);
        // SAFETY: the tracer is a child of this process, and not yet reaped.
        assert_eq!(unsafe { libc::kill(tracer, libc::SIGKILL) }, 0);
        // SAFETY: writes nothing.
        assert_eq!(unsafe { libc::waitpid(tracer, std::ptr::null_mut(), 0) }, tracer);
        eventually("it is released", || process.usage().expect("usage").is_some());
        assert_eq!(process.usage_lost(), None);
        assert_eq!(process.exit_code().expect("exit_code"), Some(-9));
    });
}

/// The usage does not depend on the status, which an init may not report.
#[test]
fn the_usage_is_known_without_a_status() {
    ns_testbed::run_as!([Root, User], {
        let mut container = sleep();
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        container.init(Init::path("/bin/true"));
        let process = container.start().expect("start");
        process.join().expect_err("the init reports no status");
        assert!(usage_of(&process).is_some());
    });
}

/// A killed process has a usage as well.
#[test]
fn a_killed_process_has_a_usage() {
    ns_testbed::run_as!([Root, User], {
        let process = shell("while :; do :; done").start().expect("start");
        std::thread::sleep(Duration::from_millis(50));
        process.signal(Signal::KILL).expect("kill");
        process.join().expect("join");
        assert!(usage_of(&process).expect("usage").user > Duration::ZERO);
    });
}

/// The kernel reaps the processes that are left when process 1 exits, and adds their usage to no other process.
#[test]
fn the_usage_of_processes_that_outlive_process_1_is_lost() {
    ns_testbed::run_as!([Root, User, Nested], {
        let endless = "while :; do :; done";
        for init in [false, true] {
            let mut container = shell(&format!("({endless}) & sleep 0.3"));
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            if init {
                container.init(Init::builtin());
            }
            let process = container.start().expect("start");
            assert!(process.join().expect("join").success());
            let usage = usage_of(&process).expect("usage");
            assert!(usage.user + usage.system < Duration::from_millis(100), "{usage:?}");
        }
    });
}

/// Later calls return the same, although the caller has more memory by then.
#[test]
fn the_usage_stays_the_same() {
    ns_testbed::run_as!([Root, User], {
        let (container, file) = user_of_resources();
        let process = container.start().expect("start");
        process.join().expect("join");
        assert_near("first", process.usage().expect("usage"), &file);
        let mut memory = vec![0_u8; 300 * MIB];
        memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        assert_near("later", process.usage().expect("usage"), &file);
        black_box(memory);
    });
}
