//! Maps from text.

use core::str::{self, FromStr};

use super::check;
use super::store::Store;
use crate::{Extent, Field, IdKind, IdMap, MAX_BYTES, ParseError, RuleError};

/// Parses a map.
///
/// Entries end with a comma or a line end. An entry is `inside outside length` (the form of the
/// kernel), `inside:outside:length`, or a single ID outside. The ID inside of a single ID is the number
/// of entries before it: `1000,1001` maps 1000 to 0 and 1001 to 1. Numbers are decimal.
///
/// The colon form is the argument of `unshare --map-users` since util-linux 2.39. Versions 2.38 took
/// `outside,inside,length`, which is not a form of this parser: `1000,0,1` is a list of three IDs, as
/// any other list, so it cannot be refused. Write `0:1000:1` instead.
///
/// A number of more than 32 bits and a NUL byte are errors. The kernel would silently truncate both.
impl<K: IdKind> FromStr for IdMap<K> {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut store = Store::new();
        // `?` would copy the map with loads that span earlier stores, which stalls the processor.
        parse_checked(&mut store, text).map(|()| Self::from_store(store))
    }
}

fn parse_checked(store: &mut Store, text: &str) -> Result<(), ParseError> {
    if text.is_empty() {
        return Err(RuleError::Empty.into());
    }
    parse_into(store, text)?;
    Ok(check::all(store)?)
}

impl<K: IdKind> IdMap<K> {
    /// Parses the content of `/proc/PID/uid_map` or `gid_map`; `None` if no map is written yet.
    ///
    /// The kernel pads the numbers, so the content may be longer than a text that the kernel accepts.
    ///
    /// # Errors
    /// The errors of `parse`. [`RuleError::NotAnId`] means that the reader's user namespace does not
    /// map the outside IDs: the kernel then shows 4294967295.
    pub fn from_shown(text: &str) -> Result<Option<Self>, ParseError> {
        if text.is_empty() {
            return Ok(None);
        }
        let mut store = Store::new();
        parse_entries(&mut store, text.as_bytes())?;
        check::rules(&mut store)?;
        Ok(Some(Self::from_store(store)))
    }
}

/// Adds the entries of `text`. Refuses a text that is longer than one write.
#[inline]
pub(super) fn parse_into(store: &mut Store, text: &str) -> Result<(), ParseError> {
    match text.len() {
        bytes if bytes > MAX_BYTES => Err(RuleError::TooLong { bytes }.into()),
        _ => parse_entries(store, text.as_bytes()),
    }
}

#[inline]
fn parse_entries(store: &mut Store, text: &[u8]) -> Result<(), ParseError> {
    let mut scanner = Scanner::new(text.strip_suffix(b"\n").unwrap_or(text));
    loop {
        // Once for many entries: once per entry, it would cost as much as a number.
        let (len, spare) = store.spare()?;
        // `*len += 1` would load the length that the previous entry has just stored.
        for (slot, before) in spare.iter_mut().zip(*len..) {
            match scanner.extent(before) {
                Ok(extent) => *slot = extent,
                Err(position) => return Err(scanner.error(usize::from(before) + 1, position)),
            }
            *len = before + 1;
            if scanner.is_finished() {
                return Ok(());
            }
        }
    }
}

/// The part of an entry that is not valid.
#[derive(Clone, Copy)]
enum Position {
    In(Field),
    AfterLength,
}

/// Reads a text byte by byte. Its rarely used methods take it by value, so that it stays in registers.
#[derive(Clone, Copy)]
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// The byte at `at`; a line end at the end of the text.
    byte: u8,
}

impl<'a> Scanner<'a> {
    #[inline]
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, byte: text.first().copied().unwrap_or(b'\n') }
    }

    /// Reads an entry and its end, or stops at the first byte that is not valid.
    ///
    /// A single ID is mapped to the number of entries `before` it.
    #[inline]
    fn extent(&mut self, before: u16) -> Result<Extent, Position> {
        let first = self.number_after(b' ').ok_or(Position::In(Field::Inside))?;
        let separator = if self.byte == b':' { b':' } else { b' ' };
        let Some(outside) = self.number_after(separator) else {
            if separator == b':' || !self.is_at_end() {
                return Err(Position::In(Field::Outside));
            }
            self.advance();
            return Ok(Extent { inside: before.into(), outside: first, length: 1 });
        };
        let length = self.number_after(separator).ok_or(Position::In(Field::Length))?;
        if !self.is_at_end() {
            *self = self.after_blanks();
            if !self.is_at_end() {
                return Err(Position::AfterLength);
            }
        }
        self.advance();
        Ok(Extent { inside: first, outside, length })
    }

    /// Reads a number after one colon, or after any blanks.
    #[inline]
    fn number_after(&mut self, separator: u8) -> Option<u32> {
        if self.byte == separator {
            self.advance();
        }
        if separator == b' ' && self.digit().is_none() {
            *self = self.after_blanks();
        }
        self.number()
    }

    /// Reads a number. Without a number, or with one that is too large, stops at the offending byte.
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let mut value = u32::from(self.digit()?);
        self.advance();
        while let Some(digit) = self.digit() {
            value = u32::try_from(u64::from(value) * 10 + u64::from(digit)).ok()?;
            self.advance();
        }
        Some(value)
    }

    /// The error at the byte where [`Scanner::extent`] stopped.
    #[cold]
    fn error(self, entry: usize, position: Position) -> ParseError {
        let found = self.found();
        match (position, found) {
            (Position::In(field), '0'..='9') => {
                ParseError::TooLarge { entry, field: self.of_entry(field) }
            }
            (Position::In(Field::Inside), _) if self.is_at_end() => {
                ParseError::BlankEntry { entry }
            }
            (Position::In(field), _) if self.is_at_end() => ParseError::Missing { entry, field },
            (_, '\0') => ParseError::Nul { entry },
            (Position::AfterLength, _) if found == ':' || self.digits_before().is_empty() => {
                ParseError::Trailing { entry, found }
            }
            (position, _) => self.not_a_digit(entry, position, found),
        }
    }

    fn not_a_digit(self, entry: usize, position: Position, found: char) -> ParseError {
        let digits = self.digits_before();
        // Directly after digits, the byte belongs to their number and not to the next one.
        let field = match position {
            Position::In(field) if digits.is_empty() => field,
            Position::In(Field::Inside | Field::Outside) => Field::Inside,
            Position::In(Field::Length) => Field::Outside,
            Position::AfterLength => Field::Length,
        };
        let field = self.of_entry(field);
        match (digits, found) {
            (b"", '+' | '-') => ParseError::Sign { entry, field },
            (b"0", 'x' | 'X') => ParseError::Hexadecimal { entry, field },
            _ => ParseError::NotANumber { entry, field, found },
        }
    }

    /// The first number of an entry is the inside ID, but a single one is the outside ID.
    fn of_entry(&self, field: Field) -> Field {
        let is_end = |byte: &u8| matches!(byte, b',' | b'\n');
        let (before, after) = self.text.split_at(self.at);
        let before = before.rsplit(is_end).next().unwrap_or_default().trim_ascii_start();
        let after = after.split(is_end).next().unwrap_or_default().trim_ascii_end();
        let mut entry = before.iter().chain(after);
        let is_single = !entry.any(|&byte| byte == b':' || is_blank(byte));
        if is_single && field == Field::Inside { Field::Outside } else { field }
    }

    fn digits_before(&self) -> &[u8] {
        let before = &self.text[..self.at];
        let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        &before[before.len() - digits..]
    }

    /// The character at `at`. The text was a `str`, and only whole characters were skipped.
    fn found(&self) -> char {
        let rest = str::from_utf8(&self.text[self.at..]).unwrap_or_default();
        rest.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    #[inline]
    fn digit(&self) -> Option<u8> {
        let digit = self.byte.wrapping_sub(b'0');
        (digit < 10).then_some(digit)
    }

    /// Skips blanks. Cold, because more than one blank is rare.
    #[cold]
    fn after_blanks(mut self) -> Self {
        while is_blank(self.byte) {
            self.advance();
        }
        self
    }

    #[inline]
    fn advance(&mut self) {
        self.at += 1;
        self.byte = self.text.get(self.at).copied().unwrap_or(b'\n');
    }

    #[inline]
    fn is_at_end(&self) -> bool {
        matches!(self.byte, b',' | b'\n')
    }

    /// Whether the end of the most recent entry has been read.
    #[inline]
    fn is_finished(&self) -> bool {
        self.at > self.text.len()
    }
}

/// The blanks of the kernel's `isspace`, without the line end and byte 0xa0, which is never alone in a
/// `str`.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}
