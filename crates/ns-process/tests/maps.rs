//! Maps of a program, written by the caller.

mod common;

use std::fs;
use std::time::Duration;

use common::mapped::{MAPS, inside, printed};
use ns_process::{Clock, Container, Errno, Helper, Namespace, Setgroups, Side, Step};
use ns_testbed::{Leftovers, USER, forked};
use rustix::mount::mount_bind;
use rustix::process::{getegid, geteuid};

/// However late the maps come, the program begins with them and with its capabilities.
#[test]
fn a01_the_program_begins_mapped() {
    ns_testbed::run_as!([Root, User, Nested], {
        let rounds = if std::env::var_os("NS_PROVE").is_some() { 500 } else { 30 };
        let look = "head -1 /proc/self/uid_map | tr -s ' '; grep CapEff /proc/self/status";
        let mut late = inside(look);
        late.map_zero().before_go(|_| std::thread::sleep(Duration::from_millis(20)));
        let expected = format!(" 0 {} 1\n", geteuid().as_raw());
        for _ in 0..rounds {
            let seen = printed(&late);
            assert!(seen.starts_with(&expected), "{seen}");
            assert!(!seen.contains("CapEff:\t0000000000000000"), "{seen}");
        }
        println!("shown: {rounds} of {rounds} programs began mapped");
    });
}

/// Several extents, by root without any helper; setgroups as it was, unless told.
#[test]
fn a11_a22_root_writes_by_itself() {
    ns_testbed::run_as!([Root], {
        let mut container = inside(&format!("{MAPS}; cat /proc/self/setgroups"));
        container.uid_map("0 100000 10,10 5 1".parse().expect("map"));
        container.gid_map("0 200000 10,10 7 1".parse().expect("map"));
        let none = Helper::at("/nonexistent").expect("absolute");
        container.uid_map_helper(none.clone()).gid_map_helper(none);
        let seen = printed(&container);
        assert_eq!(seen, " 0 100000 10\n 10 5 1\n 0 200000 10\n 10 7 1\nallow\n");
        container.setgroups(Setgroups::Deny);
        assert!(printed(&container).ends_with("deny\n"));
    });
}

/// The user's own id maps to anything, by the user; setgroups is denied, as the kernel demands.
#[test]
fn a10_own_ids_by_oneself() {
    ns_testbed::run_as!([User], {
        let mut container = inside(&format!("id -u; id -g; {MAPS}; cat /proc/self/setgroups"));
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        container.uid_map(format!("7 {uid} 1").parse().expect("map"));
        container.gid_map(format!("8 {gid} 1").parse().expect("map"));
        let seen = printed(&container);
        assert_eq!(seen, format!("7\n8\n 7 {uid} 1\n 8 {gid} 1\ndeny\n"));
        let told = |uid: &str, gid: &str, step| {
            let mut container = Container::new("true");
            container.namespace(Namespace::User);
            container.uid_map(uid.parse().expect("map")).gid_map(gid.parse().expect("map"));
            let before = Leftovers::snapshot();
            let error = container.start().expect_err(uid);
            common::assert_unchanged(&before);
            assert_eq!((error.step(), error.side()), (step, Side::Parent), "{error}");
        };
        let (uids, gids) = (format!("0 {uid} 1"), format!("0 {gid} 1"));
        told("0 1 1", &gids, Step::UidMap);
        told(&format!("0 {uid} 2"), &gids, Step::UidMap);
        told(&format!("{uids},1 1 1"), &gids, Step::UidMap);
        told(&uids, "0 1 1", Step::GidMap);
        let mut kept = Container::new("true");
        kept.namespace(Namespace::User).map_zero().setgroups(Setgroups::Keep);
        assert_eq!(kept.start().expect_err("the kernel demands it").step(), Step::GidMap);
    });
}

/// Starts that clear the flag, starts that need it, at once: all succeed, and it is as it was.
#[test]
fn c18_eight_threads() {
    ns_testbed::run_as!([Root, User], {
        let rounds = if std::env::var_os("NS_PROVE").is_some() { 200 } else { 25 };
        let dumpable = || {
            // SAFETY: takes numbers only.
            #[expect(unsafe_code, reason = "the flag of this process")]
            unsafe {
                libc::prctl(libc::PR_GET_DUMPABLE)
            }
        };
        assert_eq!(dumpable(), 1);
        let is_root = geteuid().is_root();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    let mut container = Container::new("true");
                    match thread % 3 {
                        0 => container.namespace(Namespace::User).map_zero(),
                        1 if is_root => container.uid(USER).gid(USER),
                        1 => container.namespace(Namespace::User).map_zero().uid(0),
                        _ => &mut container,
                    };
                    for _ in 0..rounds {
                        assert!(container.status().expect("start").success());
                    }
                });
            }
        });
        assert_eq!(dumpable(), 1);
        println!("shown: 8 threads of {rounds} starts that want the flag in different ways");
    });
}

/// Without CAP_SETFCAP the parent's uid 0 cannot be mapped, and the error names it.
#[test]
fn a12_no_setfcap() {
    ns_testbed::run_as!([Root], {
        let code = forked(|| {
            let own = rustix::thread::capabilities(None).expect("own");
            let left = own.effective - ns_process::CapabilitySet::SETFCAP;
            let sets = ns_sys::child::CapabilitySets {
                effective: left.bits(),
                permitted: left.bits(),
                inheritable: 0,
            };
            ns_sys::child::capset(sets).expect("capset");
            let mut container = Container::new("true");
            let error = container.namespace(Namespace::User).map_zero().start().expect_err("0");
            assert_eq!((error.step(), error.errno()), (Step::UidMap, Some(Errno::PERM)));
            assert!(error.to_string().contains("CAP_SETFCAP"), "{error}");
            container = Container::new("true");
            container.namespace(Namespace::User).uid_map("0 1000 1".parse().expect("map"));
            assert!(container.status().expect("start").success());
            0
        });
        assert_eq!(code, 0);
    });
}

/// A caller that is not dumpable cannot write maps, and learns why.
#[test]
fn a14_not_dumpable() {
    ns_testbed::run_as!([Root], {
        let code = forked(|| {
            ns_sys::child::setresgid(USER).expect("setresgid");
            ns_sys::child::setresuid(USER).expect("setresuid");
            let mut container = Container::new("true");
            let error = container.namespace(Namespace::User).map_zero().start().expect_err("flag");
            assert_eq!((error.step(), error.errno()), (Step::UidMap, Some(Errno::ACCESS)));
            assert!(error.to_string().contains("dumpable"), "{error}");
            0
        });
        assert_eq!(code, 0);
    });
}

/// A caller that unshared its user namespace has privilege that does not count for its own memory:
/// its containers are mapped all the same.
#[test]
fn a14_privilege_of_an_inner_namespace() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
            ns_sys::unshare(ns_sys::UnshareFlags::NEWUSER).expect("unshare");
            for (file, text) in [
                ("setgroups", "deny".to_owned()),
                ("uid_map", format!("0 {uid} 1")),
                ("gid_map", format!("0 {gid} 1")),
            ] {
                fs::write(format!("/proc/self/{file}"), text).expect("a map");
            }
            let mut container = inside("id -u");
            assert_eq!(printed(container.map_zero()), "0\n");
            0
        });
        assert_eq!(code, 0);
    });
}

/// In a pid namespace that still sees an outer proc, where the child's number is a stranger's: the
/// map is the child's own all the same.
#[test]
fn d09_a_proc_of_an_outer_pid_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let code = forked(|| {
            let kinds = ns_sys::UnshareFlags::NEWUSER | ns_sys::UnshareFlags::NEWPID;
            let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
            ns_sys::unshare(kinds).expect("unshare");
            fs::write("/proc/self/setgroups", "deny").expect("setgroups");
            fs::write("/proc/self/uid_map", format!("0 {uid} 1")).expect("uid_map");
            fs::write("/proc/self/gid_map", format!("0 {gid} 1")).expect("gid_map");
            forked(|| {
                assert_eq!(std::process::id(), 1, "the first of its pid namespace");
                let mut container = inside(MAPS);
                container.map_zero();
                assert_eq!(printed(&container), " 0 0 1\n 0 0 1\n");
                container.namespace(Namespace::Time).time_offset(Clock::Boottime, 86_400, 0);
                assert!(container.status().expect("start").success());
                0
            })
        });
        assert_eq!(code, 0);
    });
}

/// Another mount of proc serves as well, and one that is none is refused.
#[test]
fn a15_another_proc() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = std::env::temp_dir().join(format!("ns-process-proc-{}", std::process::id()));
        fs::create_dir(&folder).expect("mkdir");
        mount_bind("/proc", &folder).expect("bind");
        let mut container = inside("id -u");
        container.map_zero().proc(&folder);
        assert_eq!(printed(&container), "0\n");
        assert_eq!(container.get_proc(), folder);
        rustix::mount::unmount(&folder, rustix::mount::UnmountFlags::empty()).expect("unmount");
        let error = container.start().expect_err("nothing there");
        assert_eq!((error.step(), error.errno()), (Step::UidMap, Some(Errno::NOENT)));
        assert!(
            error.object().is_some_and(|path| path.starts_with(folder.to_str().expect("text")))
        );
        fs::remove_dir(&folder).expect("remove");
    });
}
