//! The flags with which a filter is installed.

use anyhow::{Result, ensure};
use ns_process::SeccompFlags;
use oci_spec::runtime::LinuxSeccompFilterFlag as Flag;

/// The flags of a configuration. Without any, it is `SPEC_ALLOW`, as in runc and crun.
pub(super) fn value(flags: Option<&[Flag]>, needs_listener: bool) -> Result<SeccompFlags> {
    let flags = flags.unwrap_or(&[Flag::SeccompFilterFlagSpecAllow]);
    let value = flags.iter().fold(SeccompFlags::default(), |value, &flag| value | of(flag));
    ensure!(
        !value.contains(SeccompFlags::WAIT_KILLABLE_RECV) || needs_listener,
        "linux.seccomp.flags: the kernel accepts WAIT_KILLABLE_RECV only with a rule of SCMP_ACT_NOTIFY: remove it"
    );
    Ok(value)
}

fn of(flag: Flag) -> SeccompFlags {
    match flag {
        Flag::SeccompFilterFlagTsync => SeccompFlags::TSYNC,
        Flag::SeccompFilterFlagLog => SeccompFlags::LOG,
        Flag::SeccompFilterFlagSpecAllow => SeccompFlags::SPEC_ALLOW,
        Flag::SeccompFilterFlagWaitKillableRecv => SeccompFlags::WAIT_KILLABLE_RECV,
    }
}
