//! Turns a forked child into a test process of a role.
#![allow(unsafe_code, reason = "pre_exec and fexecve")]

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{DumpableBehavior, Gid, Uid, getegid, geteuid, set_dumpable_behavior, umask};
use rustix::thread::{self, UnshareFlags};

use crate::role::{Role, USER};

/// A command that takes `role` and then executes the test binary with `args` and `env`.
///
/// The binary is executed through a descriptor, because the role may have no access to its path.
pub(crate) fn command(
    role: Role,
    binary: File,
    args: &[&str],
    env: &[(OsString, OsString)],
) -> Command {
    let argv: Vec<CString> =
        std::iter::once("test").chain(args.iter().copied()).map(text).collect();
    let envp: Vec<CString> = env.iter().map(|(key, value)| variable(key, value)).collect();
    let from_root = geteuid().is_root();
    let ids = if from_root { (USER, USER) } else { (geteuid().as_raw(), getegid().as_raw()) };
    let maps = [ids.0, ids.1].map(|id| format!("0 {id} 1\n"));
    let exec =
        Exec { binary, argv: pointers(&argv), envp: pointers(&envp), _strings: [argv, envp] };

    let mut command = Command::new("/nonexistent");
    command.process_group(0);
    // SAFETY: the closure makes system calls with values that exist already, and does not allocate.
    unsafe {
        command.pre_exec(move || {
            // Files of one role are read by another.
            umask(Mode::from_raw_mode(0o022));
            if from_root {
                in_own_mounts(UnshareFlags::NEWNS)?;
                if role != Role::Root {
                    become_user(ids)?;
                }
            }
            if role == Role::Nested {
                nest(&maps)?;
            }
            Err(exec.now())
        });
    }
    command
}

fn in_own_mounts(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: the flags do not include CLONE_FILES.
    unsafe { thread::unshare_unsafe(flags) }?;
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

fn become_user((uid, gid): (u32, u32)) -> io::Result<()> {
    thread::set_thread_groups(&[])?;
    let (gid, uid) = (Gid::from_raw(gid), Uid::from_raw(uid));
    thread::set_thread_res_gid(gid, gid, gid)?;
    thread::set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

fn nest([uid_map, gid_map]: &[String; 2]) -> io::Result<()> {
    // A change of IDs clears the flag, and without it /proc/self belongs to root.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    in_own_mounts(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)?;
    for (path, text) in [
        (c"/proc/self/setgroups", "deny"),
        (c"/proc/self/uid_map", uid_map),
        (c"/proc/self/gid_map", gid_map),
    ] {
        let file = rustix::fs::openat(CWD, path, OFlags::WRONLY, Mode::empty())?;
        rustix::io::write(&file, text.as_bytes())?;
    }
    Ok(())
}

/// The arguments of fexecve(3), built before the fork.
struct Exec {
    binary: File,
    argv: Vec<*const libc::c_char>,
    envp: Vec<*const libc::c_char>,
    _strings: [Vec<CString>; 2],
}

// SAFETY: the pointers refer to the contents of `_strings`, which are neither moved nor changed.
unsafe impl Send for Exec {}
// SAFETY: as above.
unsafe impl Sync for Exec {}

impl Exec {
    fn now(&self) -> io::Error {
        // SAFETY: both arrays end with a null pointer and contain pointers to strings that `self` owns.
        unsafe { libc::fexecve(self.binary.as_raw_fd(), self.argv.as_ptr(), self.envp.as_ptr()) };
        io::Error::last_os_error()
    }
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
}

fn text(value: &str) -> CString {
    CString::new(value).expect("no NUL in a test's name")
}

fn variable(key: &OsStr, value: &OsStr) -> CString {
    CString::new([key.as_bytes(), b"=", value.as_bytes()].concat()).expect("no NUL in a variable")
}
