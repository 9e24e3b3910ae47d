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
        fill(&mut store, text)?;
        Ok(Self::from_store(store))
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
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut scan = Scan { text, at: 0, entry: store.as_slice().len() };
    loop {
        scan.entry += 1;
        if let Err(place) = scan.extent(store.next()?) {
            let Scan { text, at, entry } = scan;
            return Err(Scan { text, at, entry }.fault(place));
        }
        match scan.peek() {
            None => return Ok(()),
            Some(_end_of_entry) => scan.at += 1,
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
    /// Counted from 1.
    entry: usize,
}

impl Scan<'_> {
    /// Reads an entry and stops at its end, or at the first byte that is wrong.
    ///
    /// Straight to where it stays, and with an error that says no more than where: so nothing of
    /// this goes through memory twice.
    #[inline]
    fn extent(&mut self, extent: &mut Extent) -> Result<(), Place> {
        self.skip_blanks();
        let first = self.number().ok_or(Place::In(Field::Inside))?;
        let colons = self.peek() == Some(b':');
        self.skip_separator(colons);
        if !colons && self.is_at_end() {
            *extent = Extent { inside: self.entry_as_id(), outside: first, length: 1 };
            return Ok(());
        }
        extent.inside = first;
        extent.outside = self.number().ok_or(Place::In(Field::Outside))?;
        self.skip_separator(colons);
        extent.length = self.number().ok_or(Place::In(Field::Length))?;
        self.skip_blanks();
        if self.is_at_end() { Ok(()) } else { Err(Place::AfterLength) }
    }

    /// The id inside of an id that stands alone.
    fn entry_as_id(&self) -> u32 {
        // Past u32 there would be far more entries than a map may have.
        u32::try_from(self.entry - 1).unwrap_or(u32::MAX)
    }

    #[inline]
    fn skip_separator(&mut self, colons: bool) {
        if !colons {
            self.skip_blanks();
        } else if self.peek() == Some(b':') {
            self.at += 1;
        }
    }

    /// Reads a number; where there is none, or too large a one, it stops at the byte in the way.
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        let mut value = 0_u32;
        while let Some(digit) = self.digit() {
            value = value.wrapping_mul(10).wrapping_add(digit.into());
            self.at += 1;
        }
        match self.at - start {
            0 => None,
            1..=9 => Some(value),
            _may_be_too_large => {
                let (value, digits) = long_number(&self.text[start..self.at]);
                self.at = start + digits;
                value
            }
        }
    }

    /// What is wrong where [`Scan::extent`] stopped.
    #[cold]
    fn fault(self, place: Place) -> ParseError {
        let (entry, found) = (self.entry, self.found());
        match (place, found) {
            (Place::In(field), '0'..='9') => ParseError::TooLarge { entry, field },
            (Place::In(Field::Inside), _) if self.is_at_end() => ParseError::BlankEntry { entry },
            (Place::In(field), _) if self.is_at_end() => ParseError::Missing { entry, field },
            (_, '\0') => ParseError::Nul { entry },
            (Place::AfterLength, _) if found == ':' || self.digits_before().is_empty() => {
                ParseError::Trailing { entry, found }
            }
            (place, _) => self.not_a_digit(place, found),
        }
    }

    fn not_a_digit(self, place: Place, found: char) -> ParseError {
        let (entry, digits) = (self.entry, self.digits_before());
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
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn digit(&self) -> Option<u8> {
        self.peek().map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10)
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
}

/// Reads digits that may be too many for 32 bits, and tells how many fit.
#[cold]
fn long_number(digits: &[u8]) -> (Option<u32>, usize) {
    let mut value = 0_u32;
    for (place, byte) in digits.iter().enumerate() {
        let ten = value.checked_mul(10);
        match ten.and_then(|ten| ten.checked_add((byte - b'0').into())) {
            Some(larger) => value = larger,
            None => return (None, place),
        }
    }
    (Some(value), digits.len())
}

/// What the kernel's `isspace` takes, but for the line end and byte 0xa0, which no `str` has alone.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}
