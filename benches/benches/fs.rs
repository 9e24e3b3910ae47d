//! Benchmarks of root and descriptor plans. Their names are `fs/OPERATION/SUBJECT/COUNT`.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::fs::File;
use std::hint::black_box;

use benches::TINY_ROOT;
use benches::by_hand::bare_dup3;
use criterion::Criterion;
use ns_fs::{Descriptors, FdPlan, Propagation, Root, RootPlan, Stdio, Workdir, apply};

/// Unused descriptor numbers: this program has no other descriptors in this range.
const NUMBERS: [i32; 3] = [100, 101, 102];

fn requested(files: &[File; 3]) -> Descriptors {
    let mut descriptors = Descriptors::new();
    for (number, file) in NUMBERS.into_iter().zip(files) {
        descriptors.place(number, Stdio::fd(file.try_clone().expect("dup")));
    }
    descriptors.close_rest(false);
    descriptors
}

fn place_fds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fs/place_fds");
    let files = NUMBERS.map(|_| File::open("/dev/null").expect("open"));
    let plan = FdPlan::new(&requested(&files)).expect("plan");
    group.bench_function("ns-fs/3", |bencher| {
        // SAFETY: nothing owns these descriptor numbers, and the plan keeps its source descriptors open.
        bencher.iter(|| assert!(unsafe { apply::place_fds(plan.steps()) }.is_ok()));
    });
    group.bench_function("dup3/3", |bencher| {
        // SAFETY: nothing owns these descriptor numbers.
        bencher.iter(|| unsafe { bare_dup3(&files, NUMBERS) });
    });
    group.finish();
}

fn plan_fds(criterion: &mut Criterion) {
    let files = NUMBERS.map(|_| File::open("/dev/null").expect("open"));
    let descriptors = requested(&files);
    criterion.bench_function("fs/plan_fds/ns-fs/3", |bencher| {
        bencher.iter(|| {
            let plan = FdPlan::new(black_box(&descriptors)).expect("plan");
            assert_eq!(plan.steps().len(), 3);
        });
    });
}

fn plan_root(criterion: &mut Criterion) {
    criterion.bench_function("fs/plan_root/ns-fs/pivot", |bencher| {
        bencher.iter(|| {
            let root = Root::pivot(black_box(TINY_ROOT)).read_only();
            let root = root.propagation(Some(Propagation::Private));
            assert!(RootPlan::new(root, Workdir::new("/")).is_ok());
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    place_fds(&mut criterion);
    plan_fds(&mut criterion);
    plan_root(&mut criterion);
    criterion.final_summary();
}
