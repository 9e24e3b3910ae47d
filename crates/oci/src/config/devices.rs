//! The files in /dev.

use anyhow::{Context, Result, bail};
use ns_process::{DeviceKind, Mount};
use oci_spec::runtime::{Linux, LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType};

/// The devices that every container has, with their minor numbers; see the runtime-spec.
const DEFAULTS: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

/// What every container may access, besides the default devices: it may create any device, and use its terminals. The
/// numbers are those of a type, major and minor, and `None` for all.
const ALLOWED: [(LinuxDeviceType, Option<i64>, Option<i64>, &str); 5] = [
    (LinuxDeviceType::C, None, None, "m"),
    (LinuxDeviceType::B, None, None, "m"),
    (LinuxDeviceType::C, Some(5), Some(1), "rwm"),
    (LinuxDeviceType::C, Some(5), Some(2), "rwm"),
    (LinuxDeviceType::C, Some(136), None, "rwm"),
];

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
];

/// The default devices that the configuration does not describe, and the links.
pub(super) fn defaults(linux: &Linux) -> Vec<Mount> {
    let configured = linux.devices().as_deref().unwrap_or_default();
    let is_default = |path: &str| configured.iter().all(|device| device.path().as_os_str() != path);
    let devices = DEFAULTS.into_iter().filter(|(path, ..)| is_default(path));
    let devices = devices.map(|(path, major, minor)| {
        Mount::device(path, DeviceKind::Character, major, minor).mode(0o666)
    });
    devices.chain(LINKS.into_iter().map(|(to, path)| Mount::symlink(to, path))).collect()
}

/// The devices of the configuration. At /dev/ptmx is a link.
pub(super) fn configured(linux: &Linux) -> Result<Vec<Mount>> {
    let devices = linux.devices().iter().flatten();
    devices.filter(|device| device.path().as_os_str() != "/dev/ptmx").map(device).collect()
}

/// The rules of the configuration, and after them those for the devices that every container may access, as runc adds
/// them.
pub(crate) fn rules(configured: Option<&Vec<LinuxDeviceCgroup>>) -> Vec<LinuxDeviceCgroup> {
    let defaults = DEFAULTS.iter().map(|&(_, major, minor)| {
        (LinuxDeviceType::C, Some(i64::from(major)), Some(i64::from(minor)), "rwm")
    });
    let allowed = ALLOWED.into_iter().chain(defaults).map(|(kind, major, minor, access)| {
        let mut rule = LinuxDeviceCgroup::default();
        rule.set_allow(true).set_typ(Some(kind)).set_major(major).set_minor(minor);
        rule.set_access(Some(access.to_owned()));
        rule
    });
    configured.into_iter().flatten().cloned().chain(allowed).collect()
}

fn device(device: &LinuxDevice) -> Result<Mount> {
    let path = device.path();
    let name = || format!("linux.devices: {}", path.display());
    let kind = match device.typ() {
        LinuxDeviceType::C | LinuxDeviceType::U => DeviceKind::Character,
        LinuxDeviceType::B => DeviceKind::Block,
        other => bail!("{}: the type {} is not supported", name(), other.as_str()),
    };
    let major = u32::try_from(device.major()).with_context(name)?;
    let minor = u32::try_from(device.minor()).with_context(name)?;
    let mount = Mount::device(path, kind, major, minor);
    let mount = mount.mode(device.file_mode().unwrap_or(0o666) & 0o7777);
    Ok(match (device.uid(), device.gid()) {
        (None, None) => mount,
        (uid, gid) => mount.owner(uid.unwrap_or(0), gid.unwrap_or(0)),
    })
}
