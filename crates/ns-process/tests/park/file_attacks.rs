//! Attacks on the file of a parked process, which other processes of its user can open.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use crate::common::shell;
use crate::support::{code_of, parked};
use ns_process::{Container, Errno, Init, Namespace, Step};
use rustix::fs::{XattrFlags, fsetxattr};
use rustix::process::geteuid;

/// Opens the executable of the process `pid`.
fn executable_of(pid: u32) -> File {
    File::open(format!("/proc/{pid}/exe")).expect("the same user may open it")
}

/// Opens a file again, for writing.
fn for_writing(file: &File) -> File {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    OpenOptions::new().read(true).write(true).open(path).expect("its mode permits that")
}

/// Starts that execute a file of the library.
fn assert_later_starts_work() {
    let mut container = shell("exit 4");
    assert_eq!(code_of(&parked(&container).release().expect("release")), Some(4));
    container.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
    assert_eq!(container.status().expect("start").code(), Some(4));
    assert_eq!(code_of(&parked(&container).release().expect("release")), Some(4));
}

/// The error of executing `file` itself.
fn exec_errno(file: &File) -> Option<Errno> {
    let mut container = Container::new("attacked");
    container.program_fd(file.try_clone().expect("dup"));
    let error = container.start().expect_err("the attack works");
    assert_eq!(error.step(), Step::Exec, "{error}");
    error.errno()
}

/// An access control list that permits no execution: `posix_acl_xattr_header` and its entries for
/// the owner, another user, the group, the mask and others.
fn list() -> Vec<u8> {
    let none = u32::MAX;
    let entries = [
        (0x01_u16, 6_u16, none),
        (0x02, 0, geteuid().as_raw()),
        (0x04, 0, none),
        (0x10, 0, none),
        (0x20, 0, none),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// A file that is held open for writing cannot be executed. Later starts have files of their own.
#[test]
fn f37_a_file_held_open_for_writing_stops_no_later_start() {
    ns_testbed::run_as!([Root, User, Nested], {
        let waiting = parked(&shell("exit 3"));
        let gate = executable_of(waiting.pid());
        // It may be opened for writing as soon as no process executes it.
        assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
        let held = for_writing(&gate);
        assert_eq!(exec_errno(&gate), Some(Errno::TXTBSY), "the attack works");
        assert_later_starts_work();
        drop(held);
        // The same with the file of an init.
        let mut container = shell("exec sleep 1000");
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        let process = container.start().expect("start");
        let init = loop {
            let file = executable_of(process.pid());
            let name = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("link");
            if name.to_string_lossy().contains("memfd:init") {
                break file;
            }
        };
        process.kill().expect("kill");
        process.join().expect("join");
        let held = for_writing(&init);
        assert_eq!(exec_errno(&init), Some(Errno::TXTBSY), "the attack works");
        assert_later_starts_work();
        drop(held);
    });
}

/// A file whose access control list or mode permits no execution. Later starts have files of their
/// own.
#[test]
fn f37_an_access_control_list_stops_no_later_start() {
    ns_testbed::run_as!([Root, User, Nested], {
        let waiting = parked(&shell("exit 3"));
        let gate = executable_of(waiting.pid());
        let name = "system.posix_acl_access";
        match fsetxattr(&gate, name, &list(), XattrFlags::empty()) {
            Ok(()) => assert_eq!(exec_errno(&gate), Some(Errno::ACCESS), "the attack works"),
            Err(errno) => {
                println!("shown: no access control list can be set: {errno}");
                assert!([Errno::OPNOTSUPP, Errno::PERM].contains(&errno), "{errno}");
            }
        }
        // The seal on the mode, Linux 6.3, is not part of what the library uses.
        let changed = gate.set_permissions(Permissions::from_mode(0o600));
        println!("shown: the mode as {}: {changed:?}", geteuid().as_raw());
        assert_later_starts_work();
        assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
    });
}
