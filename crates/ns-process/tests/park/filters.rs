//! Seccomp filters of parked processes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Output, elf, filter, in_child, shell};
use crate::support::{Gate, code_of, parked};
use ns_process::{
    BpfInstruction, Container, Errno, Init, Namespace, Payload, Stdio, Step, release_at_timeout,
};
use ns_testbed::LONG;

/// The calls of every release.
const CALLS: [(&str, i64); 9] = [
    ("execveat", libc::SYS_execveat),
    ("recvmsg", libc::SYS_recvmsg),
    ("recvfrom", libc::SYS_recvfrom),
    ("mmap", libc::SYS_mmap),
    ("fcntl", libc::SYS_fcntl),
    ("prctl", libc::SYS_prctl),
    ("sendto", libc::SYS_sendto),
    ("exit_group", libc::SYS_exit_group),
    ("execve", libc::SYS_execve),
];

/// The calls of a release at a path.
const AT_PATH: [(&str, i64); 5] = [
    ("ppoll", libc::SYS_ppoll),
    ("accept4", libc::SYS_accept4),
    ("setsockopt", libc::SYS_setsockopt),
    ("shutdown", libc::SYS_shutdown),
    ("close", libc::SYS_close),
];

/// A filter with which only these calls do not fail with `EPERM`.
fn allowing(calls: &[(&str, i64)]) -> Vec<BpfInstruction> {
    let mut program = vec![filter::load(0)];
    for (index, (_, number)) in calls.iter().enumerate() {
        let to_end = u8::try_from(calls.len() - index).expect("few calls");
        program.push(filter::jump_if_equal(filter::number(*number), to_end, 0));
    }
    program.push(filter::action(filter::fail(Errno::PERM)));
    program.push(filter::action(libc::SECCOMP_RET_ALLOW));
    program
}

/// A static program at a path, which exits with 7 and makes no other call.
fn static_program() -> Output {
    let file = Output::new();
    fs::write(file.path(), elf::program()).expect("write");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
    file
}

/// A filter that forbids a call of the gate is refused before the start, and each call is named.
#[test]
fn f44_a_filter_without_a_call_of_the_gate_is_refused() {
    ns_testbed::run_as!([Root, User], {
        let assert_names = |container: &Container, name: &str| {
            let error = container.start_parked().expect_err(name);
            assert_eq!((error.step(), error.errno()), (Step::Check, None), "{error}");
            let message = format!("seccomp: forbids calls of a parked start: {name}");
            assert_eq!(error.object(), Some(&*message));
        };
        for action in [filter::fail(Errno::PERM), libc::SECCOMP_RET_KILL_PROCESS] {
            for (name, number) in CALLS {
                let mut container = shell("exit 3");
                container.no_new_privs().seccomp(filter::for_call(number, action));
                assert_names(&container, name);
            }
            for (name, number) in AT_PATH {
                let mut container = shell("exit 3");
                container.no_new_privs().seccomp(filter::for_call(number, action));
                // Without a path, these calls are not needed.
                drop(container.start_parked().expect(name));
                let _gate = Gate::of(&mut container);
                assert_names(&container, name);
            }
        }
        let mut container = shell("exit 3");
        container.no_new_privs().seccomp(allowing(&CALLS[..6]));
        assert_names(&container, "sendto, exit_group, execve");
    });
}

/// A filter that allows exactly the calls of the gate works, while others fail with `EPERM`.
#[test]
fn f44_a_filter_with_the_calls_of_the_gate_works() {
    ns_testbed::run_as!([Root, User], {
        let program = static_program();
        let mut container = Container::new(program.path());
        container.no_new_privs().seccomp(allowing(&CALLS));
        let waiting = parked(&container);
        waiting.lookup().expect("lookup");
        assert_eq!(code_of(&waiting.release().expect("release")), Some(7));
        // The changes of a payload need more calls: the error names them, and the process is not used.
        let mut payload = Payload::new();
        payload.stdout(Stdio::null());
        let error = parked(&container).release_with(&payload).expect_err("dup3 is forbidden");
        let refusal = Some("fd: the seccomp filter forbids dup3");
        assert_eq!((error.step(), error.object()), (Step::Check, refusal), "{error}");
        let mut payload = Payload::new();
        payload.workdir("/");
        let error = parked(&container).release_with(&payload).expect_err("chdir is forbidden");
        let refusal = Some("workdir: the seccomp filter forbids chdir");
        assert_eq!((error.step(), error.object()), (Step::Check, refusal), "{error}");
        // At a path.
        container.seccomp(allowing(&[&CALLS[..], &AT_PATH].concat()));
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        release_at_timeout(gate.path(), LONG).expect("release");
        assert_eq!(code_of(waiting.process()), Some(7));
    });
}

/// A program by descriptor needs no execve(2).
#[test]
fn f44_a_program_by_descriptor_needs_fewer_calls() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("name");
        container.no_new_privs().seccomp(allowing(&CALLS[..8]));
        let program = static_program();
        container.program_fd(fs::File::open(program.path()).expect("open"));
        assert_eq!(code_of(&parked(&container).release().expect("release")), Some(7));
    });
}

/// Under an init the filter applies to both processes, as in a plain start.
#[test]
fn f44_a_filter_applies_under_an_init() {
    ns_testbed::run_as!([Root, User], {
        let refusing = filter::for_call(libc::SYS_mkdir, filter::fail(Errno::XDEV));
        let mut container = shell("mkdir /tmp/ns-process-filtered 2> /dev/null; exit $((2 + $?))");
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        container.no_new_privs().seccomp(refusing).init(Init::builtin());
        let plain = container.status().expect("start").code();
        assert_eq!(plain, Some(3));
        assert_eq!(code_of(&parked(&container).release().expect("release")), plain);
    });
}

/// If memfds may not be executed, an unnamed file is used.
#[test]
fn f45_without_executable_memfds_an_unnamed_file_is_used() {
    ns_testbed::run_as!([Root], {
        // Each pid namespace has this sysctl.
        let mut closure = Container::from_fn(move || {
            fs::write("/proc/sys/vm/memfd_noexec", "2").expect("Linux 6.3");
            let waiting = parked(&shell("exit 3"));
            assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
            let mut container = shell("exit 4");
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            container.init(Init::builtin());
            assert_eq!(container.status().expect("start").code(), Some(4));
            assert_eq!(code_of(&parked(&container).release().expect("release")), Some(4));
            let left = fs::read_dir(std::env::temp_dir()).expect("list").count();
            assert_eq!(left, 0, "the files have no name");
            // Without a directory that permits programs, the error names the sysctl.
            let noexec = rustix::mount::MountFlags::NOEXEC;
            let none: Option<&std::ffi::CStr> = None;
            rustix::mount::mount("tmpfs", std::env::temp_dir(), "tmpfs", noexec, none)
                .expect("mount");
            for error in [shell("").start_parked().err(), container.start().err()] {
                let error = error.expect("no executable file");
                assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::ACCESS)));
                let hint = error.hint().unwrap_or_default();
                assert!(hint.contains("vm.memfd_noexec is 2, and TMPDIR is noexec"), "{error}");
            }
            let flags = rustix::mount::UnmountFlags::empty();
            rustix::mount::unmount(std::env::temp_dir(), flags).expect("unmount");
        });
        in_child(|| {
            let output = closure.namespace(Namespace::Pid).output().expect("start");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    });
}

/// A limit on the size of files does not end the caller by `SIGXFSZ`.
#[test]
fn f45_a_limit_on_the_size_of_files_is_a_typed_error() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            ns_sys::child::prlimit(ns_process::Resource::Fsize as u32, 0, 0).expect("prlimit");
            let mut container = shell("exit 3");
            let parked = container.start_parked().expect_err("no file can be written");
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            let init = container.init(Init::builtin()).start().expect_err("as above");
            for error in [parked, init] {
                let found = (error.step(), error.errno());
                assert_eq!(found, (Step::Prepare, Some(Errno::FBIG)), "{error}");
                assert!(error.to_string().contains("RLIMIT_FSIZE"), "{error}");
            }
        });
        // A limit of the program only does not matter.
        let mut container = shell("exit 3");
        container.rlimit(ns_process::Resource::Fsize, 0, 0);
        assert_eq!(code_of(&parked(&container).release().expect("release")), Some(3));
    });
}
