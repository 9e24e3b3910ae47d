//! The `before_pivot` hook, which the caller runs between the mounts of the child and its change of root.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::common::{
    Directory, assert_refused, assert_unchanged, eventually, mount_host_programs, reap_all,
    start_error,
};
use ns_process::{
    Chroot, Container, Errno, Init, Inject, Memory, Mount, Namespace, Parked, Side, Signal, Step,
    WaitingChild,
};
use ns_sys::pidfd_send_signal;
use ns_testbed::{Leftovers, Role, forked, forked_by_reaper, role};

/// A shell in a new root with the programs of the host, and a tmpfs on `/tmp`.
fn rooted(root: &Path, script: &str) -> Chroot {
    let mut chroot = Chroot::new(root, "sh");
    chroot.args(["-c", script]).namespace(Namespace::Pid).map_zero();
    mount_host_programs(&mut chroot);
    chroot.mount(Mount::proc("/proc").create()).mount(Mount::tmpfs("/tmp").create());
    chroot
}

/// A hook that is not called.
fn unexpected() {
    panic!("it is called");
}

/// A caller without privilege may not join a child in its own memory while another start protects that memory.
fn memory() -> Memory {
    if role() == Role::User { Memory::Copied } else { Memory::Auto }
}

/// Asserts that the child has made its mounts and has not changed its root.
fn assert_between(child: &WaitingChild<'_>, root: (u64, u64)) {
    let proc = format!("/proc/{}", child.pid());
    let id = |path: &str| {
        let metadata = fs::metadata(path).expect("stat");
        (metadata.dev(), metadata.ino())
    };
    assert_eq!(id(&format!("{proc}/cwd/.")), root, "the new root is the working directory");
    let old_root = id(&[&proc, "root", "."].join("/"));
    assert_eq!(old_root, id("/"), "the old root is the root");
    let mounts = fs::read_to_string(format!("{proc}/mountinfo")).expect("read");
    assert!(mounts.contains("/tmp rw,"), "{mounts}");
    let own = fs::read_link("/proc/self/exe").expect("the link of this process");
    assert_eq!(fs::read_link(format!("{proc}/exe")).expect("not executed yet"), own);
}

/// When the hook runs, all mounts are made and the old root is still the root, in every kind of start; the program
/// sees the mounts that a program of the hook adds to those of the child.
#[test]
fn before_pivot_comes_between_mounts_and_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("pivot", &["mnt"]);
        let metadata = fs::metadata(&*root).expect("stat");
        let id = (metadata.dev(), metadata.ino());
        let run = |set: &dyn Fn(&mut Chroot), parks: bool| {
            let calls = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&calls);
            let path = root.join("mnt").to_str().expect("text").to_owned();
            let mut chroot = rooted(&root, "cd /mnt/made/by-path && ! touch /file 2>&-");
            chroot.read_only_root().before_go(|_| ()).before_pivot(move |child| {
                assert_between(child, id);
                counted.fetch_add(1, Ordering::Relaxed);
                let script = "mount -t tmpfs none mnt && mkdir mnt/made && test -e /usr/bin/mount";
                let mut inject = Inject::new(child, "sh");
                inject.args(["-c", script]).follow_root().memory(memory());
                assert!(inject.status().expect("inject").success());
                let mut by_path = Inject::new(child, "mkdir");
                by_path.arg(format!("{path}/made/by-path")).memory(memory());
                assert!(by_path.status().expect("inject").success());
            });
            set(&mut chroot);
            let started = if parks {
                chroot.start_parked().and_then(Parked::release)
            } else {
                chroot.start()
            };
            let status = started.expect("start").join().expect("join");
            assert!(status.success(), "{status}");
            assert_eq!(calls.load(Ordering::Relaxed), 1);
        };
        run(&|_| (), false);
        run(&|_| (), true);
        run(&|chroot| _ = chroot.daemonize_as_child(), false);
        if role() == Role::User {
            // Its hook may not join a child whose memory is protected from other processes.
            return;
        }
        run(&|chroot| _ = chroot.init(Init::builtin()), false);
        run(&|chroot| _ = chroot.init(Init::builtin()), true);
        run(&|chroot| _ = chroot.memory(Memory::Copied), false);
        run(&|chroot| _ = chroot.daemonize(), false);
        assert!(fs::read_dir(root.join("mnt")).expect("list").next().is_none(), "a mount is left");
    });
}

/// A root that is a mount or a change by chroot(2) has the hook too.
#[test]
fn before_pivot_runs_for_every_new_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let calls = Arc::new(AtomicU32::new(0));
        let count = |container: &mut Container| {
            let counted = Arc::clone(&calls);
            container.namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]).map_zero();
            container.before_pivot(move |child| {
                let proc = format!("/proc/{}", child.pid());
                let [old, new] = ["root", "cwd"].map(|link| {
                    let metadata = fs::metadata(format!("{proc}/{link}/.")).expect("stat");
                    (metadata.dev(), metadata.ino())
                });
                assert_ne!(old, new);
                counted.fetch_add(1, Ordering::Relaxed);
            });
            assert!(container.status().expect("start").success());
        };
        count(Container::new("true").host_root());
        count(Container::new("true").mount(Mount::bind("/usr", "/").recursive()));
        let chrooted = Directory::new("chroot");
        let mut container = Container::new("true");
        mount_host_programs(&mut container);
        count(container.rootdir(&*chrooted).by_chroot());
        assert_eq!(calls.load(Ordering::Relaxed), 3);
    });
}

/// An error of the hook is the error of the start, and nothing is left. After a failed mount the hook is not called.
#[test]
fn f12_an_error_of_before_pivot_is_the_error_of_the_start() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::new("pivot");
        let mut chroot = rooted(&root, "true");
        chroot.name("box").before_pivot(|_| Err::<(), _>(io::Error::from_raw_os_error(13)));
        let error = start_error(&chroot);
        assert_eq!((error.step(), error.side()), (Step::BeforePivot, Side::Parent));
        assert_eq!(error.errno(), Some(Errno::ACCESS));
        assert!(error.to_string().starts_with("box: before_pivot: Permission denied"), "{error}");
        let mut chroot = rooted(&root, "true");
        chroot.init(Init::builtin()).before_pivot(|_| Err::<(), _>("no mount"));
        let error = start_error(&chroot);
        assert_eq!((error.errno(), error.object()), (None, Some("no mount")));
        let mut chroot = rooted(&root, "true");
        chroot.mount(Mount::tmpfs("/none")).before_pivot(|_| unexpected());
        let error = start_error(&chroot);
        assert_eq!((error.step(), error.errno()), (Step::MountTarget, Some(Errno::NOENT)));
        let mut container = Container::new("true");
        assert_refused(container.before_pivot(|_| ()), "before_pivot: needs a new root");
    });
}

/// A panic of the hook continues in the caller, and a child that is killed meanwhile is an error. Nothing is left.
#[test]
fn f29_a_panic_of_before_pivot_leaves_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::new("pivot");
        reap_all();
        let before = Leftovers::snapshot();
        let mut chroot = rooted(&root, "true");
        chroot.before_pivot(|_| assert!(std::env::args().count() == 0, "on purpose"));
        let caught = catch_unwind(AssertUnwindSafe(|| chroot.start()));
        let panic = caught.expect_err("the panic continues");
        assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
        assert_unchanged(&before);
        let mut chroot = rooted(&root, "true");
        chroot.before_pivot(|child| pidfd_send_signal(child, Signal::KILL));
        let error = start_error(&chroot);
        assert_eq!(error.step(), Step::Exec, "{error}");
        let mut chroot = rooted(&root, "true");
        chroot.before_go(|child| pidfd_send_signal(child, Signal::KILL)).before_pivot(|_| ());
        let error = start_error(&chroot);
        assert_eq!(error.step(), Step::Exec, "{error}");
        assert!(error.to_string().contains("signal 9"), "{error}");
    });
}

/// The time limit of the start ends the wait for the mounts.
#[test]
fn f32_the_wait_for_the_mounts_has_a_limit() {
    ns_testbed::run_as!([Root, User], {
        let root = Directory::new("pivot");
        let mut chroot = rooted(&root, "true");
        chroot.before_go(|child| pidfd_send_signal(child, Signal::STOP));
        chroot.before_pivot(|_| unexpected());
        chroot.start_timeout(Duration::from_millis(50));
        assert_eq!(start_error(&chroot).step(), Step::StartTimeout);
    });
}

/// If the caller is killed while the hook runs, the child exits.
#[test]
fn f06_a_child_that_waits_before_pivot_exits_with_its_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::new("pivot");
        let code = forked_by_reaper(|| {
            let file = root.join("pid");
            let caller = forked(|| {
                let path = file.clone();
                let mut chroot = rooted(&root, "true");
                chroot.before_pivot(move |child| -> Result<(), io::Error> {
                    fs::write(&path, child.pid().to_string())?;
                    std::process::abort();
                });
                i32::from(chroot.start().is_err())
            });
            assert_eq!(caller, 128 + libc::SIGABRT);
            let pid = fs::read_to_string(&file).expect("the hook has run");
            eventually("the child exits", || {
                // An orphan whose parent does not reap it is a zombie.
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                stat.is_empty() || stat.contains(") Z ")
            });
            0
        });
        assert_eq!(code, 0);
    });
}

/// A plan lists the hook and the waits.
#[test]
fn a_plan_describes_before_pivot() {
    let root = Directory::new("pivot");
    let mut chroot = rooted(&root, "true");
    let text = chroot.before_pivot(|_| ()).plan().expect("plan").describe().to_string();
    for lines in [
        "parent: futex(mounted, wait)  # the child has made its mounts\n\
         parent: before_pivot  # a function of the caller runs\n\
         parent: futex(pivot, wake)  # release the child\n",
        "child: futex(mounted, wake)  # report the mounts to the parent\n\
         child: futex(pivot, wait)  # wait until the hooks of the parent have run\n\
         child: pivot_root(\".\", \".\")  # change the root\n",
    ] {
        assert!(text.contains(lines), "{text}");
    }
}
