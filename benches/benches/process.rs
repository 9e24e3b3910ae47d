//! A start and its end, against std's. Ids are `process/start_join/SUBJECT/NAMESPACES`.

use std::process::Command;

use benches::TINY;
use criterion::Criterion;
use ns_process::{Container, Namespace};

fn ours(container: &Container) {
    let status = container.start().and_then(|process| process.join()).expect("tiny runs");
    assert!(status.success());
}

fn start_join(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("process/start_join");
    let plain = Container::new(TINY);
    group.bench_function("ns-process/none", |bencher| bencher.iter(|| ours(&plain)));
    group.bench_function("std/none", |bencher| {
        bencher.iter(|| assert!(Command::new(TINY).status().expect("tiny runs").success()));
    });
    let mut five = Container::new(TINY);
    let kinds = [Namespace::User, Namespace::Mnt, Namespace::Pid, Namespace::Uts, Namespace::Ipc];
    five.namespaces(kinds).map_zero();
    group.bench_function("ns-process/user,mnt,pid,uts,ipc", |bencher| bencher.iter(|| ours(&five)));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    start_join(&mut criterion);
    criterion.final_summary();
}
