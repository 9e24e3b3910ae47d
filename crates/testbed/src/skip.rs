//! Skipped tests: said aloud, and a failure in strict mode unless listed.

use std::env;

use crate::role::Role;

const MARK: &str = "ns-testbed: skip: ";

/// Rows `test role: reason`; `#` starts a comment.
const ALLOWED: &str = include_str!("../allowed-skips.txt");

/// Tells the outer process why the body was left; [`skip!`](crate::skip!) calls this.
pub fn skipped(reason: &str) {
    println!("{MARK}{reason}");
}

/// The reason, if the inner process said that it skipped.
pub(crate) fn reason(stdout: &str) -> Option<&str> {
    stdout.lines().find_map(|line| line.strip_prefix(MARK))
}

/// Accepts or refuses a skip.
///
/// # Panics
/// In strict mode, when the list does not have the test in that role.
pub(crate) fn settle(name: &str, role: Role, reason: &str) {
    let test = name.rsplit("::").next().unwrap_or(name);
    let row = format!("{test} {}", role.name());
    let strict = env::var_os("NS_STRICT").is_some();
    assert!(!strict || is_allowed(&row), "{row} skipped, and the list does not have it: {reason}");
    println!("skipped: {row}: {reason}");
}

fn is_allowed(row: &str) -> bool {
    ALLOWED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .any(|(listed, _reason)| listed == row)
}
