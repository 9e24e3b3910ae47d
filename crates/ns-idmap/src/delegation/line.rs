//! The lines of `subuid(5)`, as shadow reads them.

use std::fmt;

use crate::Owner;

/// The length from which shadow skips a line, in bytes.
const TOO_LONG: usize = 1024;

/// The number of characters of a skipped line that are kept.
const KEPT: usize = 80;

/// A line of `/etc/subuid` or `/etc/subgid` that begins with the user's name or ID, but delegates nothing
/// to the user, because shadow skips it or takes it for another user's.
///
/// The usual causes are a blank before the name and a carriage return at the end of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedLine {
    /// The position of the line, counted from 1.
    pub line: usize,
    /// The first 80 characters of the line.
    pub text: String,
}

impl SkippedLine {
    /// The line, if its first word names `owner`.
    pub(super) fn new(index: usize, text: &str, owner: &Owner) -> Option<Self> {
        let mut words = text.split(|c: char| matches!(c, ':' | '\u{feff}') || c.is_whitespace());
        let is_meant = words.find(|word| !word.is_empty()).is_some_and(|word| owner.is(word));
        is_meant.then(|| Self { line: index + 1, text: text.chars().take(KEPT).collect() })
    }

    fn cause(&self) -> &'static str {
        if self.text.starts_with(|c: char| c == '\u{feff}' || c.is_whitespace()) {
            "a blank before the name"
        } else if self.text.ends_with('\r') {
            "a carriage return at its end"
        } else {
            "not USER:FIRST:COUNT"
        }
    }
}

impl fmt::Display for SkippedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text } = self;
        write!(f, "line {line} ({text:?}) is skipped: {}", self.cause())
    }
}

/// The first ID and the count of a line that delegates IDs to `owner`.
pub(super) fn range_of(line: &str, owner: &Owner) -> Option<(u64, u64)> {
    let mut fields = line.split(':');
    let (user, first, count) = (fields.next()?, fields.next()?, fields.next()?);
    let is_owners = line.len() < TOO_LONG && owner.is(user);
    if is_owners { Some((number(first)?, number(count)?)) } else { None }
}

/// Parses a number as `strtoll(3)` does with base 0. No ID is negative, so a minus sign is not valid.
fn number(text: &str) -> Option<u64> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // `from_str_radix` alone would accept another sign.
    let is_plain = digits.chars().all(|digit| digit.is_digit(radix));
    let value = if is_plain { i64::from_str_radix(digits, radix).ok()? } else { return None };
    u64::try_from(value).ok()
}
