//! Read-only disks.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use linux_raw_sys::general::{__NR_fsopen, __NR_move_mount, __NR_open_tree};
use ns_fs::{Mount, MountAttrs, Root, Step};
use ns_sys::Errno;
use ns_testbed::{Leftovers, skip};

use crate::fixture::{TempDir, in_own_mounts, mounts_at, plan, refuse_all};

/// A write-protected loop device with an ext4 file system, which has a file and an empty directory.
struct Disk(PathBuf);

impl Disk {
    /// The reason, if this machine has no loop devices or no tools for them.
    fn new(dir: &TempDir) -> Result<Self, String> {
        let (image, contents) = (dir.path().join("image"), dir.path().join("contents"));
        fs::create_dir_all(contents.join("mnt")).expect("mkdir");
        fs::write(contents.join("file"), "text").expect("write");
        let file = fs::File::create(&image).expect("create");
        file.set_len(4 << 20).expect("set the size");
        run(Command::new("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&contents).arg(&image))?;
        let setup = ["--find", "--show", "--read-only"];
        run(Command::new("losetup").args(setup).arg(&image)).map(|path| Self(path.into()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let detached = run(Command::new("losetup").arg("--detach").arg(&self.0));
        if !std::thread::panicking() {
            detached.expect("detach");
        }
    }
}

/// Returns what the command printed.
fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_owned();
    let failed = |reason: String| Err(format!("{program:?}: {reason}"));
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned())
        }
        Ok(output) => failed(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => failed(error.to_string()),
    }
}

fn assert_read_only(at: &Path) {
    assert_eq!(fs::read_to_string(at.join("file")).expect("read"), "text");
    let error = fs::write(at.join("file"), "new").expect_err("read-only");
    assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
}

const OLD: &[u32] = &[__NR_open_tree, __NR_move_mount, __NR_fsopen];

/// A write-protected disk becomes the root, also by a path where it is mounted already; below it, mounts have
/// only the targets that it contains.
#[test]
fn a_read_only_disk_as_the_root() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("disk", &["mounted"]);
        let disk = match Disk::new(&dir) {
            Ok(disk) => disk,
            Err(reason) => skip!("no loop device: {reason}"),
        };
        let mounted = dir.path().join("mounted");
        let new = || Mount::new("ext4", &disk.0, "/").read_only_top();
        let before = Mount::new("ext4", &disk.0, &mounted).read_only();
        for missing in [&[][..], OLD] {
            for root in [Root::current().mount(new()), Root::pivot(&mounted)] {
                let create = root.clone().mount(Mount::tmpfs("/none").create());
                let [root, create] = [root.mount(Mount::tmpfs("/mnt")), create].map(plan);
                let before = plan(Root::current().mount(before.clone()));
                for (plan, succeeds) in [(root, true), (create, false)] {
                    in_own_mounts(|| {
                        before.apply().expect("mount the disk");
                        refuse_all(missing);
                        match plan.apply() {
                            Ok(()) => assert!(succeeds),
                            Err(error) => {
                                assert!(!succeeds, "{}", plan.explain(&error));
                                assert_eq!(error.errno, Errno::ROFS);
                                let text = plan.explain(&error).to_string();
                                assert!(text.contains("its file system is read-only"), "{text}");
                                return;
                            }
                        }
                        assert_read_only("/".as_ref());
                        fs::write("/mnt/file", "").expect("the tmpfs is writable");
                    });
                }
            }
        }
    });
}

/// A bind of a directory on a write-protected disk: to clear the attribute does not make it writable.
#[test]
fn a_read_only_disk_as_a_source() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("disk", &["mounted", "bound", "tree"]);
        let disk = match Disk::new(&dir) {
            Ok(disk) => disk,
            Err(reason) => skip!("no loop device: {reason}"),
        };
        let [mounted, bound] = ["mounted", "bound"].map(|name| dir.path().join(name));
        for missing in [&[][..], OLD] {
            let mounts = [
                Mount::new("ext4", &disk.0, &mounted).read_only(),
                Mount::bind(&mounted, &bound).source_in_root().clear(MountAttrs::RDONLY).nosuid(),
            ];
            let plan = plan(Root::current().mounts(mounts));
            in_own_mounts(|| {
                refuse_all(missing);
                plan.apply().unwrap_or_else(|error| panic!("{}", plan.explain(&error)));
                assert_read_only(&mounted);
                assert_read_only(&bound);
                let point = bound.to_str().expect("UTF-8").replace(' ', "\\040");
                let line = mounts_at(&point, &Leftovers::mountinfo()).remove(0);
                assert!(line[5].starts_with("rw,nosuid"), "{line:?}");
            });
        }
    });
}

/// Without `read_only` a write-protected disk is refused, and the hint names the option.
#[test]
fn a_read_only_disk_needs_a_read_only_mount() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("disk", &["mounted"]);
        let disk = match Disk::new(&dir) {
            Ok(disk) => disk,
            Err(reason) => skip!("no loop device: {reason}"),
        };
        let mount = Mount::new("ext4", &disk.0, dir.path().join("mounted"));
        let plan = plan(Root::current().mount(mount));
        for missing in [&[][..], OLD] {
            in_own_mounts(|| {
                refuse_all(missing);
                let error = plan.apply().expect_err("write-protected");
                assert_eq!((error.step, error.errno), (Step::Mount(0), Errno::ACCESS));
                let text = plan.explain(&error).to_string();
                assert!(text.contains("make the mount read_only()"), "{text}");
            });
        }
    });
}
