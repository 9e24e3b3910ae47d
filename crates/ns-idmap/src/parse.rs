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
        let mut store = Store::new();
        // With `?` the map would be moved in pieces that lie across those just stored: a stall.
        fill(&mut store, text).map(|()| Self::from_store(store))
    }
}

fn fill(store: &mut Store, text: &str) -> Result<(), ParseError> {
    if text.is_empty() {
        return Err(RuleError::Empty.into());
    }
    read_into(store, text)?;
    Ok(check::map(store)?)
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
#[inline]
pub(crate) fn read_into(store: &mut Store, text: &str) -> Result<(), ParseError> {
    match text.len() {
        bytes if bytes > MAX_BYTES => Err(RuleError::TooLong { bytes }.into()),
        _ => entries(store, text.as_bytes()),
    }
}

#[inline]
fn entries(store: &mut Store, text: &[u8]) -> Result<(), ParseError> {
    let mut scan = Scan::new(text.strip_suffix(b"\n").unwrap_or(text));
    loop {
        // Once for many entries: for each, it would cost as much as a number.
        let (len, places) = store.room()?;
        for place in places {
            match scan.extent(*len) {
                Ok(extent) => *place = extent,
                Err(wrong) => return Err(scan.fault(usize::from(*len) + 1, wrong)),
            }
            *len += 1;
            if scan.is_over() {
                return Ok(());
            }
        }
    }
}

/// Where an entry is wrong.
#[derive(Clone, Copy)]
enum Place {
    In(Field),
    AfterLength,
}

/// A place in a text. What is rare takes no reference to it: so it stays in registers.
#[derive(Clone, Copy)]
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    /// The byte here; the end of the text is a line end.
    byte: u8,
}

impl<'a> Scan<'a> {
    #[inline]
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, byte: text.first().copied().unwrap_or(b'\n') }
    }

    /// Reads an entry and steps over its end, or stops at the first byte that is wrong.
    ///
    /// An id that stands alone counts the entries `before` it.
    #[inline]
    fn extent(&mut self, before: u16) -> Result<Extent, Place> {
        let first = self.number_behind(b' ').ok_or(Place::In(Field::Inside))?;
        let separator = if self.byte == b':' { b':' } else { b' ' };
        let Some(outside) = self.number_behind(separator) else {
            if separator == b':' || !self.is_at_end() {
                return Err(Place::In(Field::Outside));
            }
            self.step();
            return Ok(Extent { inside: before.into(), outside: first, length: 1 });
        };
        let length = self.number_behind(separator).ok_or(Place::In(Field::Length))?;
        if !self.is_at_end() {
            *self = self.behind_blanks();
            if !self.is_at_end() {
                return Err(Place::AfterLength);
            }
        }
        self.step();
        Ok(Extent { inside: first, outside, length })
    }

    /// Reads a number behind one colon, or behind any blanks.
    #[inline]
    fn number_behind(&mut self, separator: u8) -> Option<u32> {
        if self.byte == separator {
            self.step();
        }
        if separator == b' ' && self.digit().is_none() {
            *self = self.behind_blanks();
        }
        self.number()
    }

    /// Reads a number; where there is none, or too large a one, it stops at the byte in the way.
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let mut value = u32::from(self.digit()?);
        self.step();
        while let Some(digit) = self.digit() {
            value = u32::try_from(u64::from(value) * 10 + u64::from(digit)).ok()?;
            self.step();
        }
        Some(value)
    }

    /// What is wrong where [`Scan::extent`] stopped.
    #[cold]
    fn fault(self, entry: usize, place: Place) -> ParseError {
        let found = self.found();
        match (place, found) {
            (Place::In(field), '0'..='9') => ParseError::TooLarge { entry, field },
            (Place::In(Field::Inside), _) if self.is_at_end() => ParseError::BlankEntry { entry },
            (Place::In(field), _) if self.is_at_end() => ParseError::Missing { entry, field },
            (_, '\0') => ParseError::Nul { entry },
            (Place::AfterLength, _) if found == ':' || self.digits_before().is_empty() => {
                ParseError::Trailing { entry, found }
            }
            (place, _) => self.not_a_digit(entry, place, found),
        }
    }

    fn not_a_digit(self, entry: usize, place: Place, found: char) -> ParseError {
        let digits = self.digits_before();
        // Right behind digits it is their number that is wrong, not the next one.
        let field = match place {
            Place::In(field) if digits.is_empty() => field,
            Place::In(Field::Inside | Field::Outside) => Field::Inside,
            Place::In(Field::Length) => Field::Outside,
            Place::AfterLength => Field::Length,
        };
        match (digits, found) {
            (b"", '+' | '-') => ParseError::Sign { entry, field },
            (b"0", 'x' | 'X') => ParseError::Hexadecimal { entry, field },
            _ => ParseError::NotANumber { entry, field, found },
        }
    }

    fn digits_before(&self) -> &[u8] {
        let before = &self.text[..self.at];
        let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        &before[before.len() - digits..]
    }

    /// The character here; the text came from a `str`, and only whole characters were passed.
    fn found(&self) -> char {
        let rest = str::from_utf8(&self.text[self.at..]).unwrap_or_default();
        rest.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    #[inline]
    fn digit(&self) -> Option<u8> {
        let digit = self.byte.wrapping_sub(b'0');
        (digit < 10).then_some(digit)
    }

    /// More than one blank is rare.
    #[cold]
    fn behind_blanks(mut self) -> Self {
        while is_blank(self.byte) {
            self.step();
        }
        self
    }

    #[inline]
    fn step(&mut self) {
        self.at += 1;
        self.byte = self.text.get(self.at).copied().unwrap_or(b'\n');
    }

    #[inline]
    fn is_at_end(&self) -> bool {
        matches!(self.byte, b',' | b'\n')
    }

    /// Whether the end of the last entry has been passed.
    #[inline]
    fn is_over(&self) -> bool {
        self.at > self.text.len()
    }
}

/// What the kernel's `isspace` takes, but for the line end and byte 0xa0, which no `str` has alone.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}
