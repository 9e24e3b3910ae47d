//! Starts compared with other crates that do the same.

use crate::measured::Measured;

#[cfg(feature = "peers")]
mod rows {
    use benches::memory::{GB, resident};
    use benches::pairs::{PAIRS, SLOW_PAIRS, ratios};
    use benches::peers;
    use benches::subjects::{FOUR, WITH_NET, new, run, with_proc};
    use ns_process::Namespace;

    use super::Measured;
    use crate::flat::too_little_memory;

    pub(crate) fn unshare() -> Measured {
        against_unshare(&FOUR, PAIRS)
    }

    pub(crate) fn unshare_net() -> Measured {
        against_unshare(&WITH_NET, SLOW_PAIRS)
    }

    pub(crate) fn hakoniwa() -> Measured {
        against_hakoniwa(false)
    }

    pub(crate) fn hakoniwa_net() -> Measured {
        against_hakoniwa(true)
    }

    pub(crate) fn unshare_large() -> Measured {
        with_a_gigabyte(|| against_unshare(&FOUR, SLOW_PAIRS))
    }

    pub(crate) fn hakoniwa_large() -> Measured {
        with_a_gigabyte(|| against_hakoniwa(false))
    }

    fn against_unshare(namespaces: &[Namespace], pairs: usize) -> Measured {
        let container = new(namespaces);
        Measured::Ratios(ratios(pairs, || peers::unshare(namespaces), || run(&container)))
    }

    fn against_hakoniwa(with_network: bool) -> Measured {
        let mut container = with_proc();
        if with_network {
            container.namespace(Namespace::Net);
        }
        let peer = || peers::hakoniwa(with_network);
        Measured::Ratios(ratios(SLOW_PAIRS, peer, || run(&container)))
    }

    fn with_a_gigabyte(row: impl FnOnce() -> Measured) -> Measured {
        if let Some(reason) = too_little_memory(1) {
            return Measured::Skipped(reason);
        }
        let memory = resident(GB);
        let measured = row();
        drop(memory);
        measured
    }
}

#[cfg(not(feature = "peers"))]
mod rows {
    use super::Measured;

    macro_rules! skipped {
        ($($row:ident)*) => {
            $(pub(crate) fn $row() -> Measured {
                Measured::Skipped("built without the feature peers".to_owned())
            })*
        };
    }

    skipped!(unshare unshare_net unshare_large hakoniwa hakoniwa_net hakoniwa_large);
}

pub(crate) use rows::*;
