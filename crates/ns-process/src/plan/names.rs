//! What the new namespaces are called, and whether the network one has a loopback.

use std::ffi::OsString;
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::prelude::rust_2024::*;

use ns_sys::NamespaceFlags;

use crate::builder::Names as Wish;
use crate::in_child;

/// `__NEW_UTS_LEN` of include/uapi/linux/utsname.h.
const LONGEST: usize = 64;

/// What the child will set.
#[derive(Debug)]
pub(crate) struct Names {
    hostname: Option<OsString>,
    domainname: Option<OsString>,
    loopback: bool,
}

impl Names {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(config: &Wish, namespaces: NamespaceFlags) -> Result<Self, String> {
        for (setter, name) in [("hostname", &config.hostname), ("domainname", &config.domainname)] {
            let Some(name) = name else { continue };
            if !namespaces.contains(NamespaceFlags::UTS) {
                return Err(format!("{setter}: needs a new uts namespace"));
            }
            if name.len() > LONGEST {
                return Err(format!("{setter}: longer than {LONGEST} bytes"));
            }
        }
        if config.loopback && !namespaces.contains(NamespaceFlags::NET) {
            return Err("loopback: needs a new net namespace".to_owned());
        }
        Ok(Self {
            hostname: config.hostname.clone(),
            domainname: config.domainname.clone(),
            loopback: config.loopback,
        })
    }

    pub(crate) fn child(&self) -> in_child::Names<'_> {
        in_child::Names {
            hostname: self.hostname.as_ref().map(|name| name.as_bytes()),
            domainname: self.domainname.as_ref().map(|name| name.as_bytes()),
            loopback: self.loopback,
        }
    }

    pub(super) fn describe(&self) -> impl Iterator<Item = String> {
        let host = self.hostname.as_ref().map(|name| format!("sethostname({name:?})"));
        let domain = self.domainname.as_ref().map(|name| format!("setdomainname({name:?})"));
        let loopback = ["socket(AF_INET)", "ioctl(SIOCGIFFLAGS, lo)", "ioctl(SIOCSIFFLAGS, lo up)"];
        let loopback = self.loopback.then(|| loopback.map(ToOwned::to_owned));
        host.into_iter().chain(domain).chain(loopback.into_iter().flatten())
    }
}
