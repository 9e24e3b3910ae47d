//! Random descriptor settings: the planned moves on a simulated table, and in real children.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;

use ns_fs::apply::{self, FdStep};
use ns_fs::{Descriptors, FdPlan, Stdio};
use ns_sys::child::exit_group;
use ns_testbed::{DescriptorRequest, DescriptorTable, forked};
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::fstat;

use crate::fixture::{borrow, command};

/// A move is drawn as a target number and an index into the open descriptors.
fn draw() -> impl Strategy<Value = DescriptorRequest> {
    let number = || 0..DescriptorRequest::NUMBERS;
    let open = btree_map(number(), any::<bool>(), 1..10);
    let moves = btree_map(number(), any::<usize>(), 0..10);
    (open, moves, btree_set(number(), 0..4), any::<bool>()).prop_map(
        |(open, moves, kept, close_rest): (BTreeMap<RawFd, bool>, BTreeMap<_, usize>, _, _)| {
            let sources: Vec<_> = open.keys().copied().collect();
            let moves = moves.iter().map(|(to, index)| (*to, sources[index % sources.len()]));
            DescriptorRequest { moves: moves.collect(), open, kept, close_rest }
        },
    )
}

fn plan(case: &DescriptorRequest) -> FdPlan {
    let mut descriptors = Descriptors::new();
    descriptors.close_rest(case.close_rest);
    for number in &case.kept {
        descriptors.keep(*number);
    }
    for (to, from) in &case.moves {
        descriptors.place(*to, Stdio::borrowed(borrow(*from)));
    }
    FdPlan::new(&descriptors).expect("plan")
}

fn simulate(case: &DescriptorRequest, plan: &FdPlan) -> DescriptorTable {
    let mut table = case.simulated();
    for step in plan.steps() {
        match *step {
            FdStep::Duplicate { from, to } => table.duplicate(from, to),
            FdStep::Inherit { fd } => table.inherit(fd),
            FdStep::Save { from } => table.save(from),
            FdStep::Restore { to } => table.restore(to),
        }
    }
    plan.ranges().iter().for_each(|range| table.close(range.first..=range.last));
    table.finish()
}

fn run(cases: u32, check: impl Fn(&DescriptorRequest)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&draw(), |case| {
        check(&case);
        Ok(())
    });
    outcome.expect("every case");
}

/// 100 000 cases with `NS_STRESS`.
#[test]
fn e03_random_moves_simulated() {
    ns_testbed::run_as!([User], {
        let cases = if std::env::var_os("NS_STRESS").is_some() { 100_000 } else { 3_000 };
        let cycles = Cell::new(0_u32);
        run(cases, |case| {
            let plan = plan(case);
            assert_eq!(simulate(case, &plan), case.requested(), "{plan:?}");
            let saves = |step: &&FdStep| matches!(step, FdStep::Save { .. });
            cycles.set(cycles.get() + u32::from(plan.steps().iter().any(|step| saves(&step))));
        });
        println!(
            "shown: {cases} random descriptor maps simulated, {} with a cycle, all correct",
            cycles.get()
        );
        assert!(cycles.get() > 0, "no cycle was drawn");
    });
}

fn run_in_child(case: &DescriptorRequest) -> ! {
    case.try_in_child(|| {
        let plan = plan(case);
        // SAFETY: this child uses no closed descriptor, and exits without destructors.
        unsafe { apply::place_fds(plan.steps()) }.expect("place_fds");
        // SAFETY: as above.
        unsafe { apply::close_rest(plan.ranges()) }.expect("close_rest");
    })
}

/// The same in real children, whose descriptor tables are read back.
#[test]
fn e03_random_moves_in_children() {
    ns_testbed::run_as!([Root, User], {
        let cases = if std::env::var_os("NS_STRESS").is_some() { 1_000 } else { 200 };
        run(cases, |case| {
            let code = forked(|| run_in_child(case));
            assert_eq!(code, 0, "{:?}", plan(case));
        });
        println!("shown: {cases} random descriptor maps in real children, all correct");
    });
}

/// Starts a missing program and then `true`, with the plan in `pre_exec`. The sources are empty files.
fn spawn_in_child(case: &DescriptorRequest) -> ! {
    case.try_in_child(|| {
        let plan = Arc::new(plan(case));
        let start = |program| {
            let status = command(program, Arc::clone(&plan)).status();
            status.map_err(|error| error.kind())
        };
        let missing = start("/no/such/program") == Err(io::ErrorKind::NotFound);
        let is_found = start("/bin/true").is_ok_and(|status| status.success());
        let is_empty = |fd: &RawFd| fstat(borrow(*fd)).is_ok_and(|file| file.st_size == 0);
        let are_empty = case.open.keys().all(is_empty);
        exit_group(i32::from(!missing) | i32::from(!is_found) << 1 | i32::from(!are_empty) << 2)
    })
}

/// In `pre_exec` of std's `Command`, no plan breaks the report of a failed exec.
#[test]
fn e11_random_moves_in_pre_exec() {
    ns_testbed::run_as!([Root, User], {
        let cases = if std::env::var_os("NS_STRESS").is_some() { 1_000 } else { 100 };
        run(cases, |case| {
            // std expects the standard streams to be open.
            let mut case = case.clone();
            (0..=2).for_each(|number| _ = case.open.entry(number).or_insert(false));
            assert_eq!(forked(|| spawn_in_child(&case)), 0, "{case:?}");
        });
        println!("shown: {cases} random descriptor maps in pre_exec, all errors reported");
    });
}
