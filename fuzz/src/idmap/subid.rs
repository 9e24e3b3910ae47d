//! Delegated IDs of subuid(5).

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_idmap::{NotEnough, Owner, SubIds};

use super::extents::id;
use super::naive::{self, END};

/// The contents of two files, a user, and queries about the user's IDs.
#[derive(Clone, Debug)]
pub struct Delegated {
    passwd: String,
    subuid: String,
    uid: u32,
    queries: Vec<Query>,
}

#[derive(Clone, Copy, Debug)]
enum Query {
    Covers(u32, u32),
    Take(u32, u32),
    Reserve(u32, u32),
}

impl<'a> Arbitrary<'a> for Delegated {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            uid: *u.choose(&[0, 7, 1000])?,
            passwd: lines(u, |u| Ok([name(u)?, "x", id_word(u)?, "0"].join(":")))?,
            subuid: lines(u, |u| Ok([name(u)?, number(u)?, number(u)?, ""].join(":")))?,
            queries: (0..u.int_in_range(0..=5)?).map(|_| query(u)).collect::<Result<_>>()?,
        })
    }
}

/// Makes lines with `line`. Some are truncated, too long, or replaced by arbitrary text.
fn lines(
    u: &mut Unstructured<'_>,
    line: impl Fn(&mut Unstructured<'_>) -> Result<String>,
) -> Result<String> {
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=5)? {
        let whole = line(u)?;
        match u.int_in_range(0..=9)? {
            0 => text.extend(whole.chars().take(u.int_in_range(0..=12)?)),
            1 => text += u.arbitrary::<&str>()?.get(..9).unwrap_or_default(),
            2 => text = text + &whole + &"9".repeat(1024),
            _ => text += whole.strip_suffix(':').unwrap_or(&whole),
        }
        text += *u.choose(&["\n", "\n", "\n", "\r\n", ""])?;
    }
    Ok(text)
}

fn name(u: &mut Unstructured<'_>) -> Result<&'static str> {
    Ok(*u.choose(&["root", "alice", "alice", "bob", "0", "1000", "1000", "1000abc", "", "ä"])?)
}

fn id_word(u: &mut Unstructured<'_>) -> Result<&'static str> {
    Ok(*u.choose(&["0", "7", "1000", "1000", "01000", "+1000", "", "x", "18446744073709551616"])?)
}

fn number(u: &mut Unstructured<'_>) -> Result<&'static str> {
    Ok(*u.choose(&[
        "0",
        "1",
        "2",
        "5",
        "10",
        "20",
        "21",
        "40",
        "100000",
        "65536",
        "0x10",
        "0X1f",
        "010",
        "08",
        "4294967294",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "-1",
        "+5",
        " 5",
        "5 ",
        "0x",
        "",
        "x",
    ])?)
}

fn query(u: &mut Unstructured<'_>) -> Result<Query> {
    let (first, second) = (id(u)?, id(u)?);
    Ok(*u.choose(&[
        Query::Covers(first, second),
        Query::Take(first, second),
        Query::Reserve(first, second),
    ])?)
}

/// Reads delegated IDs and hands them out.
///
/// Oracle: a model with sets of IDs, which reads the files as shadow does. Each ID that is handed out was delegated,
/// and is handed out once.
///
/// # Panics
/// If the crate and the model disagree.
pub fn subid(input: &Delegated) {
    let owner = Owner::from_passwd(&input.passwd, input.uid);
    let names = names(&input.passwd, input.uid);
    assert_eq!(owner.has_name(), !names.is_empty(), "{input:?}");
    let mut ids = SubIds::parse(&input.subuid, &owner);
    let mut model = Model::new(&input.subuid, &names, input.uid);
    assert_eq!(u64::from(ids.left()), model.left(), "{input:?}");
    for query in &input.queries {
        model.compare(&mut ids, *query);
        assert_eq!(u64::from(ids.left()), model.left(), "{query:?} of {input:?}");
    }
}

fn names(passwd: &str, uid: u32) -> Vec<&str> {
    let rows = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let own = rows
        .filter(|row| row.len() > 2 && !row[0].is_empty() && decimal(row[2]) == Some(uid.into()));
    own.map(|row| row[0]).collect()
}

fn decimal(word: &str) -> Option<u128> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    // A number that does not fit into a u128 is not an ID.
    digits.then(|| word.parse().unwrap_or(u128::MAX))
}

/// Parses a word as strtoll(3) does with base 0. Returns `None` on overflow and for a negative number.
fn any_base(word: &str) -> Option<u64> {
    let word = word.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let word = word.strip_prefix('+').unwrap_or(word);
    let (digits, base) = match word {
        "0" => (word, 10),
        _ if word.starts_with("0x") || word.starts_with("0X") => (&word[2..], 16),
        _ if word.starts_with('0') => (&word[1..], 8),
        _ => (word, 10),
    };
    let value = digits.chars().try_fold(0_u128, |value, char| {
        Some((value * base + u128::from(char.to_digit(u32::try_from(base).ok()?)?)).min(1 << 64))
    });
    value.filter(|value| !digits.is_empty() && *value < 1 << 63)?.try_into().ok()
}

struct Model {
    delegated: Vec<(u64, u64)>,
    taken: Vec<(u64, u64)>,
}

impl Model {
    fn new(subuid: &str, names: &[&str], uid: u32) -> Self {
        let uid = uid.to_string();
        let own_range = |line: &str| {
            let fields: Vec<_> = line.split(':').collect();
            let own = fields[0] == uid || names.contains(&fields[0]);
            let numbers = (any_base(fields.get(1)?)?, any_base(fields.get(2)?)?);
            (own && line.len() < 1024).then(|| range(numbers.0, numbers.1))
        };
        Self { delegated: subuid.split('\n').filter_map(own_range).collect(), taken: Vec::new() }
    }

    fn has(&self, id: u64) -> bool {
        within(&self.delegated, id) && !within(&self.taken, id)
    }

    /// Counts the IDs that are left. All IDs between two bounds behave alike.
    fn left(&self) -> u64 {
        let all = self.delegated.iter().chain(&self.taken);
        let mut bounds: Vec<u64> = all.flat_map(|(first, end)| [*first, *end]).collect();
        bounds.sort_unstable();
        let pairs = bounds.windows(2).filter(|pair| self.has(pair[0]));
        pairs.map(|pair| pair[1] - pair[0]).sum()
    }

    fn compare(&mut self, ids: &mut SubIds, query: Query) {
        match query {
            Query::Covers(first, length) => {
                assert_eq!(ids.covers(first, length), self.covers(first.into(), length.into()));
            }
            Query::Reserve(first, length) => {
                ids.reserve(first, length);
                self.taken.push(range(first.into(), length.into()));
            }
            Query::Take(inside, length) => self.take(ids, inside, length),
        }
    }

    fn covers(&self, first: u64, length: u64) -> bool {
        let end = first + length;
        let ends =
            self.delegated.iter().map(|(_, end)| *end).filter(|id| (first..end).contains(id));
        let mut probes = ends.chain([first]);
        length > 0 && end <= END && probes.all(|id| within(&self.delegated, id))
    }

    fn take(&mut self, ids: &mut SubIds, inside: u32, length: u32) {
        let left = self.left();
        let taken = ids.take(inside, length);
        if left < length.into() {
            let left = u32::try_from(left).expect("less than the length");
            return assert_eq!(taken, Err(NotEnough { wanted: length, left }));
        }
        let mut next = inside;
        for extent in taken.expect("enough IDs are left") {
            assert_eq!(extent.inside, next, "the inside IDs are consecutive");
            next = next.wrapping_add(extent.length);
            let before = self.left();
            self.taken.push(naive::outside(&extent));
            assert_eq!(
                before - self.left(),
                u64::from(extent.length),
                "each ID is delegated and taken once"
            );
        }
        assert_eq!(next, inside.wrapping_add(length), "as many IDs as requested");
    }
}

fn within(ranges: &[(u64, u64)], id: u64) -> bool {
    ranges.iter().any(|(first, end)| (*first..*end).contains(&id))
}

/// Limits a range to valid IDs.
fn range(first: u64, length: u64) -> (u64, u64) {
    (first.min(END), first.saturating_add(length).min(END))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_parsed_as_in_shadow() {
        let known =
            [("0", Some(0)), ("010", Some(8)), ("0x1F", Some(31)), ("08", None), ("0x", None)];
        for (word, value) in known {
            assert_eq!(any_base(word), value, "{word:?}");
        }
        assert_eq!((any_base("-1"), any_base("")), (None, None));
        assert_eq!((any_base(" \t+0x1F"), any_base("+ 1"), any_base("1 ")), (Some(31), None, None));
        assert_eq!(any_base("9223372036854775808"), None);
    }

    #[test]
    fn the_model_counts_ids() {
        let mut model = Model::new("alice:10:10\n7:15:10\nbob:0:99\n", &["alice"], 7);
        assert_eq!(model.left(), 15);
        model.taken.push((12, 14));
        assert_eq!(model.left(), 13);
        assert!(model.covers(10, 15) && !model.covers(10, 16) && !model.covers(10, 0));
    }
}
