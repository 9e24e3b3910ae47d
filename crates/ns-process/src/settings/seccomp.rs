//! The flags and the listener of a seccomp filter.

use core::ops::BitOr;
use std::format;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::Builder;
use super::bpf;
use super::privileges::PrivilegeConfig;

/// Flags of a seccomp filter, for [`Builder::seccomp_flags`], combined by `|`.
///
/// # Examples
/// ```
/// use ns_process::SeccompFlags;
///
/// let flags = SeccompFlags::LOG | SeccompFlags::SPEC_ALLOW;
/// assert!(flags.contains(SeccompFlags::LOG) && !flags.contains(SeccompFlags::TSYNC));
/// ```
///
/// # References
/// seccomp(2) `SECCOMP_SET_MODE_FILTER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeccompFlags(u32);

impl SeccompFlags {
    /// The filter applies to all threads. Without effect: the process has one thread.
    pub const TSYNC: Self = Self(1);
    /// Actions other than `SECCOMP_RET_ALLOW` are logged. Since Linux 4.14.
    pub const LOG: Self = Self(2);
    /// Speculative store bypass is not disabled. Since Linux 4.17.
    pub const SPEC_ALLOW: Self = Self(4);
    /// Only a fatal signal interrupts a call that the listener has received. Since Linux 5.19; needs a
    /// listener.
    pub const WAIT_KILLABLE_RECV: Self = Self(32);

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags as the kernel gets them.
    pub(crate) fn bits(self) -> u32 {
        self.0 & !Self::TSYNC.0
    }
}

impl BitOr for SeccompFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The names of the flags that the kernel gets.
const NAMES: [(SeccompFlags, &str); 3] = [
    (SeccompFlags::LOG, "SECCOMP_FILTER_FLAG_LOG"),
    (SeccompFlags::SPEC_ALLOW, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"),
    (SeccompFlags::WAIT_KILLABLE_RECV, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"),
];

/// How the filter is installed.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeccompOptions {
    flags: SeccompFlags,
    /// The connected socket that receives the listener.
    listener: Option<Arc<OwnedFd>>,
}

/// # Filter options
///
/// How the filter of [`seccomp`](Builder::seccomp) is installed.
impl<Kind> Builder<Kind> {
    /// Sets the flags of the [`seccomp`](Self::seccomp) filter; by default there are none.
    ///
    /// # Errors
    /// [`Step::Seccomp`](crate::Step::Seccomp), `EINVAL`: the kernel does not know a flag.
    ///
    /// # References
    /// seccomp(2).
    pub fn seccomp_flags(&mut self, flags: SeccompFlags) -> &mut Self {
        self.privileges.seccomp.flags = flags;
        self
    }

    /// Sends a listener of the [`seccomp`](Self::seccomp) filter over `socket`: its receiver answers the
    /// calls for which the filter returns `SECCOMP_RET_USER_NOTIF`.
    ///
    /// `socket` is a connected unix stream socket. It receives one message with the bytes `seccompFd` and
    /// the listener as its only descriptor (`SCM_RIGHTS`), right after the filter is installed. The filter
    /// must allow sendmsg, which sends it. The receiver must answer the later calls of the start while the
    /// start waits for them, for example execve(2), or the filter allows them; for a
    /// [parked start](Self::start_parked) the filter must allow the calls of the gate. The caller's copy of
    /// `socket` may be closed; the builder keeps its own.
    ///
    /// An [`init`](Self::init) has the filter without a listener: `SECCOMP_RET_USER_NOTIF` makes its calls
    /// fail with `ENOSYS`. A closure cannot have a listener.
    ///
    /// # Errors
    /// - [`Step::Check`](crate::Step::Check): no filter; a filter that does not allow sendmsg.
    /// - [`Step::Seccomp`](crate::Step::Seccomp), `EBUSY`: a filter of the caller has a listener already.
    /// - [`Step::SendListener`](crate::Step::SendListener): `EPIPE`, the peer has closed the socket;
    ///   `ENOTSOCK`, `ENOTCONN`: it is no connected socket.
    ///
    /// # Kernel support
    /// Linux 5.0; with [`SeccompFlags::WAIT_KILLABLE_RECV`] 5.19.
    ///
    /// # References
    /// seccomp_unotify(2).
    pub fn seccomp_listener(&mut self, socket: impl Into<OwnedFd>) -> &mut Self {
        self.privileges.seccomp.listener = Some(Arc::new(socket.into()));
        self
    }

    /// The flags of the filter.
    pub fn get_seccomp_flags(&self) -> SeccompFlags {
        self.privileges.seccomp.flags
    }

    /// Whether a [`seccomp_listener`](Self::seccomp_listener) is set.
    pub fn get_seccomp_listener(&self) -> bool {
        self.privileges.seccomp.listener.is_some()
    }
}

impl SeccompOptions {
    /// Checks the options; an error begins with the name of the setter.
    pub(crate) fn checked(config: &PrivilegeConfig) -> Result<Self, String> {
        let Self { flags, listener } = &config.seccomp;
        let Some(filter) = &config.filter else {
            let setter = match (listener, *flags == SeccompFlags::default()) {
                (Some(_), _) => "seccomp_listener",
                (None, false) => "seccomp_flags",
                (None, true) => return Ok(Self::default()),
            };
            return Err(format!("{setter}: needs a seccomp filter"));
        };
        if listener.is_none() && flags.contains(SeccompFlags::WAIT_KILLABLE_RECV) {
            return Err("seccomp_flags: WAIT_KILLABLE_RECV needs a seccomp_listener".to_owned());
        }
        if listener.is_some() && !bpf::allows(filter, libc::SYS_sendmsg) {
            return Err("seccomp: forbids sendmsg, which sends the listener".to_owned());
        }
        Ok(config.seccomp.clone())
    }

    pub(crate) fn flags(&self) -> u32 {
        self.flags.bits()
    }

    /// The flags of a filter without a listener.
    pub(crate) fn flags_without_listener(&self) -> u32 {
        self.flags.bits() & !SeccompFlags::WAIT_KILLABLE_RECV.0
    }

    /// The socket, if a start sends a listener over it.
    pub(crate) fn listener(&self) -> Option<&OwnedFd> {
        self.listener.as_deref()
    }

    /// The calls that install a filter of `length` instructions, in a process with the listener or without.
    pub(crate) fn describe(&self, length: usize, listens: bool) -> Vec<String> {
        let has_listener = listens && self.listener.is_some();
        let bits = if listens { self.flags() } else { self.flags_without_listener() };
        let names = NAMES.iter().filter(|(flag, _)| bits & flag.0 != 0).map(|(_, name)| *name);
        let names: Vec<_> =
            names.chain(has_listener.then_some("SECCOMP_FILTER_FLAG_NEW_LISTENER")).collect();
        let flags = if names.is_empty() { String::new() } else { names.join(" | ") + ", " };
        let install = format!("seccomp(SECCOMP_SET_MODE_FILTER, {flags}{length} instructions)");
        let send = has_listener.then(|| "sendmsg(socket, listener)".to_owned());
        [install].into_iter().chain(send).collect()
    }
}
