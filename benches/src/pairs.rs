//! Ratios of two sides that run alternately. Only ratios can be compared between machines.

use std::time::{Duration, Instant};

/// The number of pairs if both sides take similar times. A large difference needs fewer.
pub const PAIRS: usize = 400;

/// The number of pairs if one side takes milliseconds.
pub const SLOW_PAIRS: usize = 60;

const REPEATS: usize = 3;
const WARM_UP: usize = 20;

/// Returns the median ratio of `first` to `second` of each of three repeats. Each side runs first in half of the pairs.
pub fn ratios(pairs: usize, mut first: impl FnMut(), mut second: impl FnMut()) -> Vec<f64> {
    ratios_of_times(pairs, || time(&mut first), || time(&mut second))
}

/// Like [`ratios`], for sides so short that `block` runs are measured together.
pub fn ratios_of_blocks(block: u32, mut first: impl FnMut(), mut second: impl FnMut()) -> Vec<f64> {
    let many = |work: &mut dyn FnMut()| (0..block).for_each(|_| work());
    ratios(PAIRS, || many(&mut first), || many(&mut second))
}

/// Like [`ratios`], for sides that measure their own duration.
pub fn ratios_of_times(
    pairs: usize,
    mut first: impl FnMut() -> Duration,
    mut second: impl FnMut() -> Duration,
) -> Vec<f64> {
    (0..pairs.min(WARM_UP)).for_each(|_| _ = (first(), second()));
    let mut pair = |number: usize| {
        if number.is_multiple_of(2) {
            return first().as_secs_f64() / second().as_secs_f64();
        }
        let second = second();
        first().as_secs_f64() / second.as_secs_f64()
    };
    (0..REPEATS).map(|_| median((0..pairs).map(&mut pair).collect())).collect()
}

/// Returns the median duration of `work` in seconds of each of three repeats. `block` runs are measured together.
pub fn times_of_blocks(block: u32, mut work: impl FnMut()) -> Vec<f64> {
    let mut run_block = || time(&mut || (0..block).for_each(|_| work())).as_secs_f64();
    let mut repeat = || median((0..PAIRS).map(|_| run_block() / f64::from(block)).collect());
    (0..REPEATS).map(|_| repeat()).collect()
}

/// Returns the duration of `work`, at least 1 ns.
pub fn time(work: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed().max(Duration::from_nanos(1))
}

/// Returns the median.
///
/// # Panics
/// If there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "no values");
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_sides_run_alternately() {
        let order = std::cell::RefCell::new(String::new());
        let side = |name| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                Duration::from_secs(if name == 'a' { 2 } else { 1 })
            }
        };
        let ratios = ratios_of_times(4, side('a'), side('b'));
        assert_eq!(ratios, [2.0; REPEATS]);
        assert_eq!(
            order.into_inner(),
            ["abababab", "abba", "abba", "abba", "abba", "abba", "abba"].concat()
        );
    }
}
