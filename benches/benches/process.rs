//! Benchmarks of a start and a join, compared with the raw floor, std, fork and other crates. Their names are
//! `process/OPERATION/SUBJECT/NAMESPACES`.

use benches::by_hand::{fork_and_exec, std_command};
use benches::floor::{Floor, ForkFloor, Root};
use benches::subjects::{self, FIVE, FOUR, SEVEN, inject, new, run, target};
use criterion::Criterion;
use ns_process::{Container, NamespaceFlags};
use ns_sys::CloneFlags;

fn five() -> CloneFlags {
    FIVE.into_iter().map(NamespaceFlags::from).collect::<NamespaceFlags>().into()
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("process/plan/ns-process");
    for (name, container) in [("none", subjects::plain()), ("five", new(&FIVE))] {
        group.bench_function(name, |bencher| bencher.iter(|| assert!(container.plan().is_ok())));
    }
    group.finish();
}

fn plain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("process/start_join");
    let (plain, mut floor) = (subjects::plain(), Floor::new(CloneFlags::empty()));
    group.bench_function("ns-process/none", |bencher| bencher.iter(|| run(&plain)));
    group.bench_function("floor/none", |bencher| bencher.iter(|| floor.start_join()));
    group.bench_function("std/none", |bencher| bencher.iter(std_command));
    group.bench_function("fork/none", |bencher| bencher.iter(fork_and_exec));
    group.finish();
}

fn namespaces(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("process/start_join");
    let (container, four, mut floor) = (new(&FIVE), new(&FOUR), Floor::new(five()));
    group.bench_function("ns-process/five", |bencher| bencher.iter(|| run(&container)));
    group.bench_function("floor/five", |bencher| bencher.iter(|| floor.start_join()));
    group.bench_function("ns-process/four", |bencher| bencher.iter(|| run(&four)));
    #[cfg(feature = "peers")]
    {
        use benches::peers::unshare;
        group.bench_function("unshare/five", |bencher| bencher.iter(|| unshare(&FIVE)));
        group.bench_function("unshare/four", |bencher| bencher.iter(|| unshare(&FOUR)));
    }
    group.finish();
}

fn roots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("process/start_join");
    for (name, container, root) in [
        ("five,chroot", subjects::by_chroot(), Root::Chroot),
        ("five,pivot_root", subjects::by_pivot(), Root::ReadOnlyPivot),
    ] {
        let mut floor = Floor::new(five()).with_root(root);
        group.bench_function(format!("ns-process/{name}"), |bencher| {
            bencher.iter(|| run(&container));
        });
        group.bench_function(format!("floor/{name}"), |bencher| {
            bencher.iter(|| floor.start_join());
        });
    }
    let container = subjects::with_proc();
    group.bench_function("ns-process/five,pivot_root,proc", |bencher| {
        bencher.iter(|| run(&container));
    });
    #[cfg(feature = "peers")]
    group.bench_function("hakoniwa/five,pivot_root,proc", |bencher| {
        bencher.iter(|| benches::peers::hakoniwa(false));
    });
    group.finish();
}

fn closure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("process/start_join_closure");
    let bare = ForkFloor::new(five());
    group.bench_function("fork/five", |bencher| bencher.iter(|| bare.start_join()));
    let mut container = Container::from_fn(|| 0);
    container.namespaces(FIVE).map_zero();
    group.bench_function("ns-process/five", |bencher| bencher.iter(|| run(&container)));
    group.finish();
}

fn inject_seven(criterion: &mut Criterion) {
    let target = target();
    let container = inject(&target, &SEVEN);
    criterion.bench_function("process/inject_join/ns-process/seven", |bencher| {
        bencher.iter(|| run(&container));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    plan(&mut criterion);
    plain(&mut criterion);
    namespaces(&mut criterion);
    roots(&mut criterion);
    closure(&mut criterion);
    inject_seven(&mut criterion);
    criterion.final_summary();
}
