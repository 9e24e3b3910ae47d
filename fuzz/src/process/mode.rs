//! The mode of a start: as a daemon or a child, under an init, in which namespaces, and with which code.

use arbitrary::{Result, Unstructured};
use ns_process::{Namespace, NamespaceFlags};

use super::hooks::HookPoint;

/// Any combination of these fields is valid for a start.
#[derive(Clone, Debug, Default)]
pub(super) struct StartMode {
    pub(super) daemon: Option<Daemon>,
    /// Whether the program runs under an init.
    pub(super) init: bool,
    /// Namespaces of another process to join.
    pub(super) joined: NamespaceFlags,
    pub(super) child_code: ChildCode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Daemon {
    OfInit,
    OfCaller,
}

/// Code of the caller that runs in the child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChildCode {
    /// Whether the child runs a closure instead of a program.
    pub(super) closure: bool,
    /// The hooks, in order.
    pub(super) hooks: Vec<HookPoint>,
}

impl StartMode {
    /// Makes a mode for a process with these new namespaces.
    pub(super) fn draw(u: &mut Unstructured<'_>, new: NamespaceFlags) -> Result<Self> {
        let child_code = if u.ratio(1, 3)? { ChildCode::draw(u)? } else { ChildCode::default() };
        let may_init = child_code == ChildCode::default() && new.contains(NamespaceFlags::PID);
        let daemon = *u.choose(&[Daemon::OfInit, Daemon::OfCaller])?;
        Ok(Self {
            daemon: u.ratio(1, 4)?.then_some(daemon),
            init: u.ratio(1, 2)? && may_init,
            joined: if u.ratio(1, 3)? { joined(u, new)? } else { NamespaceFlags::empty() },
            child_code,
        })
    }
}

impl ChildCode {
    fn draw(u: &mut Unstructured<'_>) -> Result<Self> {
        let closure = u.arbitrary()?;
        let mut hooks = Vec::new();
        for point in HookPoint::ALL {
            // A program cannot have this hook.
            if u.arbitrary()? && (closure || point != HookPoint::PostExec) {
                hooks.push(point);
            }
        }
        Ok(Self { closure, hooks })
    }
}

/// Returns some of the namespaces that are not new.
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

    fn inputs(new: NamespaceFlags) -> Vec<StartMode> {
        let noise = crate::noise();
        noise
            .iter()
            .map(|bytes| StartMode::draw(&mut Unstructured::new(bytes), new).unwrap())
            .collect()
    }

    #[test]
    fn every_input_is_valid_for_a_start() {
        for mode in inputs(NamespaceFlags::PID | NamespaceFlags::USER) {
            assert!(mode.child_code == ChildCode::default() || !mode.init, "{mode:?}");
            assert!(
                mode.child_code.closure || !mode.child_code.hooks.contains(&HookPoint::PostExec),
                "{mode:?}"
            );
            assert!(
                !mode.joined.intersects(NamespaceFlags::PID | NamespaceFlags::USER),
                "{mode:?}"
            );
        }
        assert!(inputs(NamespaceFlags::USER).iter().all(|mode| !mode.init));
    }

    #[test]
    fn every_mode_occurs() {
        let modes = inputs(NamespaceFlags::PID);
        let some =
            |is: fn(&StartMode) -> bool| assert!(modes.iter().filter(|mode| is(mode)).count() > 20);
        some(|mode| mode.init);
        some(|mode| mode.daemon == Some(Daemon::OfInit));
        some(|mode| mode.daemon == Some(Daemon::OfCaller));
        some(|mode| !mode.joined.is_empty());
        some(|mode| mode.child_code.closure);
        some(|mode| !mode.child_code.hooks.is_empty() && !mode.child_code.closure);
    }
}
