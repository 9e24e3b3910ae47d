//! Targets that are not what is usual: something of theirs is the caller's own.

mod common;

use std::fs;
use std::path::Path;

use common::alone;
use common::target::Target;
use ns_process::{Container, Inject, Namespace};
use ns_sys::UnshareFlags;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change};
use rustix::process::{chdir, chroot};

fn printed(target: &Target, script: &str) -> String {
    let output = Inject::new(&**target, "sh").args(["-c", script]).output().expect("start");
    String::from_utf8(output.stdout).expect("text")
}

/// A process in new namespaces of these kinds.
fn in_new(kinds: &[Namespace]) -> Target {
    let mut container = Container::new("sleep");
    Target::new(container.arg("1000").namespaces(kinds.iter().copied()).map_zero())
}

/// To enter the caller's own mount namespace would move it to `/`.
#[test]
fn c02_in_the_callers_mount_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            chdir("/usr/bin").expect("chdir");
            for kinds in
                [&[Namespace::User][..], &[Namespace::User, Namespace::Pid, Namespace::Net]]
            {
                let target = in_new(kinds);
                let user = fs::read_link(target.file(Namespace::User)).expect("a link");
                let told = printed(&target, "pwd; readlink /proc/self/ns/user");
                assert_eq!(told, format!("/usr/bin\n{}\n", user.display()));
            }
            let target = in_new(&[Namespace::User, Namespace::Mnt]);
            assert_eq!(printed(&target, "pwd"), "/\n");
        });
    });
}

/// Nor does it leave a root that is not that of the mount namespace.
#[test]
fn c02_from_a_changed_root() {
    ns_testbed::run_as!([Root], {
        alone(|| {
            ns_sys::unshare(UnshareFlags::NEWNS).expect("unshare");
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).expect("private");
            mount_bind_recursive("/", "/mnt").expect("bind");
            for (folder, name) in [("/mnt/opt", "changed"), ("/opt", "former")] {
                mount("tmpfs", folder, "tmpfs", MountFlags::empty(), None).expect("tmpfs");
                fs::write(Path::new(folder).join(name), "").expect("mark");
            }
            // Nobody makes a user namespace from there.
            let target = in_new(&[Namespace::User, Namespace::Uts]);
            chroot("/mnt").expect("chroot");
            chdir("/").expect("chdir");
            assert_eq!(printed(&target, "ls /opt"), "changed\n");
        });
    });
}
