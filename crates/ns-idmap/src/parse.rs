//! From text to a map.

use core::str::{self, FromStr};

use crate::store::Store;
use crate::{Extent, Field, IdKind, IdMap, MAX_BYTES, ParseError, RuleError, check};

/// Reads a map from text.
///
/// Entries end with a comma or a line end. An entry is `inside outside length` (the kernel's own
/// form), `inside:outside:length`, or one id alone, which becomes the id that counts its place:
/// `1000,1001` makes 1000 become 0 and 1001 become 1. Numbers are decimal.
///
/// Texts that the kernel would cut silently (a number of more than 32 bits, a NUL byte) are refused.
impl<K: IdKind> FromStr for IdMap<K> {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() {
            return Err(RuleError::Empty.into());
        }
        let mut store = Store::new();
        read_into(&mut store, text)?;
        Ok(Self::checked(store)?)
    }
}

impl<K: IdKind> IdMap<K> {
    /// Reads what `/proc/PID/uid_map` or `gid_map` shows; `None` while no map has been written.
    ///
    /// The kernel pads the numbers, so what it shows may be longer than what it takes.
    ///
    /// # Errors
    /// As for `parse`. [`RuleError::NotAnId`] means that the reader's own user namespace does not
    /// have the outside ids: the kernel then shows 4294967295.
    pub fn from_shown(text: &str) -> Result<Option<Self>, ParseError> {
        if text.is_empty() {
            return Ok(None);
        }
        let mut store = Store::new();
        entries(&mut store, text.as_bytes())?;
        check::rules(&mut store)?;
        Ok(Some(Self::from_store(store)))
    }
}

/// Adds the entries of a text that is short enough to be written.
pub(crate) fn read_into(store: &mut Store, text: &str) -> Result<(), ParseError> {
    match text.len() {
        bytes if bytes > MAX_BYTES => Err(RuleError::TooLong { bytes }.into()),
        _ => entries(store, text.as_bytes()),
    }
}

fn entries(store: &mut Store, text: &[u8]) -> Result<(), ParseError> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut scan = Scan { text, at: 0, entry: store.as_slice().len() };
    loop {
        scan.entry += 1;
        store.push(scan.extent()?)?;
        match scan.peek() {
            None => return Ok(()),
            Some(_end_of_entry) => scan.at += 1,
        }
    }
}

/// A place in a text.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    /// Counted from 1.
    entry: usize,
}

impl Scan<'_> {
    /// Reads an entry and stops at its end.
    #[inline]
    fn extent(&mut self) -> Result<Extent, ParseError> {
        self.skip_blanks();
        if self.is_at_end() {
            return Err(ParseError::BlankEntry { entry: self.entry });
        }
        let first = self.number(Field::Inside)?;
        let colons = self.peek() == Some(b':');
        if !colons && self.is_at_end_after_blanks() {
            return Ok(self.alone(first));
        }
        let outside = self.next_number(colons, Field::Outside)?;
        let length = self.next_number(colons, Field::Length)?;
        if self.is_at_end_after_blanks() {
            return Ok(Extent { inside: first, outside, length });
        }
        Err(self.trailing())
    }

    /// The extent of an id that stands alone: its place becomes the id inside.
    fn alone(&self, outside: u32) -> Extent {
        // Past u32 there would be far more entries than a map may have.
        Extent { inside: u32::try_from(self.entry - 1).unwrap_or(u32::MAX), outside, length: 1 }
    }

    #[inline]
    fn next_number(&mut self, colons: bool, field: Field) -> Result<u32, ParseError> {
        if !colons {
            self.skip_blanks();
        } else if self.peek() == Some(b':') {
            self.at += 1;
        }
        if self.is_at_end() {
            return Err(ParseError::Missing { entry: self.entry, field });
        }
        self.number(field)
    }

    #[inline]
    fn number(&mut self, field: Field) -> Result<u32, ParseError> {
        let (entry, start) = (self.entry, self.at);
        let mut value = 0_u32;
        while let Some(digit) = self.peek().map(|byte| byte.wrapping_sub(b'0')) {
            if digit > 9 {
                break;
            }
            value = value
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(digit.into()))
                .ok_or(ParseError::TooLarge { entry, field })?;
            self.at += 1;
        }
        let complete =
            self.at > start && self.peek().is_none_or(|byte| is_blank(byte) || is_mark(byte));
        if complete { Ok(value) } else { Err(self.not_a_number(start, field)) }
    }

    #[cold]
    fn not_a_number(&self, start: usize, field: Field) -> ParseError {
        let entry = self.entry;
        let found = self.found();
        match found {
            '\0' => ParseError::Nul { entry },
            '+' | '-' if self.at == start => ParseError::Sign { entry, field },
            'x' | 'X' if self.text[start..self.at] == *b"0" => {
                ParseError::Hexadecimal { entry, field }
            }
            _ => ParseError::NotANumber { entry, field, found },
        }
    }

    #[cold]
    fn trailing(&self) -> ParseError {
        match self.found() {
            '\0' => ParseError::Nul { entry: self.entry },
            found => ParseError::Trailing { entry: self.entry, found },
        }
    }

    /// The character here; the text came from a `str`, and only whole characters were passed.
    fn found(&self) -> char {
        let rest = str::from_utf8(&self.text[self.at..]).unwrap_or_default();
        rest.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    #[inline]
    fn is_at_end(&self) -> bool {
        self.peek().is_none_or(|byte| matches!(byte, b',' | b'\n'))
    }

    #[inline]
    fn is_at_end_after_blanks(&mut self) -> bool {
        self.skip_blanks();
        self.is_at_end()
    }
}

/// What the kernel's `isspace` takes, but for the line end and byte 0xa0, which no `str` has alone.
#[inline]
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}

#[inline]
const fn is_mark(byte: u8) -> bool {
    matches!(byte, b',' | b'\n' | b':')
}
