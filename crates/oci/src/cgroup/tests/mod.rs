//! Cgroups of containers, against the kernel of this machine.

mod compile;
mod create;
mod devices;
mod limits;
mod places;
mod processes;
mod rootless;
mod stats;
mod version_2;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use oci_spec::runtime::LinuxResources;
use serde_json::Value;

use super::Cgroup;
use super::place::Version;

/// A cgroup that is removed on drop, with its processes.
struct Made(Cgroup);

impl std::ops::Deref for Made {
    type Target = Cgroup;

    fn deref(&self) -> &Cgroup {
        &self.0
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = self.0.thaw();
        self.0.kill().expect("kill");
        self.0.remove().expect("remove");
    }
}

/// The directories of a new container, in hierarchies of this version only if one is given.
fn planned(version: Option<Version>) -> Cgroup {
    let path = PathBuf::from("/").join(ns_testbed::own_name());
    let mut cgroup = Cgroup::plan(Some(&path), "test", false).expect("plan");
    cgroup.places.retain(|place| version.is_none_or(|version| place.version == version));
    cgroup
}

/// A cgroup, or why this machine does not allow one.
fn made(version: Option<Version>, resources: &LinuxResources) -> Result<Made, String> {
    if !may_plan() {
        return Err("no cgroup hierarchy is mounted".to_owned());
    }
    let cgroup = planned(version);
    if cgroup.is_none() {
        return Err(format!("no hierarchy of version {version:?} is mounted"));
    }
    match cgroup.create(Some(resources)) {
        Ok(()) => Ok(Made(cgroup)),
        Err(error) => match error.downcast_ref() {
            Some(&(rustix::io::Errno::ROFS | rustix::io::Errno::ACCESS)) => {
                Err(format!("this machine allows no cgroup: {error:#}"))
            }
            _ => panic!("create: {error:#}"),
        },
    }
}

/// Both versions, as far as the machine has them.
fn each_version(mut test: impl FnMut(&Made)) -> Result<(), String> {
    let mut reasons = Vec::new();
    for version in [Version::One, Version::Two] {
        match made(Some(version), &nothing()) {
            Ok(cgroup) => test(&cgroup),
            Err(reason) => reasons.push(reason),
        }
    }
    if reasons.len() < 2 { Ok(()) } else { Err(reasons.join("; ")) }
}

fn may_plan() -> bool {
    Cgroup::plan(None, "test", false).is_ok()
}

fn nothing() -> LinuxResources {
    LinuxResources::default()
}

fn resources(json: Value) -> LinuxResources {
    serde_json::from_value(json).expect("resources")
}

/// The text of a file of the controller, or `None` without such a controller or file.
fn file(cgroup: &Cgroup, controller: &str, version_1: &str, version_2: &str) -> Option<String> {
    let place = cgroup.with(controller)?;
    let name = if place.version == Version::One { version_1 } else { version_2 };
    let text = fs::read_to_string(place.path().join(name)).ok()?;
    Some(text.trim().to_owned())
}

/// A process that waits. It is killed and reaped on drop.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self::running("exec sleep 1000")
    }

    fn running(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        Self(command.spawn().expect("start a shell"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// `/proc/PID/cgroup`
    fn memberships(&self) -> String {
        fs::read_to_string(format!("/proc/{}/cgroup", self.pid())).expect("read its cgroups")
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        self.0.wait().expect("wait");
    }
}

/// Expects an error whose text contains each of these.
fn expect_error<T: std::fmt::Debug>(result: anyhow::Result<T>, parts: &[&str]) {
    let text = format!("{:#}", result.expect_err("an error"));
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}
