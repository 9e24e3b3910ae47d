//! Numbers as option values.

/// Parses an octal number up to `max`.
pub(super) fn octal(text: &str, max: u32) -> Result<u32, String> {
    let number = u32::from_str_radix(text, 8).ok().filter(|number| *number <= max);
    number.ok_or_else(|| format!("{text:?} is not an octal number up to {max:o}"))
}

/// Parses a number from `least` to `greatest`.
pub(super) fn within(text: &str, least: i32, greatest: i32) -> Result<i32, String> {
    let number = text.parse().ok().filter(|number| (least..=greatest).contains(number));
    number.ok_or_else(|| format!("{text:?} is not a number from {least} to {greatest}"))
}

/// Parses decimal seconds: whole seconds, rounded down, and the nanoseconds after them.
pub(super) fn seconds(text: &str) -> Option<(i64, u32)> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let nanoseconds: u32 = format!("{fraction:0<9}").parse().ok()?;
    Some(match (is_negative, nanoseconds) {
        (false, _) => (whole, nanoseconds),
        (true, 0) => (-whole, 0),
        (true, _) => (-whole - 1, 1_000_000_000 - nanoseconds),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_are_rounded_down() {
        assert_eq!(seconds("3600"), Some((3600, 0)));
        assert_eq!(seconds("1.5"), Some((1, 500_000_000)));
        assert_eq!(seconds("-1.5"), Some((-2, 500_000_000)));
        assert_eq!(seconds("-0.000000001"), Some((-1, 999_999_999)));
        for invalid in ["", "-", ".5", "1.0000000001", "+1", "1e3", "--1", "9223372036854775808"] {
            assert_eq!(seconds(invalid), None, "{invalid}");
        }
    }

    proptest! {
        #[test]
        fn seconds_are_the_number_that_is_written(whole in -1_000_000_i64.., nanoseconds in 0..1_000_000_000_u32) {
            let all = i128::from(whole) * 1_000_000_000 + i128::from(nanoseconds);
            let sign = if all < 0 { "-" } else { "" };
            let (high, low) = (all.abs() / 1_000_000_000, all.abs() % 1_000_000_000);
            prop_assume!(i64::try_from(high).is_ok());
            prop_assert_eq!(seconds(&format!("{sign}{high}.{low:09}")), Some((whole, nanoseconds)));
        }
    }
}
