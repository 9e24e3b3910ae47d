//! Rows of gates: a ratio of two sides that ran turn by turn, and what it must be.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::median;

/// The count of pairs of a row whose sides are alike; what differs by far needs fewer.
pub const PAIRS: usize = 400;

const REPEATS: usize = 3;

/// What a ratio must be.
#[derive(Clone, Copy, Debug)]
pub enum Gate {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// Printed only.
    Informs,
}

/// The rows that were printed.
#[derive(Debug, Default)]
pub struct Gates {
    missed: usize,
}

impl Gates {
    /// Prints the ratio of `first` to `second`, each as often before the other as after it: the
    /// nearest to the gate of three medians of pairs.
    pub fn row(
        &mut self,
        name: &str,
        gate: Gate,
        pairs: usize,
        (mut first, mut second): (impl FnMut(), impl FnMut()),
    ) {
        self.row_of(name, gate, pairs, (|| time(&mut first), || time(&mut second)));
    }

    /// As [`row`](Self::row), of sides that tell their own time.
    pub fn row_of(
        &mut self,
        name: &str,
        gate: Gate,
        pairs: usize,
        (mut first, mut second): (impl FnMut() -> Duration, impl FnMut() -> Duration),
    ) {
        (0..pairs.min(20)).for_each(|_| _ = (first(), second()));
        let mut pair = |number: usize| {
            if number.is_multiple_of(2) {
                return first().as_secs_f64() / second().as_secs_f64();
            }
            let second = second();
            first().as_secs_f64() / second.as_secs_f64()
        };
        let medians = (0..REPEATS).map(|_| median((0..pairs).map(&mut pair).collect()));
        self.told(name, gate, medians.collect());
    }

    /// Prints a row whose ratios were measured elsewhere.
    pub fn told(&mut self, name: &str, gate: Gate, ratios: Vec<f64>) {
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let (ratio, met, must) = match gate {
            Gate::AtMost(limit) => (least, least <= limit, format!("at most {limit:.2}x")),
            Gate::AtLeast(limit) => (most, most >= limit, format!("at least {limit:.2}x")),
            Gate::Informs => (least, true, "informs".to_owned()),
        };
        let verdict = if met { "" } else { ": MISSED" };
        println!("{name}: {ratio:.2}x ({must}){verdict}");
        self.missed += usize::from(!met);
    }

    /// Whether all were met.
    #[must_use]
    pub fn verdict(self) -> ExitCode {
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// How long `work` takes, never nothing.
pub fn time(work: &mut impl FnMut()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed().max(Duration::from_nanos(1))
}
