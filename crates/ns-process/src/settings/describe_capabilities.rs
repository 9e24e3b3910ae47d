//! The calls that change capabilities, with the names of the capabilities.

use std::format;
use std::prelude::rust_2024::*;

use rustix::thread::CapabilitySet;

use crate::in_child::CapabilityChange;

/// A set that lacks no more of the known capabilities than this is described by what it lacks.
const FEW: usize = 6;

/// The call before the uid changes.
pub(super) fn keep(change: CapabilityChange) -> Option<String> {
    change.raises_before.then(|| "prctl(PR_SET_KEEPCAPS, 1)".to_owned())
}

/// The capabilities that the change of the uid cleared.
pub(super) fn regain(change: CapabilityChange) -> Option<String> {
    let names = names(change.before);
    change.raises_before.then(|| format!("capset(permitted and effective: {names})"))
}

/// The calls that set what the program has.
pub(super) fn change(change: CapabilityChange) -> impl Iterator<Item = String> {
    let CapabilityChange { dropped, bounding, permitted, effective, .. } = change;
    let inheritable = format!(", inheritable: {}", names(change.inheritable));
    let before = names(change.before);
    let raising_first =
        change.is_exact.then(|| format!("capset(permitted and effective: {before}{inheritable})"));
    let each =
        |calls: bool, call: &str, set: u64| calls.then(|| format!("prctl({call}, {})", names(set)));
    let dropping = each(dropped != 0, "PR_CAPBSET_DROP", dropped);
    let reading = each(bounding != 0, "PR_CAPBSET_READ", bounding);
    let own = if effective == permitted {
        format!("permitted and effective: {}", names(permitted))
    } else {
        format!("permitted: {}, effective: {}", names(permitted), names(effective))
    };
    let capset = format!("capset({own}{inheritable})");
    let clearing = change.is_exact.then(|| "prctl(PR_CAP_AMBIENT_CLEAR_ALL)".to_owned());
    let raising = each(change.ambient != 0, "PR_CAP_AMBIENT_RAISE", change.ambient);
    let bounding = raising_first.into_iter().chain(dropping).chain(reading);
    bounding.chain([capset]).chain(clearing).chain(raising)
}

/// The names of a set: `none`, `all`, `all but` a few, or each of them.
pub(super) fn names(bits: u64) -> String {
    let list = |set: CapabilitySet| {
        let names = set.iter_names().map(|(name, _)| format!("CAP_{name}"));
        names.collect::<Vec<_>>().join(" | ")
    };
    // The type has bits without a name as well.
    let known: CapabilitySet = CapabilitySet::all().iter_names().map(|(_, set)| set).collect();
    let set = CapabilitySet::from_bits_retain(bits) & known;
    let lacking = known - set;
    match (set.iter().count(), lacking.iter().count()) {
        (0, _) => "none".to_owned(),
        (_, 0) => "all".to_owned(),
        (_, ..=FEW) => format!("all but {}", list(lacking)),
        _ => list(set),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_names() {
        let pair = CapabilitySet::CHOWN | CapabilitySet::NET_RAW;
        assert_eq!(names(0), "none");
        assert_eq!(names(u64::MAX), "all");
        assert_eq!(names((1 << 41) - 1), "all");
        assert_eq!(names(pair.bits()), "CAP_CHOWN | CAP_NET_RAW");
        assert_eq!(names(!pair.bits()), "all but CAP_CHOWN | CAP_NET_RAW");
    }
}
