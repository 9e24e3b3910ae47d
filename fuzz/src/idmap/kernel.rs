//! Maps that are written to the kernel.

use arbitrary::{Arbitrary, Unstructured};
use ns_idmap::{ParseError, UidMap};
use ns_sys::Errno;

use super::extents::Extents;
use super::invalid_target::{InvalidTarget, invalid_target};
use super::naive;
use super::privilege::{Privilege, privilege};
use super::sleeper::Sleeper;
use super::text::Text;

/// A write to the kernel.
#[derive(Clone, Debug)]
pub enum WriteCase {
    /// A text, which the crate parses.
    Text(String),
    /// Extents, which the crate checks.
    Extents(Extents),
    /// A map and the privilege of its writer, for which the crate makes a plan.
    Privilege(Privilege),
    /// A map for a target that does not accept one.
    InvalidTarget(InvalidTarget, Extents),
}

impl<'a> Arbitrary<'a> for WriteCase {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u.int_in_range(0..=7)? {
            0 => Self::Text(u.arbitrary()?),
            1 | 2 => Self::Text(u.arbitrary::<Text>()?.0),
            3 | 4 => Self::Privilege(u.arbitrary()?),
            5 => Self::InvalidTarget(u.arbitrary()?, u.arbitrary()?),
            _ => Self::Extents(u.arbitrary()?),
        })
    }
}

/// Writes maps to new user namespaces.
///
/// Oracle: the kernel, which accepts or rejects a map, and shows it afterwards.
///
/// The crate rejects two kinds of text that the kernel accepts: numbers that the kernel truncates to 32 bits, and texts
/// that it truncates at a NUL. The notations of other tools, which only the crate accepts, are not compared. IDs that the
/// caller's namespace does not map are `EPERM`, which the kernel checks after all rules.
///
/// # Panics
/// If the crate and the kernel disagree.
pub fn kernel(case: &WriteCase) {
    match case {
        WriteCase::Text(text) => text_and_kernel(text),
        WriteCase::Extents(extents) => extents_and_kernel(extents),
        WriteCase::Privilege(case) => privilege(case),
        WriteCase::InvalidTarget(target, extents) => {
            if let Ok(map) = UidMap::new(extents.0.iter().copied()) {
                invalid_target(*target, &map);
            }
        }
    }
}

fn text_and_kernel(text: &str) {
    let parsed = text.parse::<UidMap>();
    if let Ok(map) = &parsed {
        round_trip(map);
    }
    if is_shorthand(text) {
        return;
    }
    let kernel = match Sleeper::new().write(text.as_bytes()) {
        Ok(()) | Err(Errno::PERM) => Ok(()),
        rejected => rejected,
    };
    let truncated = matches!(parsed, Err(ParseError::TooLarge { .. } | ParseError::Nul { .. }));
    let agree = kernel.is_ok() == (parsed.is_ok() || truncated);
    assert!(
        agree || truncated && kernel == Err(Errno::INVAL),
        "{text:?}: {parsed:?}, kernel {kernel:?}"
    );
}

/// Whether the text has a form that other tools use and the kernel rejects.
fn is_shorthand(text: &str) -> bool {
    let is_single = |line: &str| line.split_ascii_whitespace().count() == 1;
    text.contains([',', ':']) || text.split('\n').any(is_single)
}

fn extents_and_kernel(extents: &Extents) {
    let text = naive::text(&extents.0);
    let checked = UidMap::new(extents.0.iter().copied());
    // An empty write returns EINVAL here.
    match (&checked, Sleeper::new().write(text.as_bytes())) {
        (Ok(map), Ok(()) | Err(Errno::PERM)) => {
            assert_eq!(map.to_string(), text);
            round_trip(map);
        }
        (Err(_), Err(Errno::INVAL)) => {}
        (checked, kernel) => panic!("{extents:?}: {checked:?}, kernel {kernel:?}"),
    }
}

/// Writes a map with the crate, and reads it back with and without the crate.
fn round_trip(map: &UidMap) {
    let sleeper = Sleeper::new();
    if let Err(error) = map.write(&sleeper) {
        let own = UidMap::read(std::fs::File::open("/proc/self").expect("open"));
        let own = own.expect("read").expect("a map");
        return assert!(map.split_at(&own).as_ref() != Ok(map), "{error}: {map}");
    }
    let mut rows = sleeper.rows();
    let mut expected: Vec<_> = map.iter().map(|e| [e.inside, e.outside, e.length]).collect();
    // The kernel sorts the extents if there are more than five.
    rows.sort_unstable();
    expected.sort_unstable();
    assert_eq!(rows, expected);
    assert_eq!(UidMap::read(&sleeper).expect("read").as_ref(), Some(map));
}

#[cfg(test)]
mod tests {
    use super::super::TEXTS;
    use super::*;

    #[test]
    fn the_seed_texts_agree_with_the_kernel() {
        ns_testbed::run_as!([Root, Nested], {
            for text in TEXTS {
                kernel(&WriteCase::Text((*text).to_owned()));
            }
            kernel(&WriteCase::Extents(Extents(Vec::new())));
        });
    }
}
