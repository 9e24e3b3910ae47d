//! How a program ended beside an init, in whose own status there is no room for it.

use std::format;

use ns_sys::WaitStatus;
use rustix::io::read;

use super::Process;
use crate::error::Error;
use crate::step::Step;

impl Process {
    /// What the init said before it ended: two ints, the status and 1.
    pub(super) fn told_by_init(&self) -> Option<WaitStatus> {
        let mut message = [0; 8];
        let length = read(self.init.as_ref()?, &mut message).ok()?;
        let [a, b, c, d, 1, 0, 0, 0] = message else { return None };
        (length == message.len()).then_some(WaitStatus::from_raw(i32::from_ne_bytes([a, b, c, d])))
    }

    /// The status of the process itself. That of an init tells of the program only if it was killed: it
    /// took the program with it.
    pub(super) fn without_word(&self, own: WaitStatus) -> Result<WaitStatus, Error> {
        if self.init.is_none() || own.signal().is_some() {
            return Ok(own);
        }
        let object = format!("the status of the program beside process {} is lost", self.pid());
        let hint = Some("its init ended without telling it");
        Err(Error::new(self.name(), Step::Wait).with_object(object).with_hint(hint))
    }
}
