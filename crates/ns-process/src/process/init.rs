//! The status of a program under an init, reported by the init.

use std::format;

use ns_sys::WaitStatus;
use rustix::io::read;

use super::Process;
use crate::error::Error;
use crate::step::Step;

impl Process {
    /// The wait status of the program, which the init wrote before it exited: as two ints, the status, and then 1 to
    /// distinguish a status of 0 from an eventfd that was never written. `None` if the init wrote nothing.
    pub(super) fn status_from_init(&self) -> Option<WaitStatus> {
        let mut message = [0; 8];
        let length = read(self.init.as_ref()?, &mut message).ok()?;
        let [a, b, c, d, 1, 0, 0, 0] = message else { return None };
        (length == message.len()).then_some(WaitStatus::from_raw(i32::from_ne_bytes([a, b, c, d])))
    }

    /// The status of the process itself. The status of an init is that of the program only if the init was killed,
    /// because then the kernel killed the program too.
    pub(super) fn own_status(&self, own: WaitStatus) -> Result<WaitStatus, Error> {
        if self.init.is_none() || own.signal().is_some() {
            return Ok(own);
        }
        let object = format!("the status of the program beside process {} is lost", self.pid());
        let hint = Some("its init ended without reporting it");
        Err(Error::new(self.name(), Step::Wait).with_object(object).with_hint(hint))
    }
}
