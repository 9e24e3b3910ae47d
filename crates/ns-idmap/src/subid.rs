//! The ids that `/etc/subuid` and `/etc/subgid` delegate.

use std::{fs, io};

use thiserror::Error;

use crate::{Extent, IdKind, Owner};

/// The ids delegated to one user, and which of them are still to be handed out.
///
/// Lines that overlap or touch are joined, so no id is ever handed out twice.
///
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
/// `subuid(5)`, `subgid(5)`; `lib/subordinateio.c` of shadow, whose `newuidmap(1)` has the last word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubIds {
    all: Vec<Run>,
    free: Vec<Run>,
}

/// Fewer ids are left than were asked for; none was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{wanted} ids wanted, {left} left; ask for fewer, or let an administrator delegate more")]
pub struct NotEnough {
    /// How many were asked for.
    pub wanted: u32,
    /// How many there are.
    pub left: u64,
}

/// Ids from `first` to `last`, both of them included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    first: u32,
    last: u32,
}

impl SubIds {
    /// The ids of ranges given as first id and count, as far as they are ids at all.
    pub fn new(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let all = joined(ranges.into_iter().filter_map(Run::new).collect());
        Self { free: all.clone(), all }
    }

    /// The ids that a text in the form of `subuid(5)` delegates to `owner`, by number or by name.
    ///
    /// Lines that shadow skips are skipped: blank, with a field missing or empty, with a number
    /// that is none, or of 1024 bytes and more. As there, `0x` begins a hexadecimal number and `0`
    /// an octal one, and a fourth field is not looked at.
    pub fn parse(text: &str, owner: &Owner) -> Self {
        Self::new(text.split('\n').filter_map(|line| range_of(line, owner)))
    }

    /// The ids that `/etc/subuid` (for [`Uid`](crate::Uid)) or `/etc/subgid` (for
    /// [`Gid`](crate::Gid)) delegate to `owner`; none if the file does not exist.
    ///
    /// Other sources of `nsswitch.conf(5)` are not asked.
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

    /// Whether all these ids are delegated, handed out or not.
    pub fn covers(&self, first: u32, length: u32) -> bool {
        let Some(wanted) = Run::new((first.into(), length.into())) else { return false };
        // Neighbours are joined, so one run has them all or none has.
        length == wanted.length()
            && self.all.iter().any(|run| run.first <= wanted.first && wanted.last <= run.last)
    }

    /// How many ids are left to be handed out.
    pub fn left(&self) -> u64 {
        self.free.iter().map(|run| u64::from(run.length())).sum()
    }

    /// Hands out `length` ids, the lowest that are left, as extents from `inside` on.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn take(&mut self, inside: u32, length: u32) -> Result<Vec<Extent>, NotEnough> {
        let left = self.left();
        if left < length.into() {
            return Err(NotEnough { wanted: length, left });
        }
        let mut extents = Vec::new();
        let mut taken = 0;
        while taken < length {
            let Some(run) = self.free.first().copied() else { break };
            let part = run.length().min(length - taken);
            extents.push(Extent {
                inside: inside.wrapping_add(taken),
                outside: run.first,
                length: part,
            });
            self.reserve(run.first, part);
            taken += part;
        }
        Ok(extents)
    }

    /// Keeps ids from being handed out: those that stand in a map already.
    pub fn reserve(&mut self, first: u32, length: u32) {
        let Some(gap) = Run::new((first.into(), length.into())) else { return };
        self.free = self.free.iter().flat_map(|run| run.without(gap)).flatten().collect();
    }
}

impl Run {
    const LAST_ID: u32 = u32::MAX - 1;

    /// The part of a range that is ids; `None` if there is none.
    fn new((first, count): (u64, u64)) -> Option<Self> {
        let last = first.saturating_add(count.checked_sub(1)?).min(Self::LAST_ID.into());
        let run = Self { first: u32::try_from(first).ok()?, last: u32::try_from(last).ok()? };
        (run.first <= run.last).then_some(run)
    }

    /// Fits, because 4294967295 is not an id.
    fn length(self) -> u32 {
        self.last - self.first + 1
    }

    /// What of the run lies before and behind `gap`.
    fn without(self, gap: Self) -> [Option<Self>; 2] {
        let before =
            gap.first.checked_sub(1).map(|last| Self { last: last.min(self.last), ..self });
        let behind =
            gap.last.checked_add(1).map(|first| Self { first: first.max(self.first), ..self });
        [before, behind].map(|part| part.filter(|run| run.first <= run.last))
    }
}

fn joined(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_unstable();
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.last_mut() {
            Some(before) if run.first <= before.last + 1 => before.last = before.last.max(run.last),
            _ => joined.push(run),
        }
    }
    joined
}

fn range_of(line: &str, owner: &Owner) -> Option<(u64, u64)> {
    let mut fields = line.split(':');
    let (user, first, count) = (fields.next()?, fields.next()?, fields.next()?);
    let is_ours = line.len() < 1024 && owner.is(user);
    if is_ours { Some((number(first)?, number(count)?)) } else { None }
}

/// As `strtoll` reads it with base 0, but for blanks and signs before it.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // from_str_radix would take a sign.
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    let value = if plain { i64::from_str_radix(digits, radix).ok()? } else { return None };
    u64::try_from(value).ok()
}
