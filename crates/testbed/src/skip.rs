//! Skipped tests: they are reported, and are failures in strict mode unless they are listed.

use std::env;

use crate::role::Role;

const MARK: &str = "ns-testbed: skip: ";

/// Rows `test role: reason`; `#` starts a comment.
const ALLOWED: &str = include_str!("../allowed-skips.txt");

/// Reports the reason to the outer process; [`skip!`](crate::skip!) calls this.
pub fn skipped(reason: &str) {
    println!("{MARK}{reason}");
}

/// The reason, if the inner process skipped its test.
pub(crate) fn reason(stdout: &str) -> Option<&str> {
    stdout.lines().find_map(|line| line.strip_prefix(MARK))
}

/// Accepts a skipped test.
///
/// # Panics
/// In strict mode, if the test is not listed for that role.
pub(crate) fn accept(name: &str, role: Role, reason: &str) {
    let test = name.rsplit("::").next().unwrap_or(name);
    let row = format!("{test} {}", role.name());
    let strict = env::var_os("NS_STRICT").is_some();
    assert!(!strict || is_allowed(&row), "{row} skipped, and it is not listed: {reason}");
    println!("skipped: {row}: {reason}");
}

fn is_allowed(row: &str) -> bool {
    ALLOWED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .any(|(listed, _reason)| listed == row)
}
