//! The namespaces that an `Inject` would join, from an inspection of the target.

use std::format;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::NamespaceFlags;

use super::Plan;
use crate::error::Error;
use crate::settings::Inject;
use crate::target::OpenTarget;

/// # Joined namespaces
///
/// The namespaces that a start would join.
impl Inject {
    /// The namespaces that a start would join now: the selected ones, without those that the caller
    /// is already in.
    ///
    /// If there are none, a start still succeeds, and the program runs in the caller's namespaces. Nothing is joined or
    /// started, but the target is opened and inspected.
    ///
    /// # Errors
    /// As a start: an invalid setting, a target that has exited or may not be inspected.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Inject, Namespace};
    ///
    /// let mut container = Container::new("sleep");
    /// let process = container.arg("1000").namespaces(["user", "uts"]).map_zero().start()?;
    /// let kinds = Inject::new(&process, "hostname").joined_namespaces()?;
    /// assert_eq!(kinds, Namespace::User.flag() | Namespace::Uts.flag());
    /// assert!(Inject::new(std::process::id(), "hostname").joined_namespaces()?.is_empty());
    /// process.kill()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// namespaces(7), proc_pid_ns(5).
    pub fn joined_namespaces(&self) -> Result<NamespaceFlags, Error> {
        self.plan()?.joined_namespaces()
    }
}

impl Plan {
    fn joined_namespaces(&self) -> Result<NamespaceFlags, Error> {
        let spec = self.spec();
        Ok(OpenTarget::open(spec, spec.target()?)?.kinds())
    }

    /// The line of the description if the caller is in all namespaces to join, as far as the target can be inspected.
    pub(super) fn describe_nothing_joined(&self) -> Option<String> {
        let target = self.join.target.as_ref().map(ToString::to_string)?;
        let joins_nothing = self.joined_namespaces().is_ok_and(|kinds| kinds.is_empty());
        joins_nothing.then(|| format!("joins nothing: {target} is in the caller's namespaces"))
    }
}
