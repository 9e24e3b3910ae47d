//! A new session keyring.

use core::ffi::CStr;

use ns_sys::child;

use super::handshake::Report;
use crate::step::Step;

/// The session keyring to join.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyring<'a> {
    /// `None` for one without a name, which is always a new one.
    pub(crate) name: Option<&'a CStr>,
}

#[inline]
pub(super) fn join(keyring: Option<Keyring<'_>>) -> Result<(), Report> {
    let Some(keyring) = keyring else { return Ok(()) };
    let joined = child::keyctl_join_session_keyring(keyring.name);
    joined.map(drop).map_err(|errno| Report::new(Step::SessionKeyring, errno))
}
