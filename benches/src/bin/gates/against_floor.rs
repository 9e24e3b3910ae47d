//! Starts compared with the raw floor.

use benches::floor::{Floor, Root};
use benches::pairs::{PAIRS, ratios};
use benches::subjects::{self, FIVE, run};
use ns_process::{Container, Namespace, NamespaceFlags};

use crate::measured::Measured;

pub(crate) fn plain() -> Measured {
    against(&subjects::plain(), floor(&[]))
}

pub(crate) fn five() -> Measured {
    against(&subjects::new(&FIVE), floor(&FIVE))
}

pub(crate) fn chroot() -> Measured {
    against(&subjects::by_chroot(), floor(&FIVE).with_root(Root::Chroot))
}

pub(crate) fn pivot() -> Measured {
    against(&subjects::by_pivot(), floor(&FIVE).with_root(Root::ReadOnlyPivot))
}

/// Returns the raw floor of a start in these new namespaces.
pub(crate) fn floor(namespaces: &[Namespace]) -> Floor {
    Floor::new(flags(namespaces).into())
}

pub(crate) fn flags(namespaces: &[Namespace]) -> NamespaceFlags {
    namespaces.iter().map(|kind| NamespaceFlags::from(*kind)).collect()
}

fn against(container: &Container, mut floor: Floor) -> Measured {
    Measured::Ratios(ratios(PAIRS, || run(container), || floor.start_join()))
}
