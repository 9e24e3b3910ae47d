//! Ratios: the only numbers that mean something on another machine.

/// The median of the ratios of pairs that ran one after the other.
///
/// # Panics
/// Without pairs.
pub fn median(mut ratios: Vec<f64>) -> f64 {
    assert!(!ratios.is_empty(), "nothing was measured");
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_middle_counts() {
        assert!((super::median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
