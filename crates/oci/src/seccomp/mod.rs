//! Filters of system calls: the program of classic BPF for `linux.seccomp`.
//!
//! A configuration has the meaning that runc and libseccomp give it. `order` says which of several rules decides.
//! The program finds the processor, then the number in a binary search over ranges with the same result. It has no
//! instruction that keeps the kernel from caching which calls are always allowed.

mod action;
mod assembler;
mod calls;
mod condition;
mod corrections;
mod features;
mod flags;
mod generate;
mod multiplex;
mod order;
mod processor;
mod ranges;
mod table;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, ensure};
use ns_process::{BpfInstruction, SeccompFlags};
use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction};

pub(crate) use features::features;
use processor::Processor;
use ranges::Defaults;

/// A filter for the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) program: Vec<BpfInstruction>,
    pub(crate) flags: SeccompFlags,
    /// Whether a call waits for a listener, which `listenerPath` names.
    pub(crate) needs_listener: bool,
}

/// Compiles the filter of a configuration. An error names the field.
pub(crate) fn compile(seccomp: &LinuxSeccomp) -> Result<Filter> {
    compile_for(Processor::native()?, seccomp)
}

fn compile_for(native: Processor, seccomp: &LinuxSeccomp) -> Result<Filter> {
    let needs_listener = needs_listener(seccomp)?;
    let action = action::value(seccomp.default_action(), seccomp.default_errno_ret())
        .context("linux.seccomp.defaultAction")?;
    let architectures = seccomp.architectures().as_deref().unwrap_or_default();
    let processors = Processor::selected(native, architectures)?;
    let all = calls::collect(seccomp, action, &processors)?;
    let hides_newer = !action::is_permissive(seccomp.default_action());
    Ok(Filter {
        program: generate::program(&all, Defaults { action, hides_newer })?,
        flags: flags::value(seccomp.flags().as_deref(), needs_listener)?,
        needs_listener,
    })
}

fn needs_listener(seccomp: &LinuxSeccomp) -> Result<bool> {
    let notifies = |action| action == LinuxSeccompAction::ScmpActNotify;
    ensure!(
        !notifies(seccomp.default_action()),
        "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY would stop the container's start: use another"
    );
    let syscalls = seccomp.syscalls().as_deref().unwrap_or_default();
    let needs_listener = syscalls.iter().any(|syscall| notifies(syscall.action()));
    ensure!(
        !needs_listener || seccomp.listener_path().is_some(),
        "linux.seccomp.listenerPath: SCMP_ACT_NOTIFY needs a listener: add its path"
    );
    Ok(needs_listener)
}
