//! The IDs that `/etc/subuid` and `/etc/subgid` delegate.

use std::{fs, io, mem};

use thiserror::Error;

use super::line::{SkippedLine, range_of};
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
    skipped: Option<SkippedLine>,
}

/// Fewer IDs are free than were requested. None was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{wanted} IDs requested, {left} left; request fewer, or ask an administrator for more")]
pub struct NotEnough {
    /// The number of requested IDs.
    pub wanted: u32,
    /// The number of free IDs.
    pub left: u32,
}

/// The IDs from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct IdRange {
    first: u32,
    last: u32,
}

impl SubIds {
    /// The IDs of ranges, each given as the first ID and the count. Numbers that are no IDs are left out.
    pub fn new(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let wide = |(first, count): (u32, u32)| (first.into(), count.into());
        Self::of_ranges(ranges.into_iter().map(wide))
    }

    /// As [`SubIds::new`], with numbers of any size, as a file may have them.
    fn of_ranges(ranges: impl Iterator<Item = (u64, u64)>) -> Self {
        let all = merged(ranges.filter_map(IdRange::new).collect());
        Self { free: all.clone(), all, skipped: None }
    }

    /// The IDs that `text`, in the format of `subuid(5)`, delegates to `owner`, by user ID or by name.
    ///
    /// As in shadow, a line is skipped if it is blank, if a field is missing or empty, if a number is
    /// not valid, or if the line has 1024 bytes or more. A blank or a carriage return belongs to its
    /// field: before or after the name it makes another name, and after a number it makes the number
    /// invalid; before a number it is ignored. A number may begin with `+`. A number that begins with
    /// `0x` is hexadecimal, and one that begins with `0` is octal. A fourth field is ignored.
    ///
    /// [`SubIds::skipped`] returns a skipped line that looks as if it were for `owner`.
    pub fn parse(text: &str, owner: &Owner) -> Self {
        let mut skipped = None;
        let ranges = text.split('\n').enumerate().filter_map(|(index, line)| {
            let range = range_of(line, owner);
            if range.is_none() && skipped.is_none() {
                skipped = SkippedLine::new(index, line, owner);
            }
            range
        });
        let ids = Self::of_ranges(ranges);
        Self { skipped, ..ids }
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

    /// The delegated ranges in ascending order, free or taken, each as the first ID and the count.
    ///
    /// Ranges that overlap or touch are one range.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::SubIds;
    ///
    /// let ids = SubIds::new([(300_000, 10), (100_000, 5), (100_005, 5)]);
    /// assert_eq!(ids.ranges().collect::<Vec<_>>(), [(100_000, 10), (300_000, 10)]);
    /// ```
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (u32, u32)> + '_ {
        self.all.iter().map(|range| (range.first, range.length()))
    }

    /// The first line that begins with the user's name or ID but delegates nothing to the user.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::{Owner, SubIds};
    ///
    /// let owner = Owner::named(1000, ["alice"]);
    /// let ids = SubIds::parse(" alice:100000:65536\n", &owner);
    /// assert_eq!(ids.left(), 0);
    /// assert_eq!(ids.skipped().map(|skipped| skipped.line), Some(1));
    /// ```
    pub fn skipped(&self) -> Option<&SkippedLine> {
        self.skipped.as_ref()
    }

    /// Whether all these IDs are delegated, free or taken.
    pub fn covers(&self, first: u32, length: u32) -> bool {
        let Some(range) = IdRange::new((first.into(), length.into())) else { return false };
        // Adjacent ranges are merged, so one range has all of them, or no range has.
        length == range.length()
            && self.all.iter().any(|all| all.first <= range.first && range.last <= all.last)
    }

    /// The number of free IDs.
    pub fn left(&self) -> u32 {
        self.free.iter().map(|range| range.length()).sum()
    }

    /// Takes the `length` lowest free IDs, as extents that begin at `inside`.
    ///
    /// # Errors
    /// Fewer IDs are free.
    pub fn take(&mut self, inside: u32, length: u32) -> Result<Vec<Extent>, NotEnough> {
        let left = self.left();
        if left < length {
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

    /// Takes all free IDs, as extents that begin at `inside`. The inside IDs may exceed the last ID.
    pub(super) fn take_all(&mut self, mut inside: u32) -> impl Iterator<Item = Extent> {
        mem::take(&mut self.free).into_iter().map(move |range| {
            let extent = Extent { inside, outside: range.first, length: range.length() };
            inside = inside.saturating_add(range.length());
            extent
        })
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
