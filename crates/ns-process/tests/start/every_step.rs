//! Each step of a start fails in one case, and the error names it. A step without a case fails the test.
#![allow(unsafe_code, reason = "a caller without capabilities")]

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::common::receiver::Receiver;
use crate::common::target::Target;
use crate::common::{Directory, assert_unchanged, filter};
use ns_process::{
    BpfInstruction, CapabilitySet, Chroot, Clock, Container, Errno, Error, Init, Inject,
    IoPriority, Mount, Namespace, Personality, Propagation, Resource, Scheduler, Side, Stdio, Step,
};
use ns_sys::pidfd_send_signal;
use ns_testbed::{Leftovers, forked, refuse};

/// Makes a system call fail from now on, for steps that do not fail by invalid input.
fn forbid(number: i64) {
    refuse(number, Errno::XDEV);
}

fn mapped() -> Container {
    let mut container = Container::new("true");
    container.namespaces([Namespace::User, Namespace::Mnt, Namespace::Uts]).map_zero();
    container
}

fn rooted(root: &Path) -> Chroot {
    let mut chroot = Chroot::new(root, "true");
    chroot.map_zero();
    chroot
}

/// Makes `step` fail; `None` for steps that other tests cover.
#[expect(clippy::too_many_lines, reason = "a list with one case for each step")]
fn failure(step: Step, root: &Path) -> Option<Error> {
    let mut plain = Container::new("true");
    let mut namespaces = mapped();
    let missing = root.join("missing");
    let failed = match step {
        Step::Check => plain.nice(99).start(),
        Step::Prepare => plain.stdin(Stdio::path(&missing)).start(),
        Step::Clone => {
            forbid(libc::SYS_clone3);
            plain.start()
        }
        Step::UidMap => plain.namespace(Namespace::User).uid_map("0 1 1".parse().ok()?).start(),
        Step::GidMap => plain.namespace(Namespace::User).gid_map("0 1 1".parse().ok()?).start(),
        Step::TimeOffsets => {
            namespaces.namespace(Namespace::Time).time_offset(Clock::Boottime, i64::MAX, 0).start()
        }
        Step::BeforeGo => plain.before_go(|_| Err::<(), _>("no")).start(),
        Step::BeforePivot => rooted(root).before_pivot(|_| Err::<(), _>("no")).start(),
        Step::StartTimeout => {
            plain.before_go(|child| pidfd_send_signal(child, ns_process::Signal::STOP));
            plain.start_timeout(Duration::from_millis(20)).start()
        }
        Step::TargetGone => {
            let ended = plain.start().ok()?;
            ended.join().ok()?;
            Inject::new(&ended, "true").start()
        }
        Step::Join => {
            let target = Target::in_all();
            forbid(libc::SYS_setns);
            Inject::new(&*target, "true").start()
        }
        Step::MultiThreaded => {
            let (sender, receiver) = std::sync::mpsc::channel::<()>();
            let thread = std::thread::spawn(move || receiver.recv().is_err());
            let error = Container::from_fn(|| ()).start();
            drop(sender);
            thread.join().ok()?;
            error
        }
        Step::TimeNamespace => {
            forbid(libc::SYS_unshare);
            // SAFETY: the hook does nothing.
            unsafe { plain.preup(|_| ()) };
            plain.namespaces([Namespace::User, Namespace::Pid, Namespace::Time]).start()
        }
        Step::Preup | Step::Postup | Step::Preexec => start_with_hook(step),
        Step::MemoryLock => {
            // The file of the record locks is made by an earlier start.
            plain.namespace(Namespace::User).map_zero().status().ok()?;
            forbid(libc::SYS_fcntl);
            plain.start()
        }
        Step::NoCore => {
            ns_sys::child::prlimit(Resource::Core as u32, 0, 4096).ok()?;
            // The plan reads the limit; only the call of the child is refused.
            plain.before_go(|_| ());
            return no_core(&plain);
        }
        Step::BecomeZero => {
            forbid(libc::SYS_setresuid);
            let map = "0 100000 1";
            plain.namespace(Namespace::User).uid_map(map.parse().ok()?).start()
        }
        Step::ExecLabel => plain.exec_label("unknown").start(),
        Step::Session => {
            forbid(libc::SYS_setsid);
            plain.new_session(true).start()
        }
        Step::ProcessGroup => plain.process_group(999_999).start(),
        Step::Terminal => plain.terminal(File::open("/dev/null").ok()?).start(),
        Step::Propagation => {
            forbid(libc::SYS_mount);
            namespaces.propagation(Propagation::Slave).start()
        }
        Step::OpenRoot => Chroot::new(&missing, "true").start(),
        Step::MountTarget => namespaces.mount(Mount::tmpfs(&missing)).start(),
        Step::MountSource => namespaces.mount(Mount::bind(&missing, "/tmp")).start(),
        Step::Mount => namespaces.mount(Mount::tmpfs("/tmp").data("invalid=1")).start(),
        Step::ReadOnlyRoot => {
            forbid(libc::SYS_mount_setattr);
            rooted(root).read_only_root().start()
        }
        Step::PivotRoot => {
            forbid(libc::SYS_pivot_root);
            rooted(root).start()
        }
        Step::DetachOldRoot => {
            forbid(libc::SYS_umount2);
            rooted(root).start()
        }
        Step::Chroot => {
            forbid(libc::SYS_chroot);
            rooted(root).by_chroot().start()
        }
        Step::Workdir => plain.workdir(&missing).start(),
        Step::Console => {
            let (_receiver, socket) = Receiver::new();
            namespaces.mount(Mount::tmpfs("/dev")).console(socket).start()
        }
        Step::MountConsole => {
            let (_receiver, socket) = Receiver::new();
            forbid(libc::SYS_open_tree);
            namespaces.mount(Mount::devpts("/dev/pts")).console(socket).mount_console().start()
        }
        Step::SendConsole => {
            let (_, socket) = Receiver::new();
            namespaces.mount(Mount::devpts("/dev/pts")).console(socket).start()
        }
        Step::PlaceFd => {
            ns_sys::child::prlimit(Resource::Nofile as u32, 64, 64).ok()?;
            plain.fd(100, Stdio::null()).start()
        }
        Step::Hostname => {
            forbid(libc::SYS_sethostname);
            namespaces.hostname("x").start()
        }
        Step::Domainname => {
            forbid(libc::SYS_setdomainname);
            namespaces.domainname("x").start()
        }
        Step::Loopback => {
            forbid(libc::SYS_socket);
            namespaces.namespace(Namespace::Net).loopback().start()
        }
        Step::Rlimit => {
            ns_sys::child::prlimit(Resource::Nofile as u32, 64, 64).ok()?;
            ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
            plain.rlimit(Resource::Nofile, 65, 65).start()
        }
        Step::Nice => {
            forbid(libc::SYS_setpriority);
            plain.nice(1).start()
        }
        Step::OomScoreAdj => plain.proc(&missing).oom_score_adj(5).start(),
        Step::Scheduler => {
            forbid(libc::SYS_sched_setattr);
            plain.scheduler(Scheduler::batch()).start()
        }
        Step::IoPriority => {
            forbid(libc::SYS_ioprio_set);
            plain.io_priority(IoPriority::idle()).start()
        }
        Step::Affinity => plain.affinity([60_000]).start(),
        Step::Personality => {
            forbid(libc::SYS_personality);
            plain.personality(Personality::ADDR_NO_RANDOMIZE).start()
        }
        Step::CgroupTasks => {
            let full = File::options().write(true).open("/dev/full").expect("open");
            plain.cgroup_tasks(full).start()
        }
        Step::Sysctl => namespaces.namespace(Namespace::Net).sysctl("net.ipv4.none", "1").start(),
        Step::SessionKeyring => {
            forbid(libc::SYS_keyctl);
            plain.new_session_keyring(None).start()
        }
        Step::Groups => {
            ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
            plain.groups([5]).start()
        }
        Step::Gid => {
            ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
            plain.gid(5).start()
        }
        Step::Uid => {
            ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
            plain.uid(5).start()
        }
        Step::NoNewPrivs | Step::DieWithParent => {
            ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
            forbid(libc::SYS_prctl);
            match step {
                Step::NoNewPrivs => plain.no_new_privs().start(),
                _ => plain.die_with_parent().start(),
            }
        }
        Step::CloseRest => {
            forbid(libc::SYS_close_range);
            plain.start()
        }
        Step::Capabilities => {
            forbid(libc::SYS_capset);
            namespaces.drop_capabilities(CapabilitySet::SYS_BOOT).start()
        }
        Step::SignalMask => {
            forbid(libc::SYS_rt_sigprocmask);
            plain.start()
        }
        Step::CoreLimit => {
            ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
            ns_sys::child::prlimit(Resource::Core as u32, 0, 0).ok()?;
            plain.rlimit(Resource::Core, 5, 5).start()
        }
        Step::Seccomp => {
            let invalid = BpfInstruction { code: 0xffff, jt: 0, jf: 0, k: 0 };
            plain.no_new_privs().seccomp([invalid]).start()
        }
        Step::SendListener => {
            let (_, socket) = Receiver::new();
            plain.no_new_privs().seccomp(filter::allow_all()).seccomp_listener(socket).start()
        }
        Step::Init => {
            forbid(libc::SYS_execveat);
            plain.namespace(Namespace::Pid).init(Init::builtin()).start()
        }
        Step::Exec => Container::new("/nope").start(),
        Step::Release => {
            let gate = plain.start_parked().ok()?.detach().ok()?;
            ns_process::release_by(&gate).ok()?;
            return ns_process::release_by(&gate).err();
        }
        Step::FollowRoot => {
            let target = Target::in_all();
            forbid(libc::SYS_chroot);
            Inject::new(&*target, "true").follow_root().start()
        }
        Step::Bind => return ns_process::unbind_namespace(&missing).err(),
        Step::Wait | Step::Signal | Step::Output | Step::List | Step::Cgroup => return None,
        unknown => panic!("{unknown:?} has no case in which it fails"),
    };
    Some(failed.expect_err(step.name()))
}

fn start_with_hook(step: Step) -> Result<ns_process::Process, Error> {
    let mut container = Container::new("true");
    let hook = |_: &ns_process::HookContext| Err::<(), _>("no");
    match step {
        // SAFETY: the hook makes no call.
        Step::Preup => unsafe { container.preup(hook) },
        // SAFETY: as above.
        Step::Postup => unsafe { container.postup(hook) },
        // SAFETY: as above.
        _ => unsafe { container.preexec(hook) },
    };
    container.start()
}

/// Refuses prlimit(2) where it sets a limit: the parent only reads the limit, by the same call.
fn no_core(container: &Container) -> Option<Error> {
    let filter = [
        filter::load(0),
        filter::jump_if_equal(filter::number(libc::SYS_prlimit64), 0, 3),
        // The low half of the pointer to the new limit: 0 if the limit is only read.
        filter::load(32),
        filter::jump_if_equal(0, 1, 0),
        filter::action(filter::fail(Errno::XDEV)),
        filter::action(libc::SECCOMP_RET_ALLOW),
    ];
    rustix::thread::set_no_new_privs(true).ok()?;
    // SAFETY: the filter makes one call fail.
    unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.ok()?;
    Some(container.start().expect_err("no_core"))
}

/// As root, which can reach every step.
#[test]
fn f12_each_step_fails_under_its_name() {
    ns_testbed::run_as!([Root], {
        let root = Directory::new("step");
        let mut shown = 0;
        for &step in Step::ALL {
            let code = forked(|| {
                let before = Leftovers::snapshot();
                let Some(error) = with_needed_privilege(step, || failure(step, &root)) else {
                    return 77;
                };
                assert_unchanged(&before);
                assert_eq!(error.step(), step, "{error}");
                assert_eq!(error.side() == Side::Child, step.side() == Side::Child);
                assert!(!error.to_string().contains('\n'));
                0
            });
            assert!(code == 0 || code == 77, "{step}: {code}");
            shown += i32::from(code == 0);
        }
        println!("shown: {shown} of {} steps fail by name here", Step::ALL.len());
        // The others are steps of the handle, or need a special machine: other tests cover them.
        assert_eq!(usize::try_from(shown).expect("small"), Step::ALL.len() - 5);
    });
}

/// Drops all capabilities for the steps that write maps, which are refused only without privilege.
fn with_needed_privilege(step: Step, body: impl FnOnce() -> Option<Error>) -> Option<Error> {
    if matches!(step, Step::UidMap | Step::GidMap) {
        ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
    }
    body()
}
