//! The raw layer. Ids are `sys/OPERATION/SUBJECT`.

use std::fs::File;
use std::hint::black_box;

use criterion::Criterion;
use ns_sys::{CloneArgs, CloneFlags, Namespace, NamespaceFd, pidfd_open};

fn validate(criterion: &mut Criterion) {
    let args = CloneArgs::new(CloneFlags::VM | CloneFlags::NEWUSER | CloneFlags::NEWPID);
    criterion.bench_function("sys/validate/five_flags", |bencher| {
        bencher.iter(|| assert_eq!(black_box(&args).validate(), Ok(())));
    });
}

fn hold_namespace(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sys/hold_namespace");
    let own = pidfd_open(std::process::id()).expect("pidfd_open");
    group.bench_function("pidfd", |bencher| {
        bencher.iter(|| NamespaceFd::from_pidfd(&own, Namespace::Uts).expect("Linux 6.11"));
    });
    group.bench_function("proc", |bencher| {
        bencher.iter(|| {
            NamespaceFd::new(File::open("/proc/self/ns/uts").expect("open")).expect("nsfs")
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    validate(&mut criterion);
    hold_namespace(&mut criterion);
    criterion.final_summary();
}
