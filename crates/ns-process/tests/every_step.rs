//! Every step of a start has a case in which it fails, told by its name; a step without one fails here.
#![allow(unsafe_code, reason = "a caller without capabilities")]

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::target::Target;
use ns_process::{
    BpfInstruction, CapabilitySet, Chroot, Clock, Container, Errno, Error, Init, Inject, Mount,
    Namespace, Propagation, Resource, Side, Stdio, Step,
};
use ns_sys::pidfd_send_signal;
use ns_testbed::{Leftovers, forked, refuse};

/// A system call that fails from here on, for those steps that bad input does not reach.
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

/// Makes `step` fail; `None` for those that other tests have.
#[expect(clippy::too_many_lines, reason = "one case a step: the list is the proof")]
fn failure(step: Step, root: &Path) -> Option<Error> {
    let mut plain = Container::new("true");
    let mut spaces = mapped();
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
            spaces.namespace(Namespace::Time).time_offset(Clock::Boottime, i64::MAX, 0).start()
        }
        Step::BeforeGo => plain.before_go(|_| Err::<(), _>("no")).start(),
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
        Step::Preup | Step::Postup | Step::Preexec => hooked(step),
        Step::MemoryLock => {
            // Of root, whose child is in a user namespace that others own as well.
            plain.namespace(Namespace::User).map_zero().status().ok()?;
            forbid(libc::SYS_fcntl);
            plain.start()
        }
        Step::NoCore => {
            ns_sys::child::prlimit(Resource::Core as u32, 0, 4096).ok()?;
            // Read when the plan is made, forbidden to the child alone.
            plain.before_go(|_| ());
            return no_core(&plain);
        }
        Step::BecomeZero => {
            forbid(libc::SYS_setresuid);
            let map = "0 100000 1";
            plain.namespace(Namespace::User).uid_map(map.parse().ok()?).start()
        }
        Step::ExecLabel => plain.exec_label("nobody").start(),
        Step::Session => {
            forbid(libc::SYS_setsid);
            plain.new_session(true).start()
        }
        Step::ProcessGroup => plain.process_group(999_999).start(),
        Step::Terminal => plain.terminal(File::open("/dev/null").ok()?).start(),
        Step::Propagation => {
            forbid(libc::SYS_mount);
            spaces.propagation(Propagation::Slave).start()
        }
        Step::OpenRoot => Chroot::new(&missing, "true").start(),
        Step::MountTarget => spaces.mount(Mount::tmpfs(&missing)).start(),
        Step::Mount => spaces.mount(Mount::tmpfs("/tmp").data("nonsense=1")).start(),
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
        Step::PlaceFd => {
            ns_sys::child::prlimit(Resource::Nofile as u32, 64, 64).ok()?;
            plain.fd(100, Stdio::null()).start()
        }
        Step::Hostname => {
            forbid(libc::SYS_sethostname);
            spaces.hostname("x").start()
        }
        Step::Domainname => {
            forbid(libc::SYS_setdomainname);
            spaces.domainname("x").start()
        }
        Step::Loopback => {
            forbid(libc::SYS_socket);
            spaces.namespace(Namespace::Net).loopback().start()
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
            spaces.drop_capabilities(CapabilitySet::SYS_BOOT).start()
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
            let nonsense = BpfInstruction { code: 0xffff, jt: 0, jf: 0, k: 0 };
            plain.no_new_privs().seccomp([nonsense]).start()
        }
        Step::Init => {
            forbid(libc::SYS_execveat);
            plain.namespace(Namespace::Pid).init(Init::builtin()).start()
        }
        Step::Exec => Container::new("/nope").start(),
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

fn hooked(step: Step) -> Result<ns_process::Process, Error> {
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

/// The parent reads the limit by the same call: only the child's is refused, by its third argument.
fn no_core(container: &Container) -> Option<Error> {
    let number = u32::try_from(libc::SYS_prlimit64).ok()?;
    let instruction = |code, jt, jf, k| BpfInstruction { code, jt, jf, k };
    let errno = 0x0005_0000 | Errno::XDEV.raw_os_error().unsigned_abs();
    let filter = [
        instruction(0x20, 0, 0, 0),
        instruction(0x15, 0, 3, number),
        // The low half of the pointer to the new limit; 0 where it is only read.
        instruction(0x20, 0, 0, 32),
        instruction(0x15, 1, 0, 0),
        instruction(0x06, 0, 0, errno),
        instruction(0x06, 0, 0, 0x7fff_0000),
    ];
    rustix::thread::set_no_new_privs(true).ok()?;
    // SAFETY: it only makes one call fail.
    unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.ok()?;
    Some(container.start().expect_err("no_core"))
}

/// As root where every step can be reached; a step that needs it is skipped for nobody.
#[test]
fn f12_each_step_has_a_case() {
    ns_testbed::run_as!([Root], {
        let root: PathBuf =
            std::env::temp_dir().join(format!("ns-process-step-{}", std::process::id()));
        fs::create_dir_all(&root).expect("mkdir");
        let mut shown = 0;
        for &step in Step::ALL {
            let code = forked(|| {
                let before = Leftovers::snapshot();
                let Some(error) = as_needed(step, || failure(step, &root)) else { return 77 };
                common::assert_unchanged(&before);
                assert_eq!(error.step(), step, "{error}");
                assert_eq!(error.side() == Side::Child, step.side() == Side::Child);
                assert!(!error.to_string().contains('\n'));
                0
            });
            assert!(code == 0 || code == 77, "{step}: {code}");
            shown += i32::from(code == 0);
        }
        fs::remove_dir_all(&root).expect("remove");
        println!("shown: {shown} of {} steps fail by name here", Step::ALL.len());
        // The others are the handle's, or need a machine of their own: other tests have them.
        assert_eq!(usize::try_from(shown).expect("small"), Step::ALL.len() - 5);
    });
}

/// Maps are refused to somebody without privilege only.
fn as_needed(step: Step, body: impl FnOnce() -> Option<Error>) -> Option<Error> {
    if matches!(step, Step::UidMap | Step::GidMap) {
        ns_sys::child::capset(ns_sys::child::CapabilitySets::default()).ok()?;
    }
    body()
}
