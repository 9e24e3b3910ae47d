//! The filter of devices, as processes in the cgroup see it.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::process::{Command, Stdio};

use ns_testbed::skip;
use oci_spec::runtime::LinuxResources;
use rustix::io::Errno;
use serde_json::json;

use super::super::Cgroup;
use super::super::place::Version;
use super::{Made, made, nothing, resources};

/// Null may be used, zero only read, and other devices only made.
fn rules() -> LinuxResources {
    resources(json!({"devices": [
        {"allow": false, "access": "rwm"},
        {"allow": true, "type": "c", "access": "m"},
        {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rw"},
        {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "r"}
    ]}))
}

/// A cgroup with these rules, in the hierarchy of this version with the filter.
fn filtered(version: Version, rules: &LinuxResources) -> Result<Made, String> {
    let cgroup = made(Some(version), &nothing())?;
    if version == Version::One && !cgroup.own_places().any(|place| place.has("devices")) {
        return Err("no hierarchy of version 1 has the controller devices".to_owned());
    }
    match cgroup.update(rules) {
        Ok(()) => Ok(cgroup),
        Err(error) => match error.downcast_ref() {
            Some(&(Errno::PERM | Errno::NOSYS)) => Err(format!("no filter is allowed: {error:#}")),
            _ => panic!("update: {error:#}"),
        },
    }
}

/// Whether the script succeeds in a process of the cgroup.
fn allows(cgroup: &Cgroup, script: &str) -> bool {
    let moves = cgroup
        .own_places()
        .map(|place| format!("echo 0 > {}/cgroup.procs\n", place.path().display()));
    let mut command = Command::new("sh");
    command.arg("-ec").arg(moves.collect::<String>() + script);
    command.stdout(Stdio::null()).stderr(Stdio::null()).current_dir(std::env::temp_dir());
    command.status().expect("start a shell").success()
}

const READ_NULL: &str = "head -c 1 /dev/null";
const WRITE_NULL: &str = "echo > /dev/null";
const READ_ZERO: &str = "head -c 1 /dev/zero";
const WRITE_ZERO: &str = "echo > /dev/zero";
const READ_FULL: &str = "head -c 1 /dev/full";
const MAKE_CHAR: &str = "mknod char c 1 7; rm char";
const MAKE_BLOCK: &str = "mknod block b 7 7; rm block";

#[test]
fn devices_are_allowed_and_refused_by_the_rules() {
    ns_testbed::run_as!([Root], {
        assert!(fs::metadata("/dev/full").is_ok_and(|file| file.file_type().is_char_device()));
        let mut reasons = Vec::new();
        for version in [Version::One, Version::Two] {
            let cgroup = match filtered(version, &rules()) {
                Ok(cgroup) => cgroup,
                Err(reason) => {
                    reasons.push(reason);
                    continue;
                }
            };
            for script in [READ_NULL, WRITE_NULL, READ_ZERO, MAKE_CHAR] {
                assert!(allows(&cgroup, script), "{version:?} {script}");
            }
            for script in [WRITE_ZERO, READ_FULL, MAKE_BLOCK] {
                assert!(!allows(&cgroup, script), "{version:?} {script}");
            }
        }
        println!("shown: {reasons:?}");
        if reasons.len() == 2 {
            skip!("{reasons:?}");
        }
    });
}

/// New rules take the place of the old ones, in both directions.
#[test]
fn g08_rules_can_be_updated() {
    ns_testbed::run_as!([Root], {
        let mut reasons = Vec::new();
        for version in [Version::One, Version::Two] {
            let cgroup = match filtered(version, &rules()) {
                Ok(cgroup) => cgroup,
                Err(reason) => {
                    reasons.push(reason);
                    continue;
                }
            };
            let full = json!({"allow": true, "type": "c", "major": 1, "minor": 7, "access": "r"});
            cgroup.update(&resources(json!({"devices": [full]}))).expect("update");
            assert!(allows(&cgroup, READ_FULL) && !allows(&cgroup, READ_NULL), "{version:?}");
            cgroup.update(&nothing()).expect("nothing");
            assert!(allows(&cgroup, READ_FULL) && !allows(&cgroup, READ_NULL), "{version:?}");
            let all = json!({"allow": true, "type": "a", "access": "rwm"});
            cgroup.update(&resources(json!({"devices": [all]}))).expect("update");
            assert!(allows(&cgroup, READ_FULL) && allows(&cgroup, MAKE_BLOCK), "{version:?}");
        }
        if reasons.len() == 2 {
            skip!("{reasons:?}");
        }
    });
}

/// A cgroup of the runtime's own version is made with its rules in one step.
#[test]
fn a_new_cgroup_has_the_rules() {
    ns_testbed::run_as!([Root], {
        if !Path::new("/dev/full").exists() {
            skip!("no /dev/full");
        }
        match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => {
                cgroup.remove().expect("remove");
                match cgroup.create(Some(&rules())) {
                    Ok(()) => assert!(allows(&cgroup, READ_NULL) && !allows(&cgroup, READ_FULL)),
                    Err(error) if error.downcast_ref() == Some(&Errno::PERM) => {
                        skip!("no filter is allowed: {error:#}")
                    }
                    Err(error) => panic!("{error:#}"),
                }
            }
        }
    });
}
