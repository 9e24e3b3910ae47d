//! The thread that parks the processes of a pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::prelude::rust_2024::*;
use std::time::Duration;

use super::state::State;
use crate::error::Error;
use crate::parked::Parked;
use crate::step::Step;

/// The pauses after failed attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Parks processes until the pool is closed.
pub(super) fn run(state: &State, park: &(dyn Fn() -> Result<Parked, Error> + Send + Sync)) {
    let mut pause = FIRST_PAUSE;
    while state.wait_missing() {
        match attempt(state, park) {
            Ok(parked) => {
                state.add(parked);
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                state.set_failed(error);
                state.pause(pause);
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        }
    }
}

/// A hook may panic; later attempts may succeed.
fn attempt(
    state: &State,
    park: &(dyn Fn() -> Result<Parked, Error> + Send + Sync),
) -> Result<Parked, Error> {
    catch_unwind(AssertUnwindSafe(park)).unwrap_or_else(|_| {
        Err(Error::new(&state.name, Step::BeforeGo).with_object("a hook panicked"))
    })
}
