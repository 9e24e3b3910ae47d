//! The capabilities that the child sets, and the rules of the kernel for them.

use std::format;
use std::prelude::rust_2024::*;
use std::sync::OnceLock;

use ns_sys::NamespaceFlags;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set};

use super::capabilities::{Capabilities, CapabilityConfig};
use super::describe_capabilities::names;
use crate::in_child::CapabilityChange;

/// The privileges of a target, as an upper bound for the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrivilegeCeiling {
    pub(crate) permitted: CapabilitySet,
    pub(crate) ambient: CapabilitySet,
    pub(crate) no_new_privs: bool,
}

/// The user namespace in which the child changes its capabilities.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserNamespace {
    /// Whether it is new, so that the child has all capabilities there.
    pub(crate) is_new: bool,
    /// The kinds to join, including namespaces that the caller may already be in.
    pub(crate) joined: NamespaceFlags,
}

impl UserNamespace {
    /// Whether it is, or may be, another one than the caller's.
    fn may_differ(self) -> bool {
        self.is_new || self.joined.contains(NamespaceFlags::USER)
    }
}

/// The capabilities that the child sets.
#[derive(Debug)]
pub(crate) struct CapabilityPlan {
    requested: CapabilityConfig,
    /// The capabilities of the caller, if the child depends on them.
    caller: Option<CapabilitySets>,
    namespace: UserNamespace,
    /// The final uid, if the child changes it.
    uid: Option<u32>,
}

impl CapabilityPlan {
    /// Checks the configuration; an error begins with the name of the setter. `has_ceiling`: the
    /// target's privileges limit the child. `filters`: it sets a seccomp filter.
    pub(crate) fn new(
        config: &CapabilityConfig,
        namespace: UserNamespace,
        uid: Option<u32>,
        has_ceiling: bool,
        filters: bool,
    ) -> Result<Self, String> {
        let CapabilityConfig { dropped, kept, sets } = *config;
        if kept.intersects(dropped) {
            let both = names((kept & dropped).bits());
            return Err(format!("keep_capabilities: {both} is dropped as well"));
        }
        let sets_any = !(kept | dropped).is_empty() || sets.is_some() || filters;
        let depends = has_ceiling || !namespace.is_new && sets_any;
        let caller = depends.then(|| capabilities(None)).transpose();
        let caller = caller.map_err(|errno| format!("keep_capabilities: {errno}"))?;
        let sets = sets.map(known);
        if let Some(sets) = sets {
            let setter = if sets.are_equal() { "keep_only" } else { "capability_sets" };
            let own = caller.filter(|_| !namespace.may_differ());
            let message = conflict(config, has_ceiling).or_else(|| broken_rule(&sets, own));
            message.map_or(Ok(()), |message| Err(format!("{setter}: {message}")))?;
        }
        Ok(Self { requested: CapabilityConfig { sets, ..*config }, caller, namespace, uid })
    }

    /// The change of a child that joins the namespaces `joined`, with at most the privileges
    /// `ceiling`. `filters_early`: it sets a filter that needs a capability.
    pub(crate) fn change(
        &self,
        joined: NamespaceFlags,
        ceiling: Option<PrivilegeCeiling>,
        filters_early: bool,
    ) -> Option<CapabilityChange> {
        let all = self.namespace.is_new || joined.contains(NamespaceFlags::USER);
        // A process has all capabilities in a user namespace that is created or joined.
        let (before, inheritable) = match self.caller.filter(|_| !all) {
            Some(sets) => (sets.permitted.bits(), sets.inheritable.bits()),
            None => (u64::MAX, 0),
        };
        if let Some(sets) = &self.requested.sets {
            return Some(exactly(sets, before, inheritable));
        }
        let (mut kept, mut dropped) = (self.requested.kept.bits(), self.requested.dropped.bits());
        if let Some(ceiling) = ceiling {
            let bounding = if all { u64::MAX } else { caller_bounding().bits() };
            dropped |= bounding & !ceiling.permitted.bits();
            kept |= ceiling.ambient.bits() & before & !dropped;
        }
        let becomes_user = self.uid.is_some_and(|uid| uid != 0);
        if kept == 0 && dropped == 0 && !(filters_early && becomes_user) {
            return None;
        }
        let permitted = if becomes_user { kept } else { before & !dropped };
        Some(CapabilityChange {
            before,
            inheritable_before: inheritable,
            // setresuid(2) alone would clear the capabilities before they are set.
            raises_before: self.uid.is_some(),
            dropped,
            bounding: 0,
            permitted,
            effective: permitted,
            inheritable: inheritable & !dropped | kept,
            is_exact: false,
            ambient: kept,
        })
    }
}

/// The change to exactly these sets, from the permitted and the inheritable set before it.
fn exactly(sets: &Capabilities, before: u64, inheritable_before: u64) -> CapabilityChange {
    CapabilityChange {
        before,
        inheritable_before,
        // The caller's effective set may lack `CAP_SETPCAP`.
        raises_before: true,
        dropped: (known_capabilities() - sets.bounding).bits(),
        bounding: sets.bounding.bits(),
        permitted: sets.permitted.bits(),
        effective: sets.effective.bits(),
        inheritable: sets.inheritable.bits(),
        is_exact: true,
        ambient: sets.ambient.bits(),
    }
}

/// A message if another setting changes the same sets.
fn conflict(config: &CapabilityConfig, has_ceiling: bool) -> Option<String> {
    let changes = [
        (!config.dropped.is_empty(), "drop_capabilities"),
        (!config.kept.is_empty(), "keep_capabilities"),
        (has_ceiling, "match_privileges"),
    ];
    let other = changes.iter().find(|(is_set, _)| *is_set);
    other.map(|(_, setter)| format!("conflicts with {setter}"))
}

/// A message if the kernel would refuse the sets. `own`: the sets of the caller, if the child is in
/// the caller's user namespace.
fn broken_rule(sets: &Capabilities, own: Option<CapabilitySets>) -> Option<String> {
    let rules = [
        ("effective", sets.effective, "permitted", sets.permitted),
        ("ambient", sets.ambient, "permitted", sets.permitted),
        ("ambient", sets.ambient, "inheritable", sets.inheritable),
    ];
    let outside = |set: CapabilitySet, bound: CapabilitySet| {
        Some(set - bound).filter(|outside| !outside.is_empty())
    };
    let broken = rules.iter().find_map(|(name, set, bound_name, bound)| {
        let outside = outside(*set, *bound)?;
        Some(format!("{name}: {} is not {bound_name}", names(outside.bits())))
    });
    broken.or_else(|| {
        let lacked = outside(sets.permitted, own?.permitted)?;
        let lacked = names(lacked.bits());
        Some(format!("needs {lacked}, which the caller does not have, or a new user namespace"))
    })
}

/// The sets without capabilities that the kernel does not know.
fn known(sets: Capabilities) -> Capabilities {
    let known = known_capabilities();
    Capabilities {
        bounding: sets.bounding & known,
        permitted: sets.permitted & known,
        effective: sets.effective & known,
        inheritable: sets.inheritable & known,
        ambient: sets.ambient & known,
    }
}

/// All capabilities of this kernel.
fn known_capabilities() -> CapabilitySet {
    static KNOWN: OnceLock<CapabilitySet> = OnceLock::new();
    *KNOWN.get_or_init(|| each_in_bounding().map(|(capability, _)| capability).collect())
}

/// The bounding set of the caller.
fn caller_bounding() -> CapabilitySet {
    each_in_bounding().filter_map(|(capability, is_in)| is_in.then_some(capability)).collect()
}

/// Each capability that the kernel knows, and whether the caller's bounding set contains it.
fn each_in_bounding() -> impl Iterator<Item = (CapabilitySet, bool)> {
    (0..u64::BITS).map_while(|number| {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        let is_in = capability_is_in_bounding_set(capability).ok()?;
        Some((capability, is_in))
    })
}
