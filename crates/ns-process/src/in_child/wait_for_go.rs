//! Waiting for the parent's word.

use core::sync::atomic::Ordering;
use core::time::Duration;

use ns_sys::child::{exit_group, is_readable};
use ns_sys::futex;

use super::child_plan::ChildPlan;
use super::words::{GO, WAIT};

/// How long to sleep before looking whether the parent's thread still lives: it may be killed, or
/// replaced by an exec, and then nobody says a word.
const ROUND: Duration = Duration::from_millis(100);

/// The exit code of a child that was not let go. Nobody reads it.
const NOT_LET_GO: i32 = 126;

/// Returns when the parent says go; on any other word, or when its thread is gone, leaves.
pub(super) fn wait(plan: &ChildPlan<'_>) {
    loop {
        match plan.words.go.load(Ordering::Acquire) {
            GO => return,
            WAIT => {}
            _ => exit_group(NOT_LET_GO),
        }
        let woken = futex::wait(&plan.words.go, WAIT, Some(ROUND));
        if woken.is_err() && is_gone(plan) {
            exit_group(NOT_LET_GO);
        }
    }
}

fn is_gone(plan: &ChildPlan<'_>) -> bool {
    plan.starter.is_none_or(|thread| is_readable(thread) == Ok(true))
}
