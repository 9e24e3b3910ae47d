//! Benchmarks of ID maps, compared with loops written by hand. Their names are `idmap/OPERATION/SUBJECT/EXTENTS`.

use std::hint::black_box;

use benches::by_hand::{large_map, parse_into_array, parse_sort_format, small_maps};
use criterion::{BenchmarkId, Criterion, Throughput};
use ns_idmap::UidMap;

fn parse_small(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idmap/parse");
    let texts = small_maps();
    group.throughput(Throughput::Elements(u64::try_from(texts.len()).expect("a small number")));
    group.bench_function("ns-idmap/2", |bencher| {
        bencher.iter(|| {
            for text in &texts {
                let map: UidMap = black_box(text).parse().expect("a valid map");
                assert_eq!(map.extents().len(), 2);
            }
        });
    });
    group.bench_function("byte_loop/2", |bencher| {
        bencher.iter(|| texts.iter().for_each(|text| assert_eq!(parse_into_array(text), 2)));
    });
    group.finish();
}

fn parse_and_format(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idmap/parse_format");
    for extents in [1, 10, 340] {
        let text = large_map(extents);
        group.bench_with_input(BenchmarkId::new("ns-idmap", extents), &text, |bencher, text| {
            bencher.iter(|| {
                let map: UidMap = black_box(text).parse().expect("a valid map");
                assert_eq!(map.to_string().len(), text.len());
            });
        });
        group.bench_with_input(BenchmarkId::new("loops", extents), &text, |bencher, text| {
            bencher.iter(|| assert_eq!(parse_sort_format(text).len(), text.len()));
        });
    }
    group.finish();
}

fn compose(criterion: &mut Criterion) {
    let inner: UidMap = "0 0 1,1 1 65535".parse().expect("a valid map");
    let outer: UidMap = "0 1000 1,1 100000 65536".parse().expect("a valid map");
    criterion.bench_function("idmap/compose/ns-idmap/2", |bencher| {
        bencher.iter(|| {
            let composed =
                black_box(&inner).compose(black_box(&outer)).expect("all IDs are mapped");
            assert_eq!(composed.to_outside(0), Some(1000));
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parse_small(&mut criterion);
    parse_and_format(&mut criterion);
    compose(&mut criterion);
    criterion.final_summary();
}
