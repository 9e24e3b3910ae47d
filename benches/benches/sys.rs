//! Benchmarks of the raw layer. Their names are `sys/OPERATION/SUBJECT`.

use std::fs::File;
use std::hint::black_box;

use benches::floor::Floor;
use criterion::Criterion;
use ns_sys::{CloneArgs, CloneFlags, Namespace, NamespaceFd, NamespaceFlags, pidfd_open};

fn validate(criterion: &mut Criterion) {
    let args = CloneArgs::new(CloneFlags::VM | CloneFlags::NEWUSER | CloneFlags::NEWPID);
    criterion.bench_function("sys/validate/ns-sys", |bencher| {
        bencher.iter(|| assert_eq!(black_box(&args).validate(), Ok(())));
    });
}

fn flags_text(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sys/flags");
    let all = NamespaceFlags::all().to_string();
    group.bench_function("parse/ns-sys", |bencher| {
        bencher.iter(|| {
            let parsed = black_box(&all).parse::<NamespaceFlags>();
            assert_eq!(parsed, Ok(NamespaceFlags::all()));
        });
    });
    group.bench_function("format/ns-sys", |bencher| {
        bencher.iter(|| assert_eq!(black_box(NamespaceFlags::all()).to_string(), all));
    });
    group.finish();
}

fn hold_namespace(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sys/hold_namespace");
    let own = pidfd_open(std::process::id()).expect("pidfd_open");
    let kind = |held: &NamespaceFd| assert_eq!(held.kind(), Ok(Namespace::Uts));
    group.bench_function("pidfd", |bencher| {
        bencher.iter(|| kind(&NamespaceFd::from_pidfd(&own, Namespace::Uts).expect("Linux 6.11")));
    });
    group.bench_function("proc", |bencher| {
        bencher.iter(|| {
            let file = File::open("/proc/self/ns/uts").expect("open");
            kind(&NamespaceFd::new(file).expect("nsfs"));
        });
    });
    group.finish();
}

/// The raw floor itself, which has no reference below it.
fn floor(criterion: &mut Criterion) {
    let mut floor = Floor::new(CloneFlags::empty());
    criterion.bench_function("sys/clone3_exec_wait/floor", |bencher| {
        bencher.iter(|| floor.start_join());
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    validate(&mut criterion);
    flags_text(&mut criterion);
    hold_namespace(&mut criterion);
    floor(&mut criterion);
    criterion.final_summary();
}
