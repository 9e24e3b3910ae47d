//! Scheduling policy, I/O priority, CPU affinity and personality.
#![allow(unsafe_code, reason = "ioprio_get(2)")]

use std::time::Duration;

use crate::common::program::{helper_test, is_helper_test};
use crate::common::{assert_refused, printed, shell, start_error};
use ns_process::{
    Builder, CloneFlags, Container, Errno, Init, IoPriority, Namespace, Personality, Scheduler,
    Step,
};
use ns_testbed::{Role, nicer, role};

/// `SCHED_*` of sched(7).
const OTHER: u32 = 0;
const FIFO: u32 = 1;
const RR: u32 = 2;
const BATCH: u32 = 3;
const IDLE: u32 = 5;
const DEADLINE: u32 = 6;

fn stat() -> Container {
    let mut container = Container::new("cat");
    container.arg("/proc/self/stat");
    container
}

/// The fields `nice`, `rt_priority` and `policy` of a program that prints its `/proc/PID/stat`.
fn scheduled<Kind>(builder: &Builder<Kind>) -> (i32, u32, u32) {
    let stat = printed(builder);
    let fields: Vec<_> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    // The first of them is field 3 of proc_pid_stat(5).
    let field = |number: usize| fields[number - 3];
    let number = |field: &str| field.parse().expect("a number");
    (field(19).parse().expect("a number"), number(field(40)), number(field(41)))
}

/// The CPUs of the caller.
fn own_cpus() -> Vec<u32> {
    let set = rustix::thread::sched_getaffinity(None).expect("sched_getaffinity");
    let cpus = (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu));
    cpus.map(|cpu| u32::try_from(cpu).expect("small")).collect()
}

/// The policies that need no privilege; the nice value stays.
#[test]
fn the_policy_of_the_program_is_set() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = scheduled(&stat());
        assert_eq!(scheduled(stat().scheduler(Scheduler::other())), (before.0, 0, OTHER));
        assert_eq!(scheduled(stat().scheduler(Scheduler::batch())), (before.0, 0, BATCH));
        assert_eq!(scheduled(stat().scheduler(Scheduler::idle())).2, IDLE);
        let nice = nicer(7);
        let mut container = stat();
        container.scheduler(Scheduler::batch()).nice(nice);
        assert_eq!(scheduled(&container), (nice, 0, BATCH));
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        assert_eq!(scheduled(container.init(Init::builtin())), (nice, 0, BATCH));
        assert_eq!(container.get_scheduler(), Some(Scheduler::batch()));
        assert_eq!(scheduled(&stat()), before);
    });
}

/// The real-time policies, and a deadline. Children of the program have another policy on request.
#[test]
fn a_real_time_policy_is_set() {
    ns_testbed::run_as!([Root], {
        assert_eq!(scheduled(stat().scheduler(Scheduler::fifo(5))).1, 5);
        assert_eq!(scheduled(stat().scheduler(Scheduler::fifo(1))).2, FIFO);
        let (_, priority, policy) = scheduled(stat().scheduler(Scheduler::round_robin(99)));
        assert_eq!((priority, policy), (99, RR));
        let [runtime, deadline, period] = [1, 10, 20].map(Duration::from_millis);
        let deadline = Scheduler::deadline(runtime, deadline, period);
        assert_eq!(scheduled(stat().scheduler(deadline)).2, DEADLINE);
        let child = "cat /proc/self/stat; true";
        assert_eq!(scheduled(shell(child).scheduler(Scheduler::fifo(5))).2, FIFO);
        let reset = Scheduler::fifo(5).reset_on_fork();
        assert_eq!(scheduled(shell(child).scheduler(reset)).2, OTHER);
    });
}

/// Without privilege the step is named.
#[test]
fn f12_refused_scheduling_is_named() {
    ns_testbed::run_as!([User], {
        ns_sys::child::prlimit(ns_process::Resource::Rtprio as u32, 0, 0).expect("prlimit");
        let error = start_error(stat().scheduler(Scheduler::fifo(1)));
        assert_eq!((error.step(), error.errno()), (Step::Scheduler, Some(Errno::PERM)));
        assert_eq!(error.object(), Some("SCHED_FIFO"));
        let error = start_error(stat().io_priority(IoPriority::realtime(0)));
        assert_eq!((error.step(), error.errno()), (Step::IoPriority, Some(Errno::PERM)));
        let error = start_error(stat().affinity([60_000]));
        assert_eq!((error.step(), error.errno()), (Step::Affinity, Some(Errno::INVAL)));
        assert_eq!(error.object(), Some("[60000]"));
    });
}

/// The program of [`the_io_priority_of_the_program_is_set`].
#[test]
fn prints_its_io_priority() {
    if is_helper_test() {
        // SAFETY: the call takes numbers only.
        println!("priority {}", unsafe { libc::syscall(libc::SYS_ioprio_get, 1, 0) });
    }
}

fn io_priority(priority: IoPriority) -> String {
    let printed = printed(helper_test(prints_its_io_priority).io_priority(priority));
    let line = printed.lines().find_map(|line| line.split("priority ").nth(1));
    line.expect("a line").to_owned()
}

/// The I/O priority is set.
#[test]
fn the_io_priority_of_the_program_is_set() {
    ns_testbed::run_as!([Root, User, Nested], {
        assert_eq!(io_priority(IoPriority::idle()), (3 << 13).to_string());
        assert_eq!(io_priority(IoPriority::best_effort(6)), (2 << 13 | 6).to_string());
        if role() == Role::Root {
            assert_eq!(io_priority(IoPriority::realtime(2)), (1 << 13 | 2).to_string());
        }
    });
}

/// The program runs on these CPUs, and the caller on its own.
#[test]
fn the_affinity_of_the_program_is_set() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = own_cpus();
        let last = *own.last().expect("a CPU");
        let mut container = shell("grep ^Cpus_allowed_list /proc/self/status | cut -f 2");
        assert_eq!(printed(container.affinity([last])), format!("{last}\n"));
        // A CPU that does not exist is ignored.
        assert_eq!(printed(container.affinity([last, 4000])), format!("{last}\n"));
        assert_eq!(container.get_affinity(), Some(&[last, 4000][..]));
        assert_eq!(own_cpus(), own);
    });
}

/// The personality applies to the program, which shows it.
#[test]
fn the_personality_of_the_program_is_set() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = Container::new("cat");
        container.arg("/proc/self/personality").personality(Personality::ADDR_NO_RANDOMIZE);
        assert_eq!(printed(&container), "00040000\n");
        container.personality(Personality::LINUX32 | Personality::from_bits(0x4_0000));
        assert_eq!(printed(&container), "00040008\n");
        let mut maps = Container::new("grep");
        maps.args(["stack", "/proc/self/maps"]).personality(Personality::ADDR_NO_RANDOMIZE);
        assert_eq!(printed(&maps), printed(&maps));
        assert_eq!(maps.get_personality(), Some(Personality::ADDR_NO_RANDOMIZE));
    });
}

/// Invalid values are refused with the name of the setter.
#[test]
fn invalid_scheduling_is_refused() {
    let refused = |scheduler, message| assert_refused(stat().scheduler(scheduler), message);
    for priority in [0, 100] {
        let message = "scheduler: the priority must be from 1 to 99";
        refused(Scheduler::fifo(priority), message);
        refused(Scheduler::round_robin(priority), message);
    }
    let message = "scheduler: needs 1024 ns <= runtime <= deadline <= period";
    let [one, two] = [1, 2].map(Duration::from_millis);
    refused(Scheduler::deadline(two, one, two), message);
    refused(Scheduler::deadline(one, two, one), message);
    refused(Scheduler::deadline(Duration::from_nanos(1023), one, one), message);
    let long = Scheduler::deadline(one, one, Duration::MAX);
    refused(long, "scheduler: the period is too long");
    let message = "io_priority: the level must be from 0 to 7";
    assert_refused(stat().io_priority(IoPriority::best_effort(8)), message);
    let message = "io_priority: CLONE_IO shares the caller's own";
    assert_refused(stat().io_priority(IoPriority::idle()).flags(CloneFlags::IO), message);
    assert_refused(stat().affinity([]), "affinity: needs at least one CPU");
    assert_refused(stat().affinity([1 << 16]), "affinity: no kernel has CPU 65536");
    let all = Personality::from_bits(u32::MAX);
    assert_refused(stat().personality(all), "personality: 0xffffffff is not a personality");
}
