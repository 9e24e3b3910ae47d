//! Namespaces for the targets that make system calls.
//!
//! A failure inside changes nothing outside: the process has no capability over the machine, even if root started it,
//! and its mounts and its host name are private.

use std::fs::{self, File};
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use ns_idmap::{Extent, IdKind, IdMap};
use ns_sys::{UnshareFlags, unshare};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{DumpableBehavior, getegid, geteuid, set_dumpable_behavior};

/// Moves the calling process into new namespaces, in which it is root. The process must have only one thread.
///
/// Root keeps all of its IDs. For another user, only its own IDs are mapped, to 0.
///
/// # Errors
/// The machine does not allow user namespaces, or the process has more than one thread.
pub fn enter() -> io::Result<()> {
    let mapped = if geteuid().is_root() { map_all_ids } else { map_own_ids };
    // Otherwise the files in /proc/self belong to root.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    mapped()?;
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWUTS | UnshareFlags::NEWIPC)?;
    unshare(UnshareFlags::NEWNET | UnshareFlags::NEWCGROUP)?;
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// Maps the caller's own IDs, the only ones that an unprivileged user may map.
fn map_own_ids() -> io::Result<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    unshare(UnshareFlags::NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// Maps all IDs. A process that has left its user namespace has no privilege there, so a helper process that stays
/// there writes the maps.
fn map_all_ids() -> io::Result<()> {
    let proc = File::open("/proc/self")?;
    let maps = [identity_map::<ns_idmap::Uid>(&proc)?, identity_map::<ns_idmap::Gid>(&proc)?];
    let mut helper = helper(&maps)?;
    unshare(UnshareFlags::NEWUSER)?;
    helper.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?.write_all(b"go\n")?;
    let written = helper.wait()?.success();
    if written { Ok(()) } else { Err(io::Error::other("the helper cannot write the maps")) }
}

/// Returns a map of each ID of the current user namespace to itself.
fn identity_map<K: IdKind>(proc: &File) -> io::Result<String> {
    let map = IdMap::<K>::read(proc).map_err(io::Error::other)?;
    let map = map.ok_or(io::ErrorKind::PermissionDenied)?;
    let same = |extent: &Extent| Extent { outside: extent.inside, ..*extent };
    let same = IdMap::<K>::new(map.iter().map(same)).map_err(io::Error::other)?;
    Ok(same.to_string())
}

fn helper(maps: &[String]) -> io::Result<Child> {
    let script = r#"read go
        printf '%s' "$1" > "/proc/$PPID/uid_map" && printf '%s' "$2" > "/proc/$PPID/gid_map""#;
    Command::new("sh").args(["-c", script, "sh"]).args(maps).stdin(Stdio::piped()).spawn()
}

/// Calls [`enter`]; on failure prints the error and exits.
pub fn enter_or_exit() {
    if let Err(error) = enter() {
        eprintln!("cannot enter new namespaces: {error}");
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_root_inside() {
        ns_testbed::run_as!([Root, User, Nested], {
            let code = ns_testbed::forked(|| {
                enter().expect("enter");
                assert!(geteuid().is_root());
                unshare(UnshareFlags::NEWNS).expect("unshare, which needs root");
                0
            });
            assert_eq!(code, 0);
        });
    }
}
