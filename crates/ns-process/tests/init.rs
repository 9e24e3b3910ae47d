//! A program beside an init, which has id 1.

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use common::{eventually, shell};
use ns_process::{
    CloneFlags, Container, Errno, Init, Memory, Namespace, Process, Signal, Stdio, Step,
};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers};

/// A shell beside the built-in init, with a proc of its own.
fn beside(script: &str) -> Container {
    let mut container = shell(script);
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero();
    container.mount_proc().init(Init::builtin());
    container
}

/// The program begins when pid 1 is about to become an init, whose file is called so. Until then it has
/// the name of the thread that starts.
const INIT_IS_THERE: &str = "until grep -qx init /proc/1/comm; do :; done";
const CMDLINE: &str = "tr '\\0' ' ' < /proc/1/cmdline";

fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The ids of the processes that have `parent`, as the caller sees them.
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

/// The program is the second process, and the first one's only child.
#[test]
fn f08_the_program_is_not_pid_1() {
    ns_testbed::run_as!([Root, User, Nested], {
        let seen = printed(&beside(&format!("echo $$ $PPID; {INIT_IS_THERE}; {CMDLINE}")));
        assert_eq!(seen, "2 1\ninit 2 ");
    });
}

/// Whatever loses its parent is reaped.
#[test]
fn f09_orphans_are_reaped() {
    ns_testbed::run_as!([Root, User, Nested], {
        let orphans = "for i in $(seq 100); do (sh -c ':' & :) ; done";
        let zombies = "grep -l '^State:.*Z' /proc/[0-9]*/status 2>/dev/null | wc -l";
        let script = format!("{orphans}; sleep 1; {zombies}");
        assert_eq!(printed(&beside(&script)).trim(), "0");
        println!("shown: 100 orphans, 0 zombies a second later");
        // Without an init the program itself is their parent.
        let mut alone =
            shell(&format!("{orphans}; sleep 0.2; exec sh -c '{}'", zombies.replace('\'', "\"")));
        alone.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero().mount_proc();
        println!("shown: without an init {} zombies", printed(&alone).trim());
    });
}

/// The status is the program's own: a signal is told as a signal.
#[test]
fn f14_raw_status_through_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        let status = |script: &str| beside(script).status().expect("start");
        assert_eq!(status("kill -SEGV $$").signal(), Some(11));
        assert_eq!(status("kill -KILL $$").signal(), Some(9));
        assert_eq!(status("exit 139").code(), Some(139));
        assert_eq!(status("exit 0").code(), Some(0));
        assert_eq!(status("exit 255").code(), Some(255));
        let folder = std::env::temp_dir().join("core");
        fs::create_dir(&folder).expect("mkdir");
        let mut dumps = beside("ulimit -c $(ulimit -H -c); kill -QUIT $$");
        assert_eq!(dumps.workdir(&folder).status().expect("start").signal(), Some(3));
        fs::remove_dir_all(&folder).expect("remove");
        let process = beside("kill -TERM $$").start().expect("start");
        process.join().expect("join");
        assert_eq!(process.exit_code().expect("ask"), Some(-15));
    });
}

/// Terminating reaches the program, though the handle is that of pid 1.
#[test]
fn f08_terminate_is_passed_on() {
    ns_testbed::run_as!([Root, User, Nested], {
        let process = beside("exec sleep 1000").start().expect("start");
        process.terminate().expect("signal");
        assert_eq!(process.join().expect("join").signal(), Some(15));
        let mut caught = beside("trap 'exit 5' HUP; echo ready; while :; do sleep 0.01; done");
        let mut process = caught.stdout(Stdio::piped()).start().expect("start");
        wait_for_line(&mut process);
        process.signal(Signal::HUP).expect("signal");
        assert_eq!(process.join().expect("join").code(), Some(5));
        let begun = Instant::now();
        let mut deaf = beside("trap '' TERM; echo ready; while :; do sleep 0.01; done");
        let mut process = deaf.stdout(Stdio::piped()).start().expect("start");
        wait_for_line(&mut process);
        let ended = process.terminate_timeout(Duration::from_millis(200)).expect("join");
        assert_eq!(ended.signal(), Some(9));
        assert!(begun.elapsed() < LONG);
    });
}

fn wait_for_line(process: &mut Process) {
    use std::io::{BufRead, BufReader};
    let mut line = String::new();
    BufReader::new(process.take_stdout().expect("piped")).read_line(&mut line).expect("read");
}

/// A signal from within the namespace is passed on too.
#[test]
fn f08_from_within() {
    ns_testbed::run_as!([Root, User], {
        let script = "trap 'exit 6' USR1; kill -USR1 1; while :; do sleep 0.01; done";
        assert_eq!(beside(script).status().expect("start").code(), Some(6));
    });
}

/// Killed, the init takes all with it; stopped, it is no end, and goes on.
#[test]
fn f22_init_killed_and_stopped() {
    ns_testbed::run_as!([Root, User, Nested], {
        let process = beside("exec sleep 1000").start().expect("start");
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

/// When the program ends, everything in the namespace does.
#[test]
fn the_end_of_the_program_ends_all() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = beside("sleep 1000 & echo started; read line; exit 4");
        let mut process =
            container.stdin(Stdio::piped()).stdout(Stdio::piped()).start().expect("start");
        wait_for_line(&mut process);
        let program = children_of(process.pid());
        let sleeping = children_of(program[0]);
        assert_eq!(sleeping.len(), 1);
        drop(process.take_stdin());
        assert_eq!(process.join().expect("join").code(), Some(4));
        assert!(fs::metadata(format!("/proc/{}", sleeping[0])).is_err());
    });
}

/// The init keeps nothing of the caller's: neither memory nor files, directory or terminal.
#[test]
fn init_keeps_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        let ballast = vec![1_u8; 200 << 20];
        let mut container = beside("exec sleep 1000");
        let process = container.workdir("/usr").start().expect("start");
        eventually("pid 1 is an init", || field(process.pid(), "Name") == "init");
        let resident = field(process.pid(), "VmRSS");
        println!(
            "shown: pid 1 has {resident} resident, the caller {}",
            field(std::process::id(), "VmRSS")
        );
        let number: u32 = resident.trim_end_matches(" kB").parse().expect("a number");
        assert!(number < 64, "{resident}");
        drop(ballast);
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

/// The init is confined as the program is.
#[test]
fn init_is_confined_as_the_program() {
    ns_testbed::run_as!([Root, User], {
        let mut container = beside("exec sleep 1000");
        container.no_new_privs().seccomp([ns_process::BpfInstruction {
            code: 0x06,
            jt: 0,
            jf: 0,
            k: 0x7fff_0000,
        }]);
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

/// Whatever the root is, the init's is the same.
#[test]
fn init_has_the_new_root() {
    ns_testbed::run_as!([Root], {
        let root = std::env::temp_dir().join(format!("ns-process-init-{}", std::process::id()));
        fs::create_dir_all(&root).expect("mkdir");
        for by_chroot in [false, true] {
            let mut container = Container::new("sleep");
            container.arg("1000").namespaces([Namespace::Pid, Namespace::Mnt]).rootdir(&root);
            for folder in ["/usr", "/bin", "/lib", "/lib64"] {
                if std::path::Path::new(folder).exists() {
                    container.mount(ns_process::Mount::bind(folder, folder).recursive().create());
                }
            }
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
        fs::remove_dir_all(&root).expect("remove");
    });
}

/// A program that does not execute is told as without an init, and nothing is left.
#[test]
fn f12_errors_of_both() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let mut unknown = Container::new("no-such-program");
        unknown.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        let error = unknown.start().expect_err("unknown");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
        let mut workdir = beside("exit 0");
        let error = workdir.workdir("/no/such/folder").start().expect_err("unknown");
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
        let error = shell("").init(Init::builtin()).start().expect_err("no pid namespace");
        assert_eq!((error.step(), error.errno()), (Step::Check, None));
        assert_eq!(error.object(), Some("init: needs a new pid namespace"));
        let mut shares = shell("");
        shares.namespace(Namespace::Pid).flags(CloneFlags::FS).init(Init::builtin());
        let error = shares.start().expect_err("shared");
        assert_eq!(error.object(), Some("init: CLONE_FS would share the caller's with it"));
        for signal in [Signal::KILL, Signal::STOP] {
            let mut dies = beside("exit 0");
            dies.before_go(move |child| pidfd_send_signal(child, signal));
            let (step, limit) = match signal {
                Signal::KILL => (Step::Exec, LONG),
                _ => (Step::StartTimeout, Duration::from_millis(300)),
            };
            let error = dies.start_timeout(limit).start().expect_err("dies");
            assert_eq!(error.step(), step, "{error}");
        }
        common::assert_unchanged(&before);
    });
}

/// A filter that ends the program's process at its exec: it never executed, and the init does not either.
#[test]
fn f27_the_program_is_killed_before_exec() {
    ns_testbed::run_as!([Root, User], {
        use ns_process::BpfInstruction;
        let instruction = |code, jt, jf, k| BpfInstruction { code, jt, jf, k };
        let execve = u32::try_from(libc::SYS_execve).expect("a number");
        let filter = [
            instruction(0x20, 0, 0, 0),
            instruction(0x15, 0, 1, execve),
            instruction(0x06, 0, 0, 0x8000_0000),
            instruction(0x06, 0, 0, 0x7fff_0000),
        ];
        let before = Leftovers::snapshot();
        let mut dies = beside("exit 0");
        let error = dies.no_new_privs().seccomp(filter).start().expect_err("killed");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None));
        assert!(error.to_string().contains("signal 31"), "{error}");
        common::assert_unchanged(&before);
    });
}

/// An init that may not wait for signals waits for its children.
#[test]
fn b05_init_without_signals() {
    ns_testbed::run_as!([Root, User], {
        let code = ns_testbed::forked(|| {
            ns_testbed::refuse(libc::SYS_rt_sigtimedwait, Errno::PERM);
            let status = beside("(sh -c 'exit 3' &); sleep 0.1; kill -SEGV $$").status();
            i32::from(status.expect("start").signal() != Some(11))
        });
        assert_eq!(code, 0);
    });
}

/// With a file of its own, that of the library too; what cannot be executed is told before anything runs.
#[test]
fn init_by_path() {
    ns_testbed::run_as!([Root, User], {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join("own-init");
        fs::write(&path, Init::executable()).expect("write");
        let mut container = beside("kill -SEGV $$");
        container.init(Init::path(&path));
        let error = container.start().expect_err("not executable");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::ACCESS)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        assert_eq!(container.status().expect("start").signal(), Some(11));
        let is_there = INIT_IS_THERE.replace("init", "own-init");
        let seen = printed(beside(&format!("{is_there}; {CMDLINE}")).init(Init::path(&path)));
        assert_eq!(seen, "own-init 2 ");
        fs::write(&path, "nonsense").expect("write");
        let error = container.start().expect_err("no program");
        assert_eq!((error.step(), error.errno()), (Step::Init, Some(Errno::NOEXEC)));
        assert_eq!(error.object(), path.to_str());
        fs::remove_file(&path).expect("remove");
        let error = container.start().expect_err("missing");
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::NOENT)));
        // One that ends by itself, and says nothing.
        container.init(Init::path("/bin/true"));
        let error = container.status().expect_err("no status");
        assert_eq!((error.step(), error.errno()), (Step::Wait, None));
    });
}

/// In copied memory, in namespaces of others, with limits of time and ends of the caller's.
#[test]
fn init_with_everything_else() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut copied = beside("kill -SEGV $$");
        assert_eq!(copied.memory(Memory::Copied).status().expect("start").signal(), Some(11));
        let target = common::target::Target::in_all();
        let mut joined = shell("exit 7");
        joined.namespace(Namespace::Pid).init(Init::builtin());
        for kind in [Namespace::User, Namespace::Uts] {
            joined.namespace_file(kind, target.file(kind));
        }
        assert_eq!(joined.status().expect("start").code(), Some(7));
        let mut all = shell("exit 7");
        all.all().map_zero().mount_proc().init(Init::builtin()).die_with_parent();
        assert_eq!(all.start_timeout(LONG).status().expect("start").code(), Some(7));
        let mut dropped = beside("exec sleep 1000");
        let process = dropped.kill_on_drop(true).start().expect("start");
        let pid = process.pid();
        drop(process);
        eventually("killed and reaped", || ns_process::reap() == 0);
        assert!(fs::metadata(format!("/proc/{pid}")).is_err());
    });
}

/// The init gets the signal for the end of the starting thread, and passes it on.
#[test]
fn f05_init_dies_with_the_starting_thread() {
    ns_testbed::run_as!([Root, User], {
        let process = std::thread::spawn(|| {
            beside("exec sleep 1000").parent_death_signal(Signal::TERM).start().expect("start")
        });
        let process = process.join().expect("join");
        let status = process.join_timeout(LONG).expect("join").expect("it ended");
        assert_eq!(status.signal(), Some(15));
    });
}

/// A program that closes every descriptor closes the file of the init too; the next start makes another.
#[test]
fn a_closed_file_is_made_again() {
    ns_testbed::run_as!([User], {
        let code = ns_testbed::forked(|| {
            assert_eq!(beside("exit 7").status().expect("start").code(), Some(7));
            // SAFETY: nothing of this process uses a descriptor above 2.
            #[expect(unsafe_code, reason = "descriptors by number")]
            let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, 9999, 0) };
            assert_eq!(closed, 0);
            let taken: Vec<_> =
                (0..20).map(|_| fs::File::open("/bin/false").expect("open")).collect();
            assert_eq!(beside("exit 7").status().expect("start").code(), Some(7));
            drop(taken);
            0
        });
        assert_eq!(code, 0);
    });
}

/// The program runs before pid 1 has left the caller's memory, and cannot look into it.
#[test]
fn c16_the_program_does_not_see_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = fs::read_link("/proc/self/exe").expect("own program");
        let looks =
            "i=0; while [ $i -lt 20 ]; do cat /proc/1/maps; i=$((i+1)); done 2>/dev/null; true";
        for round in 0..50 {
            let seen = printed(&beside(looks));
            assert!(!seen.contains(own.to_str().expect("text")), "round {round}: {seen}");
        }
    });
}

/// The plan tells which of both does what.
#[test]
fn describe_tells_of_both() {
    let text = beside("exit 0").plan().expect("plan").describe().to_string();
    let place = |line: &str| text.find(line).unwrap_or_else(|| panic!("{line:?} in\n{text}"));
    let order =
        ["init: mount(", "init: clone3(", "init: wait4(", "init: execveat(", "child: execve("];
    assert!(order.map(place).is_sorted(), "{text}");
    assert!(!text.contains("child: mount("), "{text}");
}

/// A program that takes the execute bits of its init's file spoils no later start.
#[test]
fn f37_the_file_of_the_init_cannot_be_spoilt() {
    ns_testbed::run_as!([Root, User, Nested], {
        for script in ["chmod 000 /proc/1/exe", "chmod 444 /proc/1/exe", "true"] {
            let script = format!("{INIT_IS_THERE}; {script}");
            let output = beside(&script).output().expect("start");
            let refused = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || refused.contains("not permitted"), "{refused}");
            assert!(beside("true").status().expect("a later start").success(), "{script}");
        }
    });
}
