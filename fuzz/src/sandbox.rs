//! Namespaces of their own for the targets that ask the kernel.
//!
//! What goes wrong in there changes nothing outside, whoever runs it: the process has no capability
//! over the machine any more, root included, and its mounts and host name are its own.

use std::fs::{self, File};
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use ns_idmap::{Extent, IdKind, IdMap};
use ns_sys::{UnshareFlags, unshare};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{DumpableBehavior, getegid, geteuid, set_dumpable_behavior};

/// Moves the calling process, which must have one thread, into new namespaces of which it is root.
///
/// Root keeps all ids; another user has its own, as 0.
///
/// # Errors
/// The machine does not allow user namespaces, or the process has more threads.
pub fn enter() -> io::Result<()> {
    let mapped = if geteuid().is_root() { by_helper } else { by_itself };
    // Without it the files of the process would be root's.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    mapped()?;
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWUTS | UnshareFlags::NEWIPC)?;
    unshare(UnshareFlags::NEWNET | UnshareFlags::NEWCGROUP)?;
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// The own ids alone are what a user may map.
fn by_itself() -> io::Result<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    unshare(UnshareFlags::NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// Who has left a namespace may map in its name no more, so a process that stays there does.
fn by_helper() -> io::Result<()> {
    let proc = File::open("/proc/self")?;
    let maps = [every_id::<ns_idmap::Uid>(&proc)?, every_id::<ns_idmap::Gid>(&proc)?];
    let mut helper = helper(&maps)?;
    unshare(UnshareFlags::NEWUSER)?;
    helper.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?.write_all(b"go\n")?;
    let written = helper.wait()?.success();
    if written { Ok(()) } else { Err(io::Error::other("the maps could not be written")) }
}

/// Each id of the namespace that the process is in, as itself.
fn every_id<K: IdKind>(proc: &File) -> io::Result<String> {
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

/// Enters, or ends the process and says why: for programs that can do nothing else.
pub fn enter_or_exit() {
    if let Err(error) = enter() {
        eprintln!("no namespaces for the target: {error}");
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_enters_is_root_inside() {
        ns_testbed::run_as!([Root, User, Nested], {
            let code = ns_testbed::forked(|| {
                enter().expect("enter");
                assert!(geteuid().is_root());
                unshare(UnshareFlags::NEWNS).expect("what only root may");
                0
            });
            assert_eq!(code, 0);
        });
    }
}
