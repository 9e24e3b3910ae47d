//! Ratios of two sides that run turn by turn: the only numbers that mean something on another machine.

use std::time::{Duration, Instant};

/// The count of pairs where both sides are alike; what differs by far needs fewer.
pub const PAIRS: usize = 400;

/// The count of pairs where one side takes milliseconds.
pub const SLOW_PAIRS: usize = 60;

const REPEATS: usize = 3;
const WARM_UP: usize = 20;

/// The medians of the ratios of `first` to `second`, of three repeats; each is as often before the
/// other as after it.
pub fn ratios(pairs: usize, mut first: impl FnMut(), mut second: impl FnMut()) -> Vec<f64> {
    ratios_of_times(pairs, || time(&mut first), || time(&mut second))
}

/// As [`ratios`], of sides so quick that a turn is many of them.
pub fn ratios_of_blocks(block: u32, mut first: impl FnMut(), mut second: impl FnMut()) -> Vec<f64> {
    let many = |work: &mut dyn FnMut()| (0..block).for_each(|_| work());
    ratios(PAIRS, || many(&mut first), || many(&mut second))
}

/// As [`ratios`], of sides that tell their own time.
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

/// The medians of how long `work` takes, of three repeats, each of so many turns of so many times.
pub fn times_of_blocks(block: u32, mut work: impl FnMut()) -> Vec<f64> {
    let mut turn = || time(&mut || (0..block).for_each(|_| work())).as_secs_f64();
    let mut repeat = || median((0..PAIRS).map(|_| turn() / f64::from(block)).collect());
    (0..REPEATS).map(|_| repeat()).collect()
}

/// How long `work` takes, never nothing.
pub fn time(work: &mut impl FnMut()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed().max(Duration::from_nanos(1))
}

/// The one in the middle.
///
/// # Panics
/// When there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_counts() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn sides_take_turns() {
        let turns = std::cell::RefCell::new(String::new());
        let side = |name| {
            let turns = &turns;
            move || {
                turns.borrow_mut().push(name);
                Duration::from_secs(if name == 'a' { 2 } else { 1 })
            }
        };
        let ratios = ratios_of_times(4, side('a'), side('b'));
        assert_eq!(ratios, [2.0; REPEATS]);
        assert_eq!(
            turns.into_inner(),
            ["abababab", "abba", "abba", "abba", "abba", "abba", "abba"].concat()
        );
    }
}
