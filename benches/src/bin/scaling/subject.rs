//! The subjects: ways to start `tiny`.

use benches::by_hand::{fork_and_exec, std_command};
use benches::floor::Floor;
use benches::subjects::{FIVE, new, run};
use ns_process::{Container, GidMap, NamespaceFlags, UidMap};

/// A way to start `tiny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    NsProcess,
    Floor,
    Std,
    Fork,
    Unshare,
    Hakoniwa,
}

impl Subject {
    /// Returns the name, with the namespaces that it creates.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NsProcess => "ns-process, 5 namespaces",
            Self::Floor => "raw floor, 5 namespaces",
            Self::Std => "std::process::Command, none",
            Self::Fork => "fork and execve, none",
            Self::Unshare => "crate unshare, 5 namespaces",
            Self::Hakoniwa => "crate hakoniwa, 5 namespaces and a root",
        }
    }

    /// Whether this program was built with the subject.
    pub(crate) fn is_available(self) -> bool {
        cfg!(feature = "peers") || !matches!(self, Self::Unshare | Self::Hakoniwa)
    }

    /// Returns a function that starts and joins, with this number of extents in each map.
    pub(crate) fn starter(self, extents: u32) -> Box<dyn FnMut()> {
        match self {
            Self::NsProcess => {
                let container = mapped(extents);
                Box::new(move || run(&container))
            }
            Self::Floor => {
                let five: NamespaceFlags = FIVE.into_iter().map(NamespaceFlags::from).collect();
                let mut floor = Floor::new(five.into());
                Box::new(move || floor.start_join())
            }
            Self::Std => Box::new(std_command),
            Self::Fork => Box::new(fork_and_exec),
            #[cfg(feature = "peers")]
            Self::Unshare => Box::new(move || benches::peers::unshare_mapped(&FIVE, extents)),
            #[cfg(feature = "peers")]
            Self::Hakoniwa => Box::new(|| benches::peers::hakoniwa(false)),
            #[cfg(not(feature = "peers"))]
            Self::Unshare | Self::Hakoniwa => unreachable!("the subject is not available"),
        }
    }
}

/// Returns a container with this number of extents in each map. One extent is the map of `map_zero`, which needs no
/// privilege.
fn mapped(extents: u32) -> Container {
    if extents == 1 {
        return new(&FIVE);
    }
    let text = (0..extents).map(|id| format!("{id} {} 1", id * 2)).collect::<Vec<_>>().join(",");
    let mut container = Container::new(benches::TINY);
    container.namespaces(FIVE);
    container.uid_map(text.parse::<UidMap>().expect("a valid map"));
    container.gid_map(text.parse::<GidMap>().expect("a valid map"));
    container
}
