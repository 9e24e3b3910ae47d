//! The pseudo-terminal of a root, and `/dev/console`.
#![allow(unsafe_code, reason = "descriptors that the steps return")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::os::unix::fs::{FileTypeExt, symlink};

use linux_raw_sys::general::{__NR_open_tree, __NR_openat2};
use ns_fs::apply::{Console, mount_console, open_console};
use ns_fs::{Mount, RootPlan, Step, StepError};
use ns_sys::Errno;
use ns_sys::child::{self, Mode};
use ns_testbed::{Leftovers, refuse};
use rustix::fs::CWD;
use rustix::mount::mount_bind;

use crate::fixture::{TempDir, in_own_pids, mounts_at, names, pivot, refuse_all};

/// Both ends of a new terminal.
fn open() -> (File, File, u32) {
    let Console { master, terminal, number } = open_console().expect("open_console");
    // SAFETY: the step has just opened both, and nothing else owns them.
    let [master, terminal] = [master, terminal].map(|fd| unsafe { File::from_raw_fd(fd) });
    (master, terminal, number)
}

fn open_error(errno: Errno) {
    let before = names("/proc/self/fd");
    assert_eq!(open_console(), Err(StepError { step: Step::OpenConsole, errno }));
    assert_eq!(names("/proc/self/fd"), before, "a descriptor is left");
}

fn mount_error(errno: Errno) {
    let (_master, terminal, _) = open();
    let before = (names("/proc/self/fd"), Leftovers::mountinfo());
    let error = mount_console(terminal.as_fd());
    assert_eq!(error, Err(StepError { step: Step::MountConsole, errno }));
    assert_eq!((names("/proc/self/fd"), Leftovers::mountinfo()), before, "something is left");
}

/// Runs `body` in a root with the directories and mounts of a container.
fn in_root(dir: &TempDir, mounts: impl IntoIterator<Item = Mount>, body: impl Fn()) {
    let mounts = [Mount::proc("/proc")].into_iter().chain(mounts);
    let plan: RootPlan = pivot(dir, mounts);
    in_own_pids(|| {
        plan.apply().expect("apply");
        body();
    });
}

fn devices() -> Mount {
    Mount::dev("/dev")
}

fn assert_talks(mut master: &File, mut terminal: &File) {
    terminal.write_all(b"from the program\n").expect("write");
    let mut text = [0; 64];
    let length = master.read(&mut text).expect("read");
    assert_eq!(&text[..length], b"from the program\r\n");
}

/// The terminal belongs to the devpts of the new root, and both ends are connected.
#[test]
fn a_terminal_of_the_root_is_opened() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("console", &["dev", "proc"]);
        in_root(&dir, [devices()], || {
            let (master, terminal, number) = open();
            assert_eq!(number, 0, "the devpts is a new one");
            let name = rustix::termios::ttyname(&terminal, Vec::new()).expect("ttyname");
            assert_eq!(name.to_str(), Ok("/dev/pts/0"));
            assert_talks(&master, &terminal);
            for file in [&master, &terminal] {
                let flags = rustix::io::fcntl_getfd(file).expect("fcntl");
                assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
            }
            drop((master, terminal));
            assert_eq!(names("/dev/pts"), ["ptmx"], "the terminal is closed");
        });
    });
}

/// The console is the terminal, whether `/dev/console` exists or not; its path is not used.
#[test]
fn the_terminal_is_mounted_on_the_console() {
    ns_testbed::run_as!([Root, User, Nested], {
        for exists in [false, true] {
            let dir = TempDir::with("console", &["dev", "proc"]);
            in_root(&dir, [devices()], || {
                if exists {
                    fs::write("/dev/console", "old").expect("write");
                }
                let (master, terminal, _) = open();
                mount_console(terminal.as_fd()).expect("mount_console");
                assert!(fs::metadata("/dev/console").expect("stat").file_type().is_char_device());
                drop(terminal);
                let console = File::options().read(true).write(true).open("/dev/console");
                assert_talks(&master, &console.expect("open"));
                // A second terminal covers the first.
                let (second, terminal, _) = open();
                mount_console(terminal.as_fd()).expect("mount_console");
                assert_talks(
                    &second,
                    &File::options().write(true).open("/dev/console").expect("open"),
                );
                assert_eq!(mounts_at("/dev/console", &Leftovers::mountinfo()).len(), 2);
            });
        }
    });
}

/// Before openat2(2) and open_tree(2) both steps have other ways.
#[test]
fn older_kernels_have_the_same_result() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("console", &["dev", "proc"]);
        in_root(&dir, [devices()], || {
            refuse_all(&[__NR_openat2, __NR_open_tree]);
            let (master, terminal, _) = open();
            mount_console(terminal.as_fd()).expect("mount_console");
            drop(terminal);
            let console = File::options().read(true).write(true).open("/dev/console");
            assert_talks(&master, &console.expect("open"));
        });
    });
}

/// Without a devpts on `/dev/pts` nothing is opened, not even a file that would block.
#[test]
fn d20_files_of_the_root_are_no_terminals() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("console", &["dev/pts", "proc"]);
        in_root(&dir, [], || open_error(Errno::NODEV));
        let fifo = dir.path().join("dev/pts/ptmx");
        rustix::fs::mkfifoat(CWD, &fifo, Mode::from_bits_truncate(0o600)).expect("mkfifo");
        in_root(&dir, [], || open_error(Errno::NODEV));
        let dir = TempDir::with("no pts", &["dev", "proc"]);
        in_root(&dir, [], || open_error(Errno::NOENT));
        let dir = TempDir::with("no dev", &["proc"]);
        in_root(&dir, [], || open_error(Errno::NOENT));
    });
}

/// Symbolic links of the root do not lead to another devpts, nor does the console lead elsewhere.
#[test]
fn d20_symbolic_links_of_the_root_are_not_followed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("console", &["dev", "proc", "host", "other"]);
        let other = || [Mount::devpts("/other")];
        let link = |to: &str, at: &str| symlink(to, dir.path().join(at)).expect("symlink");
        link("/other", "dev/pts");
        in_root(&dir, other(), || open_error(Errno::LOOP));
        // A magic link leads to a descriptor of the caller.
        let caller = File::open("/dev").expect("open");
        let magic = format!("/proc/self/fd/{}/pts", caller.as_raw_fd());
        fs::remove_file(dir.path().join("dev/pts")).expect("remove");
        link(&magic, "dev/pts");
        in_root(&dir, other(), || open_error(Errno::LOOP));
        let dir = TempDir::with("target", &["dev", "proc"]);
        in_root(&dir, [devices()], || {
            fs::write("/dev/victim", "text").expect("write");
            symlink("victim", "/dev/console").expect("symlink");
            mount_error(Errno::LOOP);
            assert_eq!(fs::read("/dev/victim").expect("read"), b"text");
            fs::remove_file("/dev/console").expect("remove");
            symlink("/proc/self/fd/0", "/dev/console").expect("symlink");
            mount_error(Errno::LOOP);
            fs::remove_file("/dev/console").expect("remove");
            fs::create_dir("/dev/console").expect("mkdir");
            mount_error(Errno::ISDIR);
        });
    });
}

/// A file that is mounted on `ptmx` is not opened.
#[test]
fn d20_a_mount_on_ptmx_is_not_opened() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("console", &["dev", "proc"]);
        in_root(&dir, [devices()], || {
            mount_bind("/dev/null", "/dev/pts/ptmx").expect("bind");
            open_error(Errno::XDEV);
            refuse(__NR_openat2, Errno::NOSYS);
            open_error(Errno::NODEV);
        });
    });
}

/// The errors of a read-only `/dev`, of a missing privilege, and of the mode of `ptmx`.
#[test]
fn errors_of_consoles_name_their_step() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("console", &["dev", "proc"]);
        in_root(&dir, [devices().read_only()], || mount_error(Errno::ROFS));
        in_root(&dir, [devices()], || {
            fs::write("/dev/console", "").expect("write");
            child::capset(child::CapabilitySets::default()).expect("capset");
            mount_error(Errno::PERM);
        });
        let closed = Mount::devpts("/dev/pts").data("ptmxmode=000");
        in_root(&dir, [devices(), closed], || {
            child::capset(child::CapabilitySets::default()).expect("capset");
            open_error(Errno::ACCESS);
        });
        let failed = StepError { step: Step::OpenConsole, errno: Errno::NODEV };
        assert_eq!(failed.to_string(), "new pseudo-terminal failed");
        let failed = StepError { step: Step::MountConsole, errno: Errno::LOOP };
        assert_eq!(failed.to_string(), "mount on /dev/console failed");
    });
}
