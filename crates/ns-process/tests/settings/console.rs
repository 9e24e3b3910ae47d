//! A new terminal in the root of the program.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::symlink;

use crate::common::receiver::Receiver;
use crate::common::{Directory, mount_host_programs, shell, start_error};
use ns_process::{
    Builder, Container, Errno, Init, Inject, Memory, Mount, Namespace, Parked, Stdio, Step,
};
use ns_testbed::{Leftovers, Role, role};

/// The terminal, its size, its owner, and whether it is the controlling one of a new session.
const PRINT: &str = "tty; tty <&1; tty <&2; stty size; stat -c %u /dev/pts/0; \
                     exec < /dev/tty && tty; ps -o sid= -p $$ | tr -d ' '; echo $$";

/// A shell in new namespaces with a devpts. As root it has no new user namespace.
fn container(script: &str) -> Container {
    let mut container = shell(script);
    container.namespaces([Namespace::Mnt, Namespace::Pid]).mount_proc();
    if role() != Role::Root {
        container.namespace(Namespace::User).map_zero();
    }
    container.mount(Mount::devpts("/dev/pts"));
    container
}

/// What a program printed to the terminal until its end.
fn text(mut master: File) -> String {
    let mut bytes = Vec::new();
    // At the end of a terminal the master has the error EIO.
    let error = master.read_to_end(&mut bytes).expect_err("the terminal hangs up");
    assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
    String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
}

/// Starts the program, parked or not, and returns what it prints to its terminal.
fn printed<Kind>(builder: &mut Builder<Kind>, parks: bool) -> String {
    let (receiver, socket) = Receiver::new();
    builder.console(socket);
    let started =
        if parks { builder.start_parked().and_then(Parked::release) } else { builder.start() };
    let process = started.expect("start");
    let (name, master) = receiver.receive();
    assert_eq!(name, "/dev/pts/0");
    let printed = text(master);
    process.join().expect("join");
    printed
}

/// What [`PRINT`] prints, with the size and the owner.
fn expected(size: &str, uid: u32, pid: u32) -> String {
    let tty = "/dev/pts/0\n";
    format!("{tty}{tty}{tty}{size}\n{uid}\n/dev/tty\n{pid}\n{pid}\n")
}

/// The streams of the program are a new terminal of its own devpts, which is its controlling terminal, in every
/// kind of start.
#[test]
fn a_console_is_the_terminal_of_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        for parks in [false, true] {
            let mut sized = container(PRINT);
            sized.console_size(33, 121);
            assert_eq!(printed(&mut sized, parks), expected("33 121", 0, 1));
            let mut under_init = container(PRINT);
            under_init.init(Init::builtin());
            assert_eq!(printed(&mut under_init, parks), expected("0 0", 0, 2));
            let mut copied = container(PRINT);
            copied.memory(Memory::Copied);
            assert_eq!(printed(&mut copied, parks), expected("0 0", 0, 1));
            let mut daemon = container(PRINT);
            daemon.daemonize_as_child();
            assert_eq!(printed(&mut daemon, parks), expected("0 0", 0, 1));
        }
    });
}

/// The terminal belongs to the user of the program, and its group is left.
#[test]
fn a_console_belongs_to_the_user_of_the_program() {
    ns_testbed::run_as!([Root], {
        for parks in [false, true] {
            let mut container = container("stat -c '%u %g' /dev/pts/0; id -u; tty");
            container.mount(Mount::devpts("/dev/pts").data("gid=5")).uid(1000).gid(1000);
            assert_eq!(printed(&mut container, parks), "1000 5\n1000\n/dev/pts/0\n");
        }
    });
}

/// The program has no other descriptor, also if files are placed at low numbers, and the files are those that were
/// placed.
#[test]
fn a_console_leaves_the_other_descriptors() {
    ns_testbed::run_as!([Root, User, Nested], {
        for parks in [false, true] {
            let mut container = container("readlink /proc/self/fd/*");
            for number in 3..=9 {
                container.fd(number, Stdio::null());
            }
            let expected = format!("{}{}", "/dev/pts/0\n".repeat(3), "/dev/null\n".repeat(7));
            assert_eq!(printed(&mut container, parks), expected);
        }
    });
}

/// The terminal is mounted on `/dev/console` of a new root, which has no such file before.
#[test]
fn a_console_is_mounted_in_a_new_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("console", &["dev/pts", "proc"]);
        for (parks, is_read_only) in [(false, false), (true, true)] {
            let mut container = shell(
                "test -c /dev/console && tty < /dev/console && mountpoint -q /dev/console && echo yes",
            );
            container.namespaces([Namespace::Mnt, Namespace::Pid]).rootdir(&*root).mount_proc();
            if role() != Role::Root {
                container.namespace(Namespace::User).map_zero();
            }
            mount_host_programs(&mut container);
            container.mount(Mount::devpts("/dev/pts")).mount_console();
            if is_read_only {
                container.read_only_root();
            }
            // It is the terminal `/dev/pts/0` at another path.
            let printed = printed(&mut container, parks);
            assert!(printed.ends_with("yes\n"), "{printed}");
            let left = fs::metadata(root.join("dev/console")).expect("an empty file");
            assert!(left.is_file() && left.len() == 0);
        }
    });
}

/// A root whose links lead elsewhere gets no terminal, and nothing is left.
#[test]
fn d20_a_hostile_root_gets_no_console() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("hostile", &["dev", "proc", "other"]);
        let start = |mounts: bool| {
            let (receiver, socket) = Receiver::new();
            let mut container = Container::new("true");
            container.namespaces([Namespace::Mnt, Namespace::Pid]).rootdir(&*root);
            if role() != Role::Root {
                container.namespace(Namespace::User).map_zero();
            }
            container.mount(Mount::devpts("/other")).console(socket);
            if mounts {
                container.mount(Mount::devpts("/dev/pts").create()).mount_console();
            }
            let error = start_error(&container);
            drop(container);
            assert!(receiver.is_at_end(), "a master was sent");
            (error.step(), error.errno().expect("an errno"), error.object().map(str::to_owned))
        };
        let refused = |step, errno, object: &str| (step, errno, Some(object.to_owned()));
        assert_eq!(start(false), refused(Step::Console, Errno::NOENT, "/dev/pts"));
        symlink("/other", root.join("dev/pts")).expect("symlink");
        assert_eq!(start(false), refused(Step::Console, Errno::LOOP, "/dev/pts"));
        fs::remove_file(root.join("dev/pts")).expect("remove");
        fs::create_dir(root.join("dev/pts")).expect("mkdir");
        fs::write(root.join("dev/pts/ptmx"), "").expect("write");
        assert_eq!(start(false), refused(Step::Console, Errno::NODEV, "/dev/pts"));
        symlink("/proc/self/fd/0", root.join("dev/console")).expect("symlink");
        assert_eq!(start(true), refused(Step::MountConsole, Errno::LOOP, "/dev/console"));
    });
}

/// A receiver that is gone, and a file that is no socket, are errors of the start.
#[test]
fn a_console_needs_a_receiver() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (receiver, socket) = Receiver::new();
        drop(receiver);
        let mut container = container("true");
        let error = start_error(container.console(socket));
        assert_eq!((error.step(), error.errno()), (Step::SendConsole, Some(Errno::PIPE)));
        assert!(error.to_string().contains("no process has the other end"), "{error}");
        let null = File::open("/dev/null").expect("open");
        let error = start_error(container.console(null));
        assert_eq!((error.step(), error.errno()), (Step::SendConsole, Some(Errno::NOTSOCK)));
        let before = Leftovers::snapshot();
        container.start_parked().expect_err("no socket");
        before.assert_unchanged();
    });
}

/// The master hangs up if a later step fails.
#[test]
fn a_console_of_a_failed_start_hangs_up() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (receiver, socket) = Receiver::new();
        let mut container = container("true");
        container.console(socket).program_fd(File::open("/dev/null").expect("open"));
        let error = start_error(&container);
        assert_eq!(error.step(), Step::Exec, "{error}");
        assert_eq!(text(receiver.receive().1), "");
    });
}

/// A program in the namespaces of another process has a terminal of that process's root.
#[test]
fn an_injected_program_has_a_console_of_the_target() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (_receiver, socket) = Receiver::new();
        let mut target = container("echo ready; exec sleep 1000");
        let process = target.console(socket).kill_on_drop(true).start().expect("start");
        for parks in [false, true] {
            let mut inject = Inject::new(&process, "tty");
            let (receiver, socket) = Receiver::new();
            inject.console(socket);
            let started = if parks {
                inject.start_parked().and_then(Parked::release)
            } else {
                inject.start()
            };
            let started = started.expect("start");
            let (name, master) = receiver.receive();
            assert_eq!((name.as_str(), text(master).as_str()), ("/dev/pts/1", "/dev/pts/1\n"));
            started.join().expect("join");
        }
        process.kill().expect("kill");
        process.join().expect("join");
    });
}
