//! Programs under an init, which is process 1.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::common::target::{Target, sleep};
use crate::common::{
    Directory, assert_refused, assert_unchanged, eventually, filter, in_child, mount_host_programs,
    printed, reap_all, shell,
};
use ns_process::{
    CloneFlags, Container, Errno, Init, Memory, Namespace, Process, Signal, Stdio, Step,
};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers};

/// A shell under the built-in init, with a new proc.
fn under_init(script: &str) -> Container {
    let mut container = shell(script);
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero();
    container.mount_proc().init(Init::builtin());
    container
}

/// Waits until process 1 has executed the init. The program may begin earlier.
const AWAIT_INIT: &str = "until grep -qx init /proc/1/comm; do :; done";
const CMDLINE: &str = "tr '\\0' ' ' < /proc/1/cmdline";

/// The process IDs of the children of `parent`, in the pid namespace of the caller.
fn children_of(parent: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    text.map_or_else(
        |_| Vec::new(),
        |text| text.split_whitespace().map(|pid| pid.parse().expect("a number")).collect(),
    )
}

fn field(pid: u32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("read");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the field");
    line.trim_start_matches(':').trim().to_owned()
}

/// The program is process 2, and its parent is process 1.
#[test]
fn f08_the_program_is_not_process_1() {
    ns_testbed::run_as!([Root, User, Nested], {
        let output = printed(&under_init(&format!("echo $$ $PPID; {AWAIT_INIT}; {CMDLINE}")));
        assert_eq!(output, "2 1\ninit 2 ");
    });
}

/// The init reaps orphans.
#[test]
fn f09_orphans_are_reaped() {
    ns_testbed::run_as!([Root, User, Nested], {
        let orphans = "for i in $(seq 100); do (sh -c ':' & :) ; done";
        let zombies = "grep -l '^State:.*Z' /proc/[0-9]*/status 2>/dev/null | wc -l";
        let script = format!("{orphans}; sleep 1; {zombies}");
        assert_eq!(printed(&under_init(&script)).trim(), "0");
        println!("shown: 100 orphans, 0 zombies a second later");
        // Without an init the program is their parent.
        let mut without_init =
            shell(&format!("{orphans}; sleep 0.2; exec sh -c '{}'", zombies.replace('\'', "\"")));
        without_init
            .namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt])
            .map_zero()
            .mount_proc();
        println!("shown: without an init {} zombies", printed(&without_init).trim());
    });
}

/// The status is that of the program: termination by a signal is reported as a signal.
#[test]
fn f14_the_init_passes_the_status_on() {
    ns_testbed::run_as!([Root, User, Nested], {
        let status = |script: &str| under_init(script).status().expect("start");
        assert_eq!(status("kill -SEGV $$").signal(), Some(11));
        assert_eq!(status("kill -KILL $$").signal(), Some(9));
        assert_eq!(status("exit 139").code(), Some(139));
        assert_eq!(status("exit 0").code(), Some(0));
        assert_eq!(status("exit 255").code(), Some(255));
        let directory = Directory::new("core");
        let mut dumps = under_init("ulimit -c $(ulimit -H -c); kill -QUIT $$");
        assert_eq!(dumps.workdir(&*directory).status().expect("start").signal(), Some(3));
        let process = under_init("kill -TERM $$").start().expect("start");
        process.join().expect("join");
        assert_eq!(process.exit_code().expect("exit_code"), Some(-15));
    });
}

/// A signal through the handle, which refers to process 1, reaches the program.
#[test]
fn f08_signals_are_forwarded_to_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let process = under_init("exec sleep 1000").start().expect("start");
        process.terminate().expect("signal");
        assert_eq!(process.join().expect("join").signal(), Some(15));
        let mut caught = under_init("trap 'exit 5' HUP; echo ready; while :; do sleep 0.01; done");
        let mut process = caught.stdout(Stdio::piped()).start().expect("start");
        read_line(&mut process);
        process.signal(Signal::HUP).expect("signal");
        assert_eq!(process.join().expect("join").code(), Some(5));
        let begin = Instant::now();
        let mut ignores = under_init("trap '' TERM; echo ready; while :; do sleep 0.01; done");
        let mut process = ignores.stdout(Stdio::piped()).start().expect("start");
        read_line(&mut process);
        let ended = process.terminate_timeout(Duration::from_millis(200)).expect("join");
        assert_eq!(ended.signal(), Some(9));
        assert!(begin.elapsed() < LONG);
    });
}

fn read_line(process: &mut Process) {
    use std::io::{BufRead, BufReader};
    let mut line = String::new();
    BufReader::new(process.take_stdout().expect("piped")).read_line(&mut line).expect("read");
}

/// A signal from within the namespace is forwarded, too.
#[test]
fn f08_signals_from_within_are_forwarded() {
    ns_testbed::run_as!([Root, User], {
        let script = "trap 'exit 6' USR1; kill -USR1 1; while :; do sleep 0.01; done";
        assert_eq!(under_init(script).status().expect("start").code(), Some(6));
    });
}

/// If the init is stopped, join does not return. If it is killed, every process of the namespace is.
#[test]
fn f22_an_init_is_stopped_and_killed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let process = under_init("exec sleep 1000").start().expect("start");
        let program = children_of(process.pid());
        process.signal(Signal::STOP).expect("signal");
        assert_eq!(process.join_timeout(Duration::from_millis(100)).expect("join"), None);
        process.signal(Signal::CONT).expect("signal");
        assert_eq!(process.join_timeout(Duration::from_millis(100)).expect("join"), None);
        process.kill().expect("kill");
        assert_eq!(process.join().expect("join").signal(), Some(9));
        assert!(fs::metadata(format!("/proc/{}", program[0])).is_err());
    });
}

/// When the program exits, every process of the namespace is killed.
#[test]
fn the_exit_of_the_program_kills_the_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = under_init("sleep 1000 & echo started; read line; exit 4");
        let mut process =
            container.stdin(Stdio::piped()).stdout(Stdio::piped()).start().expect("start");
        read_line(&mut process);
        let program = children_of(process.pid());
        let sleeping = children_of(program[0]);
        assert_eq!(sleeping.len(), 1);
        drop(process.take_stdin());
        assert_eq!(process.join().expect("join").code(), Some(4));
        assert!(fs::metadata(format!("/proc/{}", sleeping[0])).is_err());
    });
}

/// The init keeps neither memory nor descriptors, working directory or session of the caller.
#[test]
fn an_init_keeps_nothing_of_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let memory = vec![1_u8; 200 << 20];
        let mut container = under_init("exec sleep 1000");
        let process = container.workdir("/usr").start().expect("start");
        eventually("process 1 is an init", || field(process.pid(), "Name") == "init");
        let resident = field(process.pid(), "VmRSS");
        println!(
            "shown: process 1 has {resident} resident, the caller {}",
            field(std::process::id(), "VmRSS")
        );
        let number: u32 = resident.trim_end_matches(" kB").parse().expect("a number");
        assert!(number < 64, "{resident}");
        drop(memory);
        if rustix::process::geteuid().is_root() {
            let pid = process.pid();
            let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("list");
            let files: Vec<_> = files.map(|file| file.expect("an entry").file_name()).collect();
            assert_eq!(files, ["3"]);
            let directory = fs::read_link(format!("/proc/{pid}/cwd")).expect("read");
            assert_eq!(directory.to_str(), Some("/"));
        }
        let (own, program) = (field(process.pid(), "NSsid"), children_of(process.pid())[0]);
        assert_ne!(own, field(program, "NSsid"));
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// The init has the same privileges and limits as the program.
#[test]
fn an_init_is_confined_as_the_program() {
    ns_testbed::run_as!([Root, User], {
        let mut container = under_init("exec sleep 1000");
        container.no_new_privs().seccomp(filter::allow_all());
        container.drop_capabilities(ns_process::CapabilitySet::SYS_ADMIN);
        container.rlimit(ns_process::Resource::Nofile, 50, 60);
        let process = container.start().expect("start");
        let (init, program) = (process.pid(), children_of(process.pid())[0]);
        for name in ["Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp"]
        {
            assert_eq!(field(init, name), field(program, name), "{name}");
        }
        assert_eq!(field(init, "Seccomp"), "2");
        let limits = |pid: u32| fs::read_to_string(format!("/proc/{pid}/limits")).expect("read");
        assert_eq!(limits(init), limits(program));
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// The init has the root of the program.
#[test]
fn an_init_has_the_new_root() {
    ns_testbed::run_as!([Root], {
        let root = Directory::new("init");
        for by_chroot in [false, true] {
            let mut container = sleep();
            container.namespaces([Namespace::Pid, Namespace::Mnt]).rootdir(&*root);
            mount_host_programs(&mut container);
            if by_chroot {
                container.by_chroot();
            }
            let process = container.init(Init::builtin()).start().expect("start");
            let program = children_of(process.pid())[0];
            let root_of = |pid: u32| {
                use std::os::unix::fs::MetadataExt;
                let root = fs::metadata(format!("/proc/{pid}/root")).expect("stat");
                (root.dev(), root.ino())
            };
            assert_eq!(root_of(process.pid()), root_of(program), "by_chroot {by_chroot}");
            assert_ne!(root_of(program), root_of(std::process::id()));
            process.kill().expect("kill");
            process.join().expect("join");
        }
    });
}

/// A failed start is reported as without an init, and nothing is left.
#[test]
fn f12_errors_are_the_same_under_an_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let mut unknown = Container::new("no-such-program");
        unknown.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        let error = unknown.start().expect_err("no such file");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
        let mut workdir = under_init("exit 0");
        let error = workdir.workdir("/no/such/directory").start().expect_err("no such file");
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
        assert_refused(shell("").init(Init::builtin()), "init: needs a new pid namespace");
        let mut shares = shell("");
        shares.namespace(Namespace::Pid).flags(CloneFlags::FS).init(Init::builtin());
        assert_refused(
            &shares,
            "init: CLONE_FS would make the init share the caller's root and working directory",
        );
        for signal in [Signal::KILL, Signal::STOP] {
            let mut dies = under_init("exit 0");
            dies.before_go(move |child| pidfd_send_signal(child, signal));
            let (step, limit) = match signal {
                Signal::KILL => (Step::Exec, LONG),
                _ => (Step::StartTimeout, Duration::from_millis(300)),
            };
            let error = dies.start_timeout(limit).start().expect_err("dies");
            assert_eq!(error.step(), step, "{error}");
        }
        assert_unchanged(&before);
    });
}

/// If a filter kills the program at its exec, the start reports the signal.
#[test]
fn f27_a_program_killed_at_exec_under_an_init_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        let filter = filter::for_call(libc::SYS_execve, libc::SECCOMP_RET_KILL_PROCESS);
        let before = Leftovers::snapshot();
        let mut dies = under_init("exit 0");
        let error = dies.no_new_privs().seccomp(filter).start().expect_err("killed");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None));
        assert!(error.to_string().contains("signal 31"), "{error}");
        assert_unchanged(&before);
    });
}

/// An init that may not wait for signals still waits for its children.
#[test]
fn b05_an_init_without_sigtimedwait() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            ns_testbed::refuse(libc::SYS_rt_sigtimedwait, Errno::PERM);
            let status = under_init("(sh -c 'exit 3' &); sleep 0.1; kill -SEGV $$").status();
            assert_eq!(status.expect("start").signal(), Some(11));
        });
    });
}

/// An init is given by its path. If it cannot be executed, the start fails before the program runs.
#[test]
fn an_init_is_given_by_its_path() {
    ns_testbed::run_as!([Root, User], {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join("own-init");
        fs::write(&path, Init::executable()).expect("write");
        let mut container = under_init("kill -SEGV $$");
        container.init(Init::path(&path));
        let error = container.start().expect_err("not executable");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::ACCESS)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        assert_eq!(container.status().expect("start").signal(), Some(11));
        let await_init = AWAIT_INIT.replace("init", "own-init");
        let output =
            printed(under_init(&format!("{await_init}; {CMDLINE}")).init(Init::path(&path)));
        assert_eq!(output, "own-init 2 ");
        fs::write(&path, "no program").expect("write");
        let error = container.start().expect_err("no program");
        assert_eq!((error.step(), error.errno()), (Step::Init, Some(Errno::NOEXEC)));
        assert_eq!(error.object(), path.to_str());
        fs::remove_file(&path).expect("remove");
        let error = container.start().expect_err("missing");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::NOENT)));
        // A program that exits without a report.
        container.init(Init::path("/bin/true"));
        let error = container.status().expect_err("no status");
        assert_eq!((error.step(), error.errno()), (Step::Wait, None));
    });
}

/// An init works with copied memory, joined namespaces, timeouts, `die_with_parent` and `kill_on_drop`.
#[test]
fn an_init_works_with_other_settings() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut copied = under_init("kill -SEGV $$");
        assert_eq!(copied.memory(Memory::Copied).status().expect("start").signal(), Some(11));
        let target = Target::in_all();
        let mut joined = shell("exit 7");
        joined.namespace(Namespace::Pid).init(Init::builtin());
        for kind in [Namespace::User, Namespace::Uts] {
            joined.namespace_file(kind, target.file(kind));
        }
        assert_eq!(joined.status().expect("start").code(), Some(7));
        let mut all = shell("exit 7");
        all.all().map_zero().mount_proc().init(Init::builtin()).die_with_parent();
        assert_eq!(all.start_timeout(LONG).status().expect("start").code(), Some(7));
        let mut dropped = under_init("exec sleep 1000");
        let process = dropped.kill_on_drop(true).start().expect("start");
        let pid = process.pid();
        drop(process);
        reap_all();
        assert!(fs::metadata(format!("/proc/{pid}")).is_err());
    });
}

/// The init receives the signal for the exit of the starting thread, and forwards it.
#[test]
fn f05_init_dies_with_the_starting_thread() {
    ns_testbed::run_as!([Root, User], {
        let process = std::thread::spawn(|| {
            under_init("exec sleep 1000").parent_death_signal(Signal::TERM).start().expect("start")
        });
        let process = process.join().expect("join");
        let status = process.join_timeout(LONG).expect("join").expect("it exited");
        assert_eq!(status.signal(), Some(15));
    });
}

/// If the caller closes every descriptor, the file of the init among them, the next start makes a new file.
#[test]
fn a_closed_init_file_is_made_again() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            assert_eq!(under_init("exit 7").status().expect("start").code(), Some(7));
            // SAFETY: this process uses no descriptor above 2.
            #[expect(unsafe_code, reason = "descriptors by number")]
            let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, 9999, 0) };
            assert_eq!(closed, 0);
            let taken: Vec<_> =
                (0..20).map(|_| fs::File::open("/bin/false").expect("open")).collect();
            assert_eq!(under_init("exit 7").status().expect("start").code(), Some(7));
            drop(taken);
        });
    });
}

/// The program may run before process 1 executes the init, and cannot read the memory of the caller through it.
#[test]
fn c16_the_program_cannot_read_the_caller_through_its_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = fs::read_link("/proc/self/exe").expect("the link of this process");
        let reads_maps =
            "i=0; while [ $i -lt 20 ]; do cat /proc/1/maps; i=$((i+1)); done 2>/dev/null; true";
        for round in 0..50 {
            let maps = printed(&under_init(reads_maps));
            assert!(!maps.contains(own.to_str().expect("text")), "round {round}: {maps}");
        }
    });
}

/// The plan shows which calls the init and the child make.
#[test]
fn a_plan_shows_the_calls_of_init_and_child() {
    let text = under_init("exit 0").plan().expect("plan").describe().to_string();
    let position = |line: &str| text.find(line).unwrap_or_else(|| panic!("{line:?} in\n{text}"));
    let order =
        ["init: mount(", "init: clone3(", "init: wait4(", "init: execveat(", "child: execve("];
    assert!(order.map(position).is_sorted(), "{text}");
    assert!(!text.contains("child: mount("), "{text}");
}

/// A program that removes the execute permission of its init file does not break later starts.
#[test]
fn f37_a_program_cannot_break_the_init_file() {
    ns_testbed::run_as!([Root, User, Nested], {
        for script in ["chmod 000 /proc/1/exe", "chmod 444 /proc/1/exe", "true"] {
            let script = format!("{AWAIT_INIT}; {script}");
            let output = under_init(&script).output().expect("start");
            let refused = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || refused.contains("not permitted"), "{refused}");
            assert!(under_init("true").status().expect("a later start").success(), "{script}");
        }
    });
}
