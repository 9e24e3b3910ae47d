//! In what way a process is started: as whose child, in whose namespaces, and running whose code.

use arbitrary::{Result, Unstructured};
use ns_process::{Namespace, NamespaceFlags};

use super::hooks::Moment;

/// Each part goes with the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    pub(super) daemon: Option<Daemon>,
    /// An init beside the program.
    pub(super) init: bool,
    /// Namespaces that it shares with another process.
    pub(super) joined: NamespaceFlags,
    pub(super) guest: Guest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Daemon {
    OfInit,
    OfCaller,
}

/// Code of the caller's in the child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guest {
    /// In place of a program.
    pub(super) closure: bool,
    /// In order.
    pub(super) hooks: Vec<Moment>,
}

impl Way {
    /// Draws one for a process with these new namespaces.
    pub(super) fn draw(u: &mut Unstructured<'_>, new: NamespaceFlags) -> Result<Self> {
        let guest = if u.ratio(1, 3)? { Guest::draw(u)? } else { Guest::default() };
        let may_init = guest == Guest::default() && new.contains(NamespaceFlags::PID);
        let daemon = *u.choose(&[Daemon::OfInit, Daemon::OfCaller])?;
        Ok(Self {
            daemon: u.ratio(1, 4)?.then_some(daemon),
            init: u.ratio(1, 2)? && may_init,
            joined: if u.ratio(1, 3)? { joined(u, new)? } else { NamespaceFlags::empty() },
            guest,
        })
    }
}

impl Guest {
    fn draw(u: &mut Unstructured<'_>) -> Result<Self> {
        let closure = u.arbitrary()?;
        let mut hooks = Vec::new();
        for moment in Moment::ALL {
            // For a program it is refused.
            if u.arbitrary()? && (closure || moment != Moment::PostExec) {
                hooks.push(moment);
            }
        }
        Ok(Self { closure, hooks })
    }
}

/// Some of those that are not new.
fn joined(u: &mut Unstructured<'_>, new: NamespaceFlags) -> Result<NamespaceFlags> {
    let mut joined = NamespaceFlags::empty();
    for _ in 0..u.int_in_range(1..=4)? {
        joined |= u.choose(&Namespace::ALL)?.flag();
    }
    Ok(joined - new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(new: NamespaceFlags) -> Vec<Way> {
        let noise = crate::noise();
        noise.iter().map(|bytes| Way::draw(&mut Unstructured::new(bytes), new).unwrap()).collect()
    }

    #[test]
    fn nothing_is_drawn_that_a_start_refuses() {
        for way in drawn(NamespaceFlags::PID | NamespaceFlags::USER) {
            assert!(way.guest == Guest::default() || !way.init, "{way:?}");
            assert!(way.guest.closure || !way.guest.hooks.contains(&Moment::PostExec), "{way:?}");
            assert!(!way.joined.intersects(NamespaceFlags::PID | NamespaceFlags::USER), "{way:?}");
        }
        assert!(drawn(NamespaceFlags::USER).iter().all(|way| !way.init));
    }

    #[test]
    fn every_way_is_drawn() {
        let ways = drawn(NamespaceFlags::PID);
        let some = |is: fn(&Way) -> bool| assert!(ways.iter().filter(|way| is(way)).count() > 20);
        some(|way| way.init);
        some(|way| way.daemon == Some(Daemon::OfInit));
        some(|way| way.daemon == Some(Daemon::OfCaller));
        some(|way| !way.joined.is_empty());
        some(|way| way.guest.closure);
        some(|way| !way.guest.hooks.is_empty() && !way.guest.closure);
    }
}
