//! Maps that the kernel is given.

use arbitrary::{Arbitrary, Unstructured};
use ns_idmap::{ParseError, UidMap};
use ns_sys::Errno;

use super::elsewhere::{Elsewhere, elsewhere};
use super::extents::Extents;
use super::naive;
use super::privilege::{Privilege, privilege};
use super::sleeper::Sleeper;
use super::text::Text;

/// What is written: a text, mostly well formed, or extents; or by whom, or to what.
#[derive(Clone, Debug)]
pub enum Written {
    /// Read by the crate, and by the kernel.
    Text(String),
    /// Checked by the crate, and by the kernel.
    Extents(Extents),
    /// Planned by the crate, and by the kernel taken or refused.
    Privilege(Privilege),
    /// Given to what takes none.
    Elsewhere(Elsewhere, Extents),
}

impl<'a> Arbitrary<'a> for Written {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u.int_in_range(0..=7)? {
            0 => Self::Text(u.arbitrary()?),
            1 | 2 => Self::Text(u.arbitrary::<Text>()?.0),
            3 | 4 => Self::Privilege(u.arbitrary()?),
            5 => Self::Elsewhere(u.arbitrary()?, u.arbitrary()?),
            _ => Self::Extents(u.arbitrary()?),
        })
    }
}

/// Oracle: what a fresh user namespace takes, from whom, and what it shows then.
///
/// Taken by the kernel and refused by the crate are numbers that the kernel would cut to 32 bits and
/// texts that it would cut at a NUL; forms of other tools are not shown to the kernel. Ids that the
/// caller's own namespace lacks are `EPERM`, after all rules.
///
/// # Panics
/// Where they disagree.
pub fn kernel(written: &Written) {
    match written {
        Written::Text(text) => text_and_kernel(text),
        Written::Extents(extents) => extents_and_kernel(extents),
        Written::Privilege(case) => privilege(case),
        Written::Elsewhere(place, extents) => {
            if let Ok(map) = UidMap::new(extents.0.iter().copied()) {
                elsewhere(*place, &map);
            }
        }
    }
}

fn text_and_kernel(text: &str) {
    let ours = text.parse::<UidMap>();
    if let Ok(map) = &ours {
        round_trip(map);
    }
    if is_shorthand(text) {
        return;
    }
    let kernel = match Sleeper::new().write(text.as_bytes()) {
        Ok(()) | Err(Errno::PERM) => Ok(()),
        refused => refused,
    };
    let cut = matches!(ours, Err(ParseError::TooLarge { .. } | ParseError::Nul { .. }));
    let agree = kernel.is_ok() == (ours.is_ok() || cut);
    assert!(agree || cut && kernel == Err(Errno::INVAL), "{text:?}: {ours:?}, kernel {kernel:?}");
}

/// Whether the text is one that the kernel would not take but other tools write.
fn is_shorthand(text: &str) -> bool {
    let alone = |line: &str| line.split_ascii_whitespace().count() == 1;
    text.contains([',', ':']) || text.split('\n').any(alone)
}

fn extents_and_kernel(extents: &Extents) {
    let text = naive::text(&extents.0);
    let ours = UidMap::new(extents.0.iter().copied());
    // An empty write is no call at all to some file systems; here it is EINVAL.
    match (&ours, Sleeper::new().write(text.as_bytes())) {
        (Ok(map), Ok(()) | Err(Errno::PERM)) => {
            assert_eq!(map.to_string(), text);
            round_trip(map);
        }
        (Err(_), Err(Errno::INVAL)) => {}
        (ours, kernel) => panic!("{extents:?}: we {ours:?}, the kernel {kernel:?}"),
    }
}

/// Writes it with the crate, and reads it back with and without.
fn round_trip(map: &UidMap) {
    let sleeper = Sleeper::new();
    if let Err(error) = map.write(&sleeper) {
        let own = UidMap::read(std::fs::File::open("/proc/self").expect("open"));
        let own = own.expect("read").expect("a map of our own");
        return assert!(map.split_at(&own).as_ref() != Ok(map), "{error}: {map}");
    }
    let mut rows = sleeper.rows();
    let mut wanted: Vec<_> = map.iter().map(|e| [e.inside, e.outside, e.length]).collect();
    // Of more than five the kernel shows them ascending.
    rows.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(rows, wanted);
    assert_eq!(UidMap::read(&sleeper).expect("read").as_ref(), Some(map));
}

#[cfg(test)]
mod tests {
    use super::super::TEXTS;
    use super::*;

    #[test]
    fn the_first_texts_have_the_kernels_verdict() {
        ns_testbed::run_as!([Root, Nested], {
            for text in TEXTS {
                kernel(&Written::Text((*text).to_owned()));
            }
            kernel(&Written::Extents(Extents(Vec::new())));
        });
    }
}
