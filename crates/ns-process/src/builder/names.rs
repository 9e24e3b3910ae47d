//! What the new namespaces are called, and whether the network one has a loopback.

use std::ffi::OsString;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) hostname: Option<OsString>,
    pub(crate) domainname: Option<OsString>,
    pub(crate) loopback: bool,
}
