//! A release that cannot execute the program fails as a start does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::{Directory, Output, assert_unchanged, elf, start_error};
use crate::support::{Gate, code_of, parked, release_error};
use ns_process::{Builder, Chroot, Container, Errno, Error, Payload, Step, release_at, release_by};
use ns_testbed::Leftovers;

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("write");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("chmod");
}

fn parts(error: &Error) -> (Step, Option<Errno>, Option<&str>, Option<&str>) {
    (error.step(), error.errno(), error.object(), error.hint())
}

/// Asserts that a release in each way fails as a start, and that nothing is left.
fn assert_fails_as_a_start<Kind>(builder: &mut Builder<Kind>) -> Error {
    builder.name("box");
    let expected = start_error(builder);
    let error = release_error(builder);
    assert_eq!(parts(&error), parts(&expected));
    assert_eq!(error.to_string(), expected.to_string());
    let before = Leftovers::snapshot();
    let error = parked(builder).release_with(&Payload::new()).expect_err("it must fail");
    assert_eq!(parts(&error), parts(&expected));
    // Another process knows neither the plan nor the root, so it has no hint.
    let gate = parked(builder).detach().expect("detach");
    let error = release_by(&gate).expect_err("it must fail");
    assert_eq!(parts(&error).0, parts(&expected).0, "{error}");
    assert_eq!(parts(&error).1, parts(&expected).1, "{error}");
    drop(gate);
    assert_unchanged(&before);
    expected
}

/// The same at a path. The builder cannot start plainly afterwards.
fn assert_fails_at_a_path<Kind>(builder: &mut Builder<Kind>, expected: &Error) {
    let gate = Gate::of(builder);
    let waiting = parked(builder);
    let error = release_at(gate.path()).expect_err("it must fail");
    assert_eq!((error.step(), error.errno()), (expected.step(), expected.errno()), "{error}");
    assert_eq!(code_of(waiting.process()), Some(125));
    let error = waiting.release().expect_err("it has ended");
    assert_eq!(error.step(), Step::Release, "{error}");
}

/// Step, errno, object, hint and text are those of a plain start, and nothing is left.
#[test]
fn f13_a_failed_release_is_the_error_of_a_start() {
    ns_testbed::run_as!([Root, User, Nested], {
        let directory = Directory::with("errors", &["subdirectory"]);
        let file = |name: &str| directory.join(name);
        write_program(&file("script"), "#!/no/such/interpreter\n");
        write_program(&file("text"), "exit 3\n");
        write_program(&file("empty"), "");
        fs::write(file("data"), "data").expect("write");
        write_program(&file("locked"), "#!/bin/sh\n");
        fs::set_permissions(file("locked"), fs::Permissions::from_mode(0o000)).expect("chmod");
        let cases = [
            ("no-such-program".into(), Errno::NOENT),
            ("/nope".into(), Errno::NOENT),
            ("./nope".into(), Errno::NOENT),
            ("/dev/null/x".into(), Errno::NOTDIR),
            ("/etc".into(), Errno::ACCESS),
            ("/dev/null".into(), Errno::ACCESS),
            (file("script"), Errno::NOENT),
            (file("text"), Errno::NOEXEC),
            (file("empty"), Errno::NOEXEC),
            (file("data"), Errno::ACCESS),
            (file("locked"), Errno::ACCESS),
            (file("subdirectory"), Errno::ACCESS),
            (file(&"x".repeat(300)), Errno::NAMETOOLONG),
        ];
        for (program, errno) in cases {
            let mut container = Container::new(&program);
            let error = assert_fails_as_a_start(&mut container);
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(errno)), "{error}");
            assert_fails_at_a_path(&mut container, &error);
        }
    });
}

/// The hint names the root in which the program is missing.
#[test]
fn f13_a_program_is_looked_up_in_its_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("root", &["bin"]);
        write_program(&root.join("bin/tool"), "#!/bin/sh\n");
        for program in ["/bin/none", "/bin/tool", "none", "./none", "tool"] {
            let mut chroot = Chroot::new(&*root, program);
            let error = assert_fails_as_a_start(chroot.map_zero().env("PATH", "/bin:/usr/bin"));
            assert_eq!(error.errno(), Some(Errno::NOENT), "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
    });
}

/// A program by its descriptor.
#[test]
fn f13_a_program_by_descriptor_fails_as_a_start() {
    ns_testbed::run_as!([Root, User], {
        let script = Output::new();
        write_program(Path::new(script.path()), "#!/bin/sh\n");
        let open = |path: &str| fs::File::open(path).expect("open");
        for file in
            [open(script.path()), open("/etc"), open("/etc/passwd"), elf::memory_file(b"no")]
        {
            let mut container = Container::new("name");
            container.program_fd(file);
            let error = assert_fails_as_a_start(&mut container);
            assert_eq!(error.step(), Step::Exec);
        }
    });
}

/// The search in `PATH` has the errno of execvp(3), which a start has, for each order of
/// directories. A directory that may not be searched does not end it.
#[test]
fn f13_the_search_in_path_is_that_of_a_start() {
    ns_testbed::run_as!([User], {
        let directory = Directory::with("search", &["locked", "file", "good"]);
        write_program(&directory.join("locked/tool"), "#!/bin/sh\nexit 9\n");
        write_program(&directory.join("good/tool"), "#!/bin/sh\nexit 9\n");
        fs::write(directory.join("file/tool"), "").expect("write");
        let mode = |bits| {
            let locked = fs::Permissions::from_mode(bits);
            fs::set_permissions(directory.join("locked"), locked).expect("chmod");
        };
        mode(0o600);
        let cases: [&[&str]; 8] = [
            &["locked", "good"],
            &["none", "locked"],
            &["locked", "none"],
            &["none", "none"],
            &["file", "locked", "none", "good"],
            &["file", "none"],
            &["file/tool/x", "none"],
            &["none", "file/tool/x"],
        ];
        for names in cases {
            let paths: Vec<_> =
                names.iter().map(|name| directory.join(name).display().to_string()).collect();
            let mut container = Container::new("tool");
            container.env("PATH", paths.join(":"));
            if names.last() == Some(&"good") {
                let process = parked(&container).release().expect("release");
                assert_eq!(code_of(&process), Some(9), "{names:?}");
            } else {
                let error = assert_fails_as_a_start(&mut container);
                assert_fails_at_a_path(&mut container, &error);
            }
        }
        mode(0o700);
    });
}

/// After a failed release by its handle the process is gone; the caller may start again.
#[test]
fn f20_a_failed_release_leaves_nothing() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("/nope");
        container.all().map_zero().mount_proc().init(ns_process::Init::builtin());
        for _ in 0..20 {
            let error = release_error(&container);
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
        }
    });
}
