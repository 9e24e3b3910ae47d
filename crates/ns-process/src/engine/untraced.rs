//! Nobody traces the child while it holds the caller's memory.

use std::fs;
use std::os::unix::fs::MetadataExt;

use ns_sys::Errno;

use super::dumpable::{Dumpable, Wish};
use crate::error::Error;
use crate::plan::Plan;
use crate::step::Step;

/// Holds the dumpable flag of the caller as each part of a start needs it.
///
/// - A caller with privilege is untraceable all the time. Whoever owns the child's user namespace,
///   which is any process of the caller's user, could have that privilege otherwise.
/// - So is one whose child enters namespaces of others, who may have power over it there.
/// - One without privilege keeps the flag while it writes maps: the files belong to root otherwise.
/// - A child that becomes another user clears the flag of the memory that it shares. It is put back.
/// - Beside an init the program runs already while pid 1 still shares the memory: it could trace that.
#[derive(Debug)]
pub(super) struct Untraced<'a> {
    plan: &'a Plan,
    held: Option<Dumpable>,
}

impl<'a> Untraced<'a> {
    pub(super) fn before_clone(plan: &'a Plan) -> Result<Self, Error> {
        let wish = if plan.is_untraced() || plan.goes_untraced() && !plan.needs_go() {
            Some(Wish::Cleared)
        } else {
            plan.writes_maps().then_some(Wish::Kept)
        };
        let mut untraced = Self { plan, held: None };
        if let Some(wish) = wish {
            untraced.hold(wish)?;
        }
        if plan.copies_memory() && plan.writes_maps() {
            // The child's own flag stays as it is when memory is copied.
            untraced.gives_way()?;
        }
        Ok(untraced)
    }

    /// Whether maps could be written if the flag were set, with nothing lost by it: this program's
    /// memory belongs to an outer user namespace, where its privilege does not count, and whoever
    /// could trace the child there can trace the caller as well.
    pub(super) fn gives_way(&mut self) -> Result<bool, Error> {
        if !self.held.as_ref().is_some_and(Dumpable::is_cleared) || !is_memory_foreign() {
            return Ok(false);
        }
        self.hold(Wish::Kept)?;
        Ok(!self.held.as_ref().is_some_and(Dumpable::is_cleared))
    }

    /// Maps are written, hooks come.
    pub(super) fn maps_written(&mut self) -> Result<(), Error> {
        self.held = self.held.take().filter(|_| self.plan.is_untraced());
        if self.plan.is_untraced() && !self.held.as_ref().is_some_and(Dumpable::is_cleared) {
            self.hold(Wish::Cleared)?;
        }
        Ok(())
    }

    /// Hooks are done, the child goes on.
    pub(super) fn before_go(&mut self) -> Result<(), Error> {
        if self.held.is_none() && self.plan.goes_untraced() {
            self.hold(Wish::Cleared)?;
        }
        Ok(())
    }

    /// Never holds it both ways: the former hold ends first.
    fn hold(&mut self, wish: Wish) -> Result<(), Error> {
        self.held = None;
        self.held = Some(Dumpable::hold(wish).map_err(|errno| failed(self.plan, errno))?);
        Ok(())
    }
}

/// Whether files of an untraceable process with this memory belong to somebody other than 0, who is
/// the root of the namespace in which the program was executed.
fn is_memory_foreign() -> bool {
    fs::metadata("/proc/self/uid_map").is_ok_and(|file| file.uid() != 0)
}

fn failed(plan: &Plan, errno: Errno) -> Error {
    Error::new(&plan.name, Step::Prepare)
        .with_errno(errno)
        .with_object("the dumpable flag of the caller")
}
