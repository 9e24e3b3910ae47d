//! Clocks of a new time namespace.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::NamespaceFlags;

use super::Builder;

/// A clock that a time namespace shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`, with its coarse and raw forms.
    Monotonic,
    /// `CLOCK_BOOTTIME`, and with it what uptime(1) tells.
    Boottime,
}

impl Clock {
    /// Its name in `/proc/PID/timens_offsets`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Monotonic => "monotonic",
            Self::Boottime => "boottime",
        }
    }
}

/// Clock, seconds, nanoseconds.
pub(crate) type Offset = (Clock, i64, u32);

impl<Kind> Builder<Kind> {
    /// By how much a clock inside differs from the caller's initial one: `seconds`, which may be
    /// negative, and less than 10⁹ `nanoseconds` more. Needs a new `Time` namespace; by default nothing
    /// is shifted.
    ///
    /// # Errors
    /// [`Step::TimeOffsets`](crate::Step::TimeOffsets): `ERANGE`, the clock would be negative, or go on
    /// for more than 146 years; `EPERM`, needs `CAP_SYS_TIME`, which a new user namespace gives.
    ///
    /// # Kernel support
    /// Linux 5.6.
    ///
    /// # References
    /// time_namespaces(7).
    pub fn time_offset(&mut self, clock: Clock, seconds: i64, nanoseconds: u32) -> &mut Self {
        self.offsets.retain(|(known, ..)| *known != clock);
        self.offsets.push((clock, seconds, nanoseconds));
        self
    }

    /// The offsets that were set: clock, seconds, nanoseconds.
    pub fn get_time_offsets(&self) -> &[(Clock, i64, u32)] {
        &self.offsets
    }
}

/// The text of `/proc/PID/timens_offsets`, if anything is shifted.
pub(crate) fn offsets(
    config: &[Offset],
    namespaces: NamespaceFlags,
) -> Result<Option<String>, String> {
    if config.is_empty() {
        return Ok(None);
    }
    if !namespaces.contains(NamespaceFlags::TIME) {
        return Err("time_offset: needs a new time namespace".to_owned());
    }
    if config.iter().any(|(.., nanoseconds)| *nanoseconds >= 1_000_000_000) {
        return Err("time_offset: has a second or more of nanoseconds".to_owned());
    }
    let line = |(clock, seconds, nanoseconds): &Offset| {
        format!("{} {seconds} {nanoseconds}\n", clock.name())
    };
    Ok(Some(config.iter().map(line).collect::<Vec<_>>().concat()))
}
