//! Bodies whose instructions callgrind counts, for `cargo xtask instructions`. Without an argument, prints their names.

use std::env;
use std::hint::black_box;
use std::process::ExitCode;

use benches::by_hand::{LARGE_EXTENTS, SMALL_MAP, large_map};
use benches::subjects::{self, FIVE, new};
use ns_idmap::UidMap;
use ns_process::Container;

/// The functions that callgrind counts. Their preparation is not counted.
mod counted {
    use super::{Container, UidMap};

    #[inline(never)]
    pub(super) fn parse(text: &str) -> UidMap {
        text.parse().expect("a valid map")
    }

    #[inline(never)]
    pub(super) fn format(map: &UidMap) -> String {
        map.to_string()
    }

    #[inline(never)]
    pub(super) fn compose(inner: &UidMap, outer: &UidMap) -> UidMap {
        inner.compose(outer).expect("all IDs are mapped")
    }

    #[inline(never)]
    pub(super) fn plan(container: &Container) {
        drop(container.plan().expect("plan"));
    }
}

/// A name and a body.
type Body = (&'static str, fn());

const BODIES: &[Body] = &[
    ("idmap/parse/2", || _ = black_box(counted::parse(black_box(SMALL_MAP)))),
    ("idmap/parse/340", || _ = black_box(counted::parse(&large_map(LARGE_EXTENTS)))),
    ("idmap/format/340", || _ = black_box(counted::format(&map(&large_map(LARGE_EXTENTS))))),
    ("idmap/compose/2", || {
        let (inner, outer) = (map("0 0 1,1 1 65535"), map("0 1000 1,1 100000 65536"));
        black_box(counted::compose(&inner, &outer));
    }),
    ("process/plan/none", || counted::plan(subjects::plain().env_clear())),
    ("process/plan/five", || counted::plan(new(&FIVE).env_clear())),
    ("process/plan/five,pivot_root", || counted::plan(subjects::by_pivot().env_clear())),
];

fn main() -> ExitCode {
    let Some(selected) = env::args().nth(1) else {
        for (name, _) in BODIES {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let Some((_, body)) = BODIES.iter().find(|(name, _)| *name == selected) else {
        eprintln!("unknown body: {selected}");
        return ExitCode::FAILURE;
    };
    body();
    ExitCode::SUCCESS
}

fn map(text: &str) -> UidMap {
    text.parse().expect("a valid map")
}
