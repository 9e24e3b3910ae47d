//! The IDs that `/etc/subuid` and `/etc/subgid` delegate.

use std::{fs, io};

use thiserror::Error;

use crate::{Extent, IdKind, Owner};

/// The IDs that are delegated to one user, and those that are still free.
///
/// Ranges that overlap or touch are merged, so no ID is taken twice.
///
/// # Examples
/// ```
/// use ns_idmap::{Extent, Owner, SubIds, UidMap};
///
/// let owner = Owner::from_passwd("alice:x:1000:1000::/:/bin/sh\n", 1000);
/// let mut ids = SubIds::parse("alice:100000:65536\nbob:165536:65536\n", &owner);
/// let own = Extent { inside: 0, outside: 1000, length: 1 };
/// let map = UidMap::new([own].into_iter().chain(ids.take(1, 65535)?))?;
/// assert_eq!(map.to_string(), "0 1000 1\n1 100000 65535\n");
/// assert_eq!(ids.left(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// `subuid(5)`, `subgid(5)`, `newuidmap(1)`; `lib/subordinateio.c` of shadow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubIds {
    all: Vec<IdRange>,
    free: Vec<IdRange>,
}

/// Fewer IDs are free than were requested. None was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{wanted} ids requested, {left} left; request fewer, or ask an administrator for more")]
pub struct NotEnough {
    /// The number of requested IDs.
    pub wanted: u32,
    /// The number of free IDs.
    pub left: u64,
}

/// The IDs from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct IdRange {
    first: u32,
    last: u32,
}

impl SubIds {
    /// The IDs of ranges, each given as the first ID and the count. Numbers that are no IDs are left out.
    pub fn new(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let all = merged(ranges.into_iter().filter_map(IdRange::new).collect());
        Self { free: all.clone(), all }
    }

    /// The IDs that `text`, in the format of `subuid(5)`, delegates to `owner`, by user ID or by name.
    ///
    /// As in shadow, a line is skipped if it is blank, if a field is missing or empty, if a number is
    /// not valid, or if the line has 1024 bytes or more. A number that begins with `0x` is hexadecimal,
    /// one that begins with `0` is octal, and a fourth field is ignored.
    pub fn parse(text: &str, owner: &Owner) -> Self {
        Self::new(text.split('\n').filter_map(|line| range_of(line, owner)))
    }

    /// Reads the IDs that `/etc/subuid` (for [`Uid`](crate::Uid)) or `/etc/subgid` (for
    /// [`Gid`](crate::Gid)) delegates to `owner`; none if the file does not exist.
    ///
    /// Other sources of `nsswitch.conf(5)` are not used.
    ///
    /// # Errors
    /// The file exists but cannot be read.
    pub fn read<K: IdKind>(owner: &Owner) -> io::Result<Self> {
        match fs::read(K::DELEGATION) {
            Ok(text) => Ok(Self::parse(&String::from_utf8_lossy(&text), owner)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Whether all these IDs are delegated, free or taken.
    pub fn covers(&self, first: u32, length: u32) -> bool {
        let Some(range) = IdRange::new((first.into(), length.into())) else { return false };
        // Adjacent ranges are merged, so one range has all of them, or no range has.
        length == range.length()
            && self.all.iter().any(|all| all.first <= range.first && range.last <= all.last)
    }

    /// The number of free IDs.
    pub fn left(&self) -> u64 {
        self.free.iter().map(|range| u64::from(range.length())).sum()
    }

    /// Takes the `length` lowest free IDs, as extents that begin at `inside`.
    ///
    /// # Errors
    /// Fewer IDs are free.
    pub fn take(&mut self, inside: u32, length: u32) -> Result<Vec<Extent>, NotEnough> {
        let left = self.left();
        if left < length.into() {
            return Err(NotEnough { wanted: length, left });
        }
        let mut extents = Vec::new();
        let mut taken = 0;
        while taken < length {
            let Some(range) = self.free.first().copied() else { break };
            let part = range.length().min(length - taken);
            extents.push(Extent {
                inside: inside.wrapping_add(taken),
                outside: range.first,
                length: part,
            });
            self.reserve(range.first, part);
            taken += part;
        }
        Ok(extents)
    }

    /// Marks IDs as taken, such as those of another map.
    pub fn reserve(&mut self, first: u32, length: u32) {
        let Some(taken) = IdRange::new((first.into(), length.into())) else { return };
        self.free = self.free.iter().flat_map(|range| range.without(taken)).flatten().collect();
    }
}

impl IdRange {
    const LAST_ID: u32 = u32::MAX - 1;

    /// The IDs of a range; `None` if it has none.
    fn new((first, count): (u64, u64)) -> Option<Self> {
        let last = first.saturating_add(count.checked_sub(1)?).min(Self::LAST_ID.into());
        let range = Self { first: u32::try_from(first).ok()?, last: u32::try_from(last).ok()? };
        (range.first <= range.last).then_some(range)
    }

    /// The number of IDs. It fits in a `u32`, because the largest ID is 4294967294.
    fn length(self) -> u32 {
        self.last - self.first + 1
    }

    /// The parts of the range before and after `taken`.
    fn without(self, taken: Self) -> [Option<Self>; 2] {
        let before =
            taken.first.checked_sub(1).map(|last| Self { last: last.min(self.last), ..self });
        let after =
            taken.last.checked_add(1).map(|first| Self { first: first.max(self.first), ..self });
        [before, after].map(|part| part.filter(|range| range.first <= range.last))
    }
}

fn merged(mut ranges: Vec<IdRange>) -> Vec<IdRange> {
    ranges.sort_unstable();
    let mut merged: Vec<IdRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(before) if range.first <= before.last + 1 => {
                before.last = before.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

fn range_of(line: &str, owner: &Owner) -> Option<(u64, u64)> {
    let mut fields = line.split(':');
    let (user, first, count) = (fields.next()?, fields.next()?, fields.next()?);
    let is_owners = line.len() < 1024 && owner.is(user);
    if is_owners { Some((number(first)?, number(count)?)) } else { None }
}

/// Parses a number as `strtoll(3)` does with base 0, but without leading blanks and signs.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // `from_str_radix` alone would accept a sign.
    let is_plain = digits.chars().all(|digit| digit.is_digit(radix));
    let value = if is_plain { i64::from_str_radix(digits, radix).ok()? } else { return None };
    u64::try_from(value).ok()
}
