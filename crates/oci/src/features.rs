//! What this runtime can do: the output of `features`.

use ns_process::CapabilitySet;
use oci_spec::runtime::{
    Apparmor, Cgroup, Features, IDMap, IntelRdt, LinuxFeature, LinuxNamespaceType, MountExtensions,
    NetDevices, Selinux, VERSION,
};

use crate::seccomp;

/// All features. `mount_options`: those that a mount can have, beside the data of a file system.
pub(crate) fn features(mut mount_options: Vec<String>) -> Features {
    mount_options.sort();
    mount_options.dedup();
    let mut features = Features::default();
    features
        .set_oci_version_min("1.0.0".to_owned())
        .set_oci_version_max(VERSION.to_owned())
        .set_hooks(Some(hooks()))
        .set_mount_options(Some(mount_options))
        .set_linux(Some(linux()));
    features
}

fn hooks() -> Vec<String> {
    ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
        .map(ToOwned::to_owned)
        .into()
}

fn linux() -> LinuxFeature {
    let mut linux = LinuxFeature::default();
    linux
        .set_namespaces(Some(namespaces()))
        .set_capabilities(Some(capabilities()))
        .set_cgroup(Some(cgroup()))
        .set_seccomp(Some(seccomp::features()))
        .set_apparmor(Some(enabled(Apparmor::set_enabled)))
        .set_selinux(Some(enabled(Selinux::set_enabled)))
        .set_intel_rdt(Some(disabled(IntelRdt::set_enabled)))
        .set_net_devices(Some(disabled(NetDevices::set_enabled)));
    let mut extensions = MountExtensions::default();
    extensions.set_idmap(Some(enabled(IDMap::set_enabled)));
    linux.set_mount_extensions(Some(extensions));
    linux
}

fn namespaces() -> Vec<LinuxNamespaceType> {
    use LinuxNamespaceType as Kind;
    vec![
        Kind::Cgroup,
        Kind::Ipc,
        Kind::Mount,
        Kind::Network,
        Kind::Pid,
        Kind::Time,
        Kind::User,
        Kind::Uts,
    ]
}

/// All that are known, also if the kernel does not have them.
fn capabilities() -> Vec<String> {
    CapabilitySet::all().iter_names().map(|(name, _)| format!("CAP_{name}")).collect()
}

fn cgroup() -> Cgroup {
    let mut cgroup = Cgroup::default();
    cgroup
        .set_v1(Some(true))
        .set_v2(Some(true))
        .set_systemd(Some(false))
        .set_systemd_user(Some(false))
        .set_rdma(Some(true));
    cgroup
}

fn enabled<T: Default>(set: impl FnOnce(&mut T, Option<bool>) -> &mut T) -> T {
    with(set, true)
}

fn disabled<T: Default>(set: impl FnOnce(&mut T, Option<bool>) -> &mut T) -> T {
    with(set, false)
}

fn with<T: Default>(set: impl FnOnce(&mut T, Option<bool>) -> &mut T, value: bool) -> T {
    let mut feature = T::default();
    set(&mut feature, Some(value));
    feature
}
