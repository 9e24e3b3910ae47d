//! Whether a parked process finds its program, before its release.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::{Directory, Output, shell, start_error};
use crate::support::{Gate, code_of, parked};
use ns_process::{Builder, Chroot, Container, Errno, Init, Namespace, Step, release_at_timeout};
use ns_testbed::LONG;

fn write_program(path: impl AsRef<Path>, text: &str) {
    fs::write(&path, text).expect("write");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("chmod");
}

/// Asserts that the lookup and the release have the error of a plain start.
fn assert_as_a_start<Kind>(builder: &mut Builder<Kind>, errno: Errno) {
    builder.name("box");
    let expected = start_error(builder);
    assert_eq!((expected.step(), expected.errno()), (Step::Exec, Some(errno)), "{expected}");
    let waiting = parked(builder);
    for _ in 0..2 {
        let error = waiting.lookup().expect_err("it cannot be executed");
        assert_eq!(error.to_string(), expected.to_string());
    }
    let error = waiting.release().expect_err("it cannot be executed");
    assert_eq!(error.to_string(), expected.to_string());
}

/// A program that can be executed is found in each way, and the process is still released.
#[test]
fn f13_the_lookup_finds_a_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = Output::new();
        write_program(script.path(), "#!/bin/sh\nexit 3\n");
        let mut by_name = Container::new("sh");
        by_name.args(["-c", "exit 3"]);
        let mut by_fd = Container::new("name");
        by_fd.args(["-c", "exit 3"]).program_fd(fs::File::open("/bin/sh").expect("open"));
        let mut in_root = Chroot::new("/", script.path());
        in_root.map_zero();
        let mut under_init = shell("exit 3");
        under_init.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        for container in [by_name, by_fd, Container::new(script.path()), under_init] {
            let waiting = parked(&container);
            for _ in 0..3 {
                waiting.lookup().expect("it is there");
            }
            assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
        }
        let waiting = parked(&in_root);
        waiting.lookup().expect("it is there");
        assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
    });
}

/// The errors of a lookup are those of a start.
#[test]
fn f13_the_lookup_has_the_error_of_a_start() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::with("lookup", &["a", "b", "c"]);
        fs::write(directory.join("a/tool"), "#!/bin/sh\n").expect("write");
        write_program(directory.join("script"), "#!/no/such/interpreter\n");
        write_program(directory.join("text"), "some text");
        for (program, errno) in [
            (Path::new("/nope"), Errno::NOENT),
            (Path::new("no-such-program"), Errno::NOENT),
            (Path::new("/etc"), Errno::ACCESS),
            (&directory.join("a/tool"), Errno::ACCESS),
        ] {
            assert_as_a_start(&mut Container::new(program), errno);
        }
        let mut search = Container::new("tool");
        let path = ["b", "a", "c"].map(|name| directory.join(name).display().to_string());
        assert_as_a_start(search.env("PATH", path.join(":")), Errno::ACCESS);
        // The format of the file is checked since Linux 6.14; the interpreter only by the release.
        let waiting = parked(&Container::new(directory.join("text")));
        match waiting.lookup() {
            Ok(()) => println!("shown: the kernel does not check the format"),
            Err(error) => assert_eq!(error.errno(), Some(Errno::NOEXEC), "{error}"),
        }
        waiting.release().expect_err("no program");
        let waiting = parked(&Container::new(directory.join("script")));
        if let Err(error) = waiting.lookup() {
            assert_eq!(error.errno(), Some(Errno::NOENT), "{error}");
        }
        waiting.release().expect_err("no interpreter");
    });
}

/// A program that appears after parking is found, and one that disappears is missed.
#[test]
fn f13_the_lookup_sees_the_present_files() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::with("appears", &["first", "second"]);
        let mut container = Container::new("tool");
        let path = ["first", "second"].map(|name| directory.join(name).display().to_string());
        container.env("PATH", path.join(":"));
        let waiting = parked(&container);
        assert_eq!(waiting.lookup().expect_err("missing").errno(), Some(Errno::NOENT));
        write_program(directory.join("second/tool"), "#!/bin/sh\nexit 2\n");
        waiting.lookup().expect("it has appeared");
        write_program(directory.join("first/tool"), "#!/bin/sh\nexit 1\n");
        assert_eq!(code_of(&waiting.release().expect("release")), Some(1));
        let waiting = parked(&container);
        waiting.lookup().expect("it is there");
        fs::remove_dir_all(directory.join("first")).expect("remove");
        fs::remove_dir_all(directory.join("second")).expect("remove");
        assert_eq!(waiting.lookup().expect_err("removed").errno(), Some(Errno::NOENT));
        assert_eq!(waiting.release().expect_err("removed").errno(), Some(Errno::NOENT));
    });
}

/// At a path the lookup is made at the start, before the process listens.
#[test]
fn f13_the_lookup_at_a_path_is_that_of_the_start() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("path");
        let program = directory.join("tool");
        let mut container = Container::new(&program);
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        write_program(&program, "#!/bin/sh\nexit 4\n");
        for _ in 0..2 {
            let error = waiting.lookup().expect_err("missing at the start");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
        }
        release_at_timeout(gate.path(), LONG).expect("it is there now");
        assert_eq!(code_of(waiting.process()), Some(4));
        waiting.lookup().expect_err("the result of the start");
        let mut container = Container::new(&program);
        let _gate = Gate::of(&mut container);
        parked(&container).lookup().expect("it is there");
    });
}

/// A process that has ended finds nothing.
#[test]
fn f27_the_lookup_of_a_killed_process_is_an_error() {
    ns_testbed::run_as!([User], {
        let waiting = parked(&shell("exit 3"));
        waiting.process().kill().expect("kill");
        let error = waiting.lookup().expect_err("killed");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
        waiting.process().join().expect("join");
        waiting.lookup().expect_err("killed");
    });
}
