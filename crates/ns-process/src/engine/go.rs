//! Letting the child go, once its maps hold.

use std::sync::atomic::Ordering;

use ns_sys::futex;

use super::child::Child;
use super::maps;
use crate::error::Error;
use crate::in_child::{GO, Words};
use crate::plan::Plan;

impl Child<'_> {
    /// Writes the maps and says go, where the child waits for it.
    pub(super) fn let_go(&mut self, plan: &Plan) -> Result<(), Error> {
        if plan.needs_go() {
            // A child that was killed has no maps any more, and they are not what failed.
            maps::write(plan, self.pid()).map_err(|error| self.killed(plan).unwrap_or(error))?;
            say(self.words(), GO);
        }
        Ok(())
    }
}

/// Says `word` to a waiting child.
pub(super) fn say(words: &Words, word: u32) {
    words.go.store(word, Ordering::Release);
    // If the wake were lost, the child's own round of 100 ms would end.
    let _ = futex::wake(&words.go, 1);
}
