//! The dumpable flag during an attempt: held before clone, and changed or given back later.

use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};

use ns_sys::Errno;

use super::attempt::{Attempt, CopyMode, Failure};
use super::child_resources::ChildResources;
use super::dumpable::{Hold, Lock, Need, is_dumpable, is_dumpable_in};
use crate::error::Error;
use crate::plan::Dumpable;
use crate::step::Step;

/// How long to wait for the flag before memory is copied.
const PATIENCE: Duration = Duration::from_millis(5);

/// How long to wait for the flag if memory cannot be copied.
const LONGEST: Duration = Duration::from_secs(1);

impl ChildResources {
    /// Fails if the program has changed its dumpable flag since this attempt was made: memory that
    /// is undumpable by now may hold a secret and must not be copied. No thread changes the flag
    /// while it is locked.
    pub(super) fn check_dumpable(&self, locked: &Lock) -> Result<(), Failure> {
        let attempt = self.attempt();
        if !attempt.route.copies_memory() || is_dumpable_in(locked) == attempt.program_dumpable {
            return Ok(());
        }
        let error = Error::new(&attempt.plan.name, Step::Prepare).with_errno(Errno::AGAIN);
        let error = error.with_object("the dumpable flag of the caller");
        Err(Failure::Again(error.with_hint(Some("the program keeps changing it during the start"))))
    }

    /// Adjusts the flag before clone. The flag belongs to the memory, so a copy has its own.
    pub(super) fn before_clone(&self) -> Result<(), Failure> {
        let attempt = self.attempt();
        match attempt.dumpable {
            Dumpable::Own if !attempt.plan.can_be_copied() => Err(self.refused(Errno::BUSY)),
            _ if attempt.route.copies_memory() => Ok(()),
            Dumpable::AsIs | Dumpable::Own => Ok(()),
            Dumpable::KeptForMaps | Dumpable::ClearedAtGo => self.hold_flag(Need::Kept),
            Dumpable::Cleared => self.hold_flag(Need::Cleared),
        }
    }

    /// Adjusts the flag once the maps are written: from then on, no file in `/proc/PID` is opened,
    /// all of which belong to root while the flag is clear.
    pub(super) fn maps_written(&self) -> Result<(), Failure> {
        match self.attempt().dumpable {
            _ if self.attempt().route.copies_memory() => Ok(()),
            Dumpable::KeptForMaps => {
                self.release_hold();
                Ok(())
            }
            Dumpable::ClearedAtGo => self.hold_flag(Need::Cleared),
            Dumpable::AsIs | Dumpable::Cleared | Dumpable::Own => Ok(()),
        }
    }

    /// The failure after a map could not be written. If the map could not be opened, another
    /// attempt whose copy stays dumpable may succeed, unless the program itself has cleared the
    /// flag.
    pub(super) fn map_failure(&self, error: Error) -> Failure {
        let attempt = self.attempt();
        let is_cleared = if attempt.route.copies_memory() {
            !attempt.own_dumpable.first
        } else {
            attempt.dumpable == Dumpable::Cleared
        };
        let is_map = matches!(error.step(), Step::UidMap | Step::GidMap);
        if is_map && error.errno() == Some(Errno::ACCESS) && is_cleared && is_dumpable() {
            return Failure::Retry(CopyMode::Always { for_maps: true }, error);
        }
        error.into()
    }

    /// Holds the dumpable flag as needed. The previous hold ends first.
    fn hold_flag(&self, need: Need) -> Result<(), Failure> {
        let Attempt { plan, deadline, .. } = self.attempt();
        let left = deadline.map_or(LONGEST, |end| end.saturating_duration_since(Instant::now()));
        let patience = if plan.can_be_copied() { PATIENCE } else { LONGEST };
        let mut refused = None;
        let is_held = self.hold(|| {
            let hold = Hold::new(need, patience.min(left));
            hold.unwrap_or_else(|errno| {
                refused = Some(errno);
                None
            })
        });
        if is_held { Ok(()) } else { Err(self.refused(refused.unwrap_or(Errno::BUSY))) }
    }

    fn refused(&self, errno: Errno) -> Failure {
        let error = Error::new(&self.attempt().plan.name, Step::Prepare)
            .with_errno(errno)
            .with_object("the dumpable flag of the caller")
            .with_hint(Some(
                "this start needs the other value, and its clone flags forbid a copy of the memory",
            ));
        Failure::Retry(CopyMode::Always { for_maps: false }, error)
    }
}
