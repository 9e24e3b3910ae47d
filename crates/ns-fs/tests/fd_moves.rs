//! Random wishes: the planned moves on a simulated table, and in real children.
#![allow(unsafe_code, reason = "descriptors by number")]

mod common;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, RawFd};

use common::borrow;
use ns_fs::apply::{self, FdRange, FdStep};
use ns_fs::{Descriptors, FdPlan, Stdio};
use ns_testbed::forked;
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{MemfdFlags, fstat, memfd_create};

/// What is drawn.
#[derive(Clone, Debug)]
struct Case {
    /// Open before: whether it is close-on-exec.
    open: BTreeMap<RawFd, bool>,
    /// Number to source, an index of `open`.
    wish: BTreeMap<RawFd, usize>,
    kept: BTreeSet<RawFd>,
    close_rest: bool,
}

impl Case {
    fn draw() -> impl Strategy<Value = Self> {
        let open = btree_map(0..14, any::<bool>(), 1..10);
        let wish = btree_map(0..14, any::<usize>(), 0..10);
        (open, wish, btree_set(0..14, 0..4), any::<bool>())
            .prop_map(|(open, wish, kept, close_rest)| Self { open, wish, kept, close_rest })
    }

    /// Number to source number.
    fn moves(&self) -> BTreeMap<RawFd, RawFd> {
        let sources: Vec<_> = self.open.keys().copied().collect();
        self.wish.iter().map(|(to, index)| (*to, sources[index % sources.len()])).collect()
    }

    fn plan(&self) -> FdPlan {
        let mut wish = Descriptors::new();
        wish.close_rest(self.close_rest);
        for number in &self.kept {
            wish.keep(*number);
        }
        for (to, from) in self.moves() {
            wish.place(to, Stdio::borrowed(borrow(from)));
        }
        FdPlan::new(&wish).expect("nothing is opened")
    }

    /// What must come of it: number to source number and close-on-exec flag.
    fn wished(&self) -> Table {
        let moves = self.moves();
        let stays = |number: &RawFd| !self.close_rest || *number <= 2 || self.kept.contains(number);
        let before = self.open.iter().filter(|(number, _)| stays(number));
        let mut table: Table = before.map(|(number, flag)| (*number, (*number, *flag))).collect();
        table.extend(moves.into_iter().map(|(to, from)| (to, (from, false))));
        table
    }
}

/// Number to what it was before, and its close-on-exec flag.
type Table = BTreeMap<RawFd, (RawFd, bool)>;

/// The kernel's rules, in small.
fn simulate(case: &Case, plan: &FdPlan) -> Table {
    let mut table: Table =
        case.open.iter().map(|(number, flag)| (*number, (*number, *flag))).collect();
    let mut temporary = None;
    for step in plan.steps() {
        match *step {
            FdStep::Duplicate { from, to } => {
                assert_ne!(from, to, "dup3 refuses it");
                table.insert(to, (table[&from].0, false));
            }
            FdStep::Inherit { fd } => table.get_mut(&fd).expect("open").1 = false,
            FdStep::Save { from } => {
                let free = (3..100).find(|number| !table.contains_key(number)).expect("free");
                table.insert(free, (table[&from].0, true));
                assert_eq!(temporary.replace(free), None, "one at a time");
            }
            FdStep::Restore { to } => {
                let saved = temporary.take().expect("saved before");
                let file = table.remove(&saved).expect("nothing has overwritten it").0;
                table.insert(to, (file, false));
            }
        }
    }
    let closed = |number: &RawFd, range: &FdRange| {
        (i64::from(range.first)..=i64::from(range.last)).contains(&i64::from(*number))
    };
    table.retain(|number, _| !plan.ranges().iter().any(|range| closed(number, range)));
    table
}

fn run(cases: u32, check: impl Fn(&Case)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&Case::draw(), |case| {
        check(&case);
        Ok(())
    });
    outcome.expect("every case");
}

/// 100 000 of them where proofs are asked for.
#[test]
fn e03_random_moves_simulated() {
    ns_testbed::run_as!([User], {
        let cases = if std::env::var_os("NS_PROVE").is_some() { 100_000 } else { 3_000 };
        let circles = Cell::new(0_u32);
        run(cases, |case| {
            let plan = case.plan();
            assert_eq!(simulate(case, &plan), case.wished(), "{plan:?}");
            let saves = |step: &&FdStep| matches!(step, FdStep::Save { .. });
            circles.set(circles.get() + u32::from(plan.steps().iter().any(|step| saves(&step))));
        });
        println!(
            "shown: {cases} random descriptor maps simulated, {} with a circle, all as wished",
            circles.get()
        );
        assert!(circles.get() > 0, "no circle was drawn: the test shows too little");
    });
}

/// Opens one file for each number of the case, and nothing else; gives the files' inodes.
fn arrange(case: &Case) -> BTreeMap<RawFd, u64> {
    let files: BTreeMap<_, _> = case
        .open
        .keys()
        .map(|number| (*number, memfd_create("case", MemfdFlags::CLOEXEC).expect("memfd")))
        .collect();
    let high: BTreeMap<_, _> = files
        .iter()
        .map(|(number, file)| {
            (*number, rustix::io::fcntl_dupfd_cloexec(file, 100).expect("duplicate"))
        })
        .collect();
    let everything = FdRange { first: 0, last: 99 };
    std::mem::forget(files);
    // SAFETY: this child uses none of them again: its files are above.
    unsafe { apply::close_rest(&[everything]) }.expect("close");
    for (number, file) in &high {
        // SAFETY: just closed.
        unsafe { ns_sys::child::dup3(file.as_fd(), *number, case.open[number]) }.expect("dup3");
    }
    high.iter().map(|(number, file)| (*number, fstat(file).expect("fstat").st_ino)).collect()
}

/// What is open below 100: its inode and flag.
fn read_back() -> BTreeMap<RawFd, (u64, bool)> {
    let look = |number| {
        let flags = rustix::io::fcntl_getfd(borrow(number)).ok()?;
        let inode = fstat(borrow(number)).expect("fstat").st_ino;
        Some((number, (inode, flags.contains(rustix::io::FdFlags::CLOEXEC))))
    };
    (0..100).filter_map(look).collect()
}

fn as_wished(case: &Case) -> bool {
    let inodes = arrange(case);
    let plan = case.plan();
    // SAFETY: this child uses no other descriptor, and ends without closing any.
    unsafe { apply::place_fds(plan.steps()) }.expect("place_fds");
    // SAFETY: as above.
    unsafe { apply::close_rest(plan.ranges()) }.expect("close_rest");
    let wished = case.wished().into_iter();
    let wished = wished.map(|(number, (source, flag))| (number, (inodes[&source], flag)));
    read_back() == wished.collect()
}

/// The same on the kernel's table, read back in a child.
#[test]
fn e03_random_moves_for_real() {
    ns_testbed::run_as!([Root, User], {
        let cases = if std::env::var_os("NS_PROVE").is_some() { 1_000 } else { 200 };
        run(cases, |case| {
            let code = forked(|| if as_wished(case) { leave() } else { 1 });
            assert_eq!(code, 0, "{:?}", case.plan());
        });
        println!("shown: {cases} random descriptor maps in real children, all read back as wished");
    });
}

/// Ends the child at once: owners of its closed descriptors must not notice.
fn leave() -> ! {
    ns_sys::child::exit_group(0)
}
