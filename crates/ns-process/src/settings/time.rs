//! Clock offsets of a new time namespace.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::NamespaceFlags;

use super::Builder;

/// A clock that a time namespace can shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`, with its coarse and raw forms.
    Monotonic,
    /// `CLOCK_BOOTTIME`, with its alarm form, and the time that uptime(1) prints.
    Boottime,
}

impl Clock {
    /// The name in `/proc/PID/timens_offsets`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Monotonic => "monotonic",
            Self::Boottime => "boottime",
        }
    }
}

/// Clock, seconds, nanoseconds.
pub(crate) type Offset = (Clock, i64, u32);

/// # Clocks
///
/// The clocks of a new `Time` namespace.
impl<Kind> Builder<Kind> {
    /// Shifts a clock by `seconds`, which may be negative, plus `nanoseconds`, which are less than
    /// 10⁹.
    ///
    /// The offset is relative to the initial time namespace; by default a clock keeps the caller's
    /// offset. Needs a new `Time` namespace.
    ///
    /// # Errors
    /// [`Step::TimeOffsets`](crate::Step::TimeOffsets): `ERANGE`, the clock would be negative or
    /// later than 146 years; `EPERM`, needs `CAP_SYS_TIME`, which a new user namespace gives.
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

    /// The offsets: clock, seconds, nanoseconds.
    pub fn get_time_offsets(&self) -> &[(Clock, i64, u32)] {
        &self.offsets
    }

    /// The text for `/proc/PID/timens_offsets`, if a clock is shifted. An error begins with the name
    /// of the setter.
    pub(crate) fn checked_offsets(
        &self,
        namespaces: NamespaceFlags,
    ) -> Result<Option<String>, String> {
        if self.offsets.is_empty() {
            return Ok(None);
        }
        if !namespaces.contains(NamespaceFlags::TIME) {
            return Err("time_offset: needs a new time namespace".to_owned());
        }
        if self.offsets.iter().any(|(.., nanoseconds)| *nanoseconds >= 1_000_000_000) {
            return Err("time_offset: has a second or more of nanoseconds".to_owned());
        }
        let line = |(clock, seconds, nanoseconds): &Offset| {
            format!("{} {seconds} {nanoseconds}\n", clock.name())
        };
        Ok(Some(self.offsets.iter().map(line).collect::<Vec<_>>().concat()))
    }
}
