//! A program by its descriptor.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

use crate::common::elf::{memory_file, program};
use crate::common::{Directory, assert_refused, filter, printed, start_error};
use ns_process::{Builder, Chroot, Container, Errno, Init, Inject, Memory, Namespace, Stdio, Step};
use rustix::fs::{SealFlags, fcntl_add_seals};

/// The exit code of the program in memory.
const CODE: Option<i32> = Some(7);

fn code<Kind>(builder: &Builder<Kind>) -> Option<i32> {
    builder.status().expect("start").code()
}

fn sealed() -> File {
    let file = memory_file(&program());
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&file, seals).expect("seal");
    file
}

/// A sealed memory file is executed in each kind of start, with and without an init, in shared and in copied memory.
#[test]
fn a_memory_file_is_executed() {
    ns_testbed::run_as!([Root, User, Nested], {
        assert_eq!(code(Container::new("x").program_fd(sealed())), CODE);
        for memory in [Memory::Auto, Memory::Copied] {
            let mut container = Container::new("x");
            container.all().map_zero().mount_proc().program_fd(sealed()).memory(memory);
            assert_eq!(code(&container), CODE);
            assert_eq!(code(container.init(Init::builtin())), CODE);
        }
        let mut daemon = Container::new("x");
        assert_eq!(code(daemon.program_fd(sealed()).daemonize_as_child()), CODE);
        let mut target = Container::new("sleep");
        let target = target.arg("1000").namespaces(["user", "pid", "mnt"]).map_zero().start();
        let target = target.expect("start");
        assert_eq!(code(Inject::new(&target, "x").program_fd(sealed())), CODE);
        target.kill().expect("kill");
        target.join().expect("join");
    });
}

/// The file need not exist in the new root.
#[test]
fn a_file_outside_the_new_root_is_executed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("root", &["empty"]);
        let mut chroot = Chroot::new(&*root, "x");
        chroot.map_zero().program_fd(memory_file(&program()));
        assert_eq!(code(&chroot), CODE);
        chroot.namespace(Namespace::Pid).init(Init::builtin());
        assert_eq!(code(&chroot), CODE);
    });
}

/// A file is executed after its path was deleted, also if it was opened by `O_PATH`.
#[test]
fn a_deleted_file_is_executed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let directory = Directory::new("deleted");
        for flags in [0, libc::O_PATH] {
            let path = directory.join("program");
            fs::write(&path, program()).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
            let file = File::options().read(true).custom_flags(flags).open(&path).expect("open");
            fs::remove_file(&path).expect("remove");
            assert_eq!(code(Container::new("x").program_fd(file)), CODE);
        }
    });
}

/// `argv[0]` is the program of `new`, and the program does not inherit the descriptor.
#[test]
fn the_program_has_no_other_descriptor() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file = File::open("/bin/sh").expect("open");
        let inherited = file.try_clone().expect("dup");
        rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).expect("inherit");
        let mut container = Container::new("name");
        container.program_fd(inherited).args(["-c", "echo $0; ls -l /proc/self/fd | wc -l"]);
        // The total, the three streams, and the directory that ls(1) reads.
        assert_eq!(printed(&container), "name\n5\n");
        assert!(container.get_program_fd().is_some());
        // Descriptors of the program get all numbers up to the file's.
        let highest = file.as_raw_fd() + 20;
        container.program_fd(file);
        for number in 3..=highest {
            container.fd(number, Stdio::null());
        }
        assert_eq!(printed(&container), format!("name\n{}\n", 5 + highest - 2));
        assert!(container.close_fds(false).status().expect("start").success());
    });
}

/// A filter of the program need not allow execve(2).
#[test]
fn a_filter_without_execve_allows_it() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = Container::new("x");
        let refuse = filter::for_call(libc::SYS_execve, filter::fail(Errno::XDEV));
        container.program_fd(sealed()).no_new_privs().seccomp(refuse);
        assert_eq!(code(&container), CODE);
    });
}

/// If the file cannot be executed, the error says why.
#[test]
fn f12_a_file_that_is_no_program_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let fails = |file: File, errno, hint: &str| {
            let error = start_error(Container::new("judge").program_fd(file));
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(errno)), "{error}");
            assert_eq!(error.object(), Some("judge"));
            assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error}");
        };
        fails(memory_file(b"#!/bin/sh\nexit 7\n"), Errno::NOENT, "a script cannot be executed");
        fails(memory_file(b"text"), Errno::NOEXEC, "not a program");
        fails(File::open("/").expect("open"), Errno::ACCESS, "not an executable file");
        let directory = Directory::new("busy");
        let path = directory.join("program");
        let writer = File::create(&path).expect("create");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        fails(File::open(&path).expect("open"), Errno::TXTBSY, "open for writing");
        drop(writer);
        let root = Directory::with("root", &["empty"]);
        let mut chroot = Chroot::new(&*root, "sh");
        let error = start_error(chroot.map_zero().program_fd(File::open("/bin/sh").expect("open")));
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
        assert!(error.hint().is_some_and(|hint| hint.contains("is missing")), "{error}");
    });
}

/// A closure executes no program.
#[test]
fn a_closure_with_a_program_fd_is_refused() {
    let mut closure = Container::from_fn(|| ());
    let file = File::open("/bin/sh").expect("open");
    assert_refused(closure.program_fd(file), "program_fd: a closure executes no program");
}
