//! Maps that the caller writes.

use std::time::Duration;

use crate::common::memory::dumpable;
use crate::common::users::{MAPS, as_process_1, inside, unshare_user};
use crate::common::{Directory, assert_unchanged, in_child, printed, rounds};
use ns_process::{Clock, Container, Errno, Helper, Namespace, Setgroups, Side, Step};
use ns_sys::UnshareFlags;
use ns_testbed::{Leftovers, USER};
use rustix::mount::mount_bind;
use rustix::process::{getegid, geteuid};

/// The program begins with its maps and capabilities, also if the maps are written late.
#[test]
fn a01_the_program_waits_for_its_maps() {
    ns_testbed::run_as!([Root, User, Nested], {
        let rounds = rounds(500, 30);
        let print = "head -1 /proc/self/uid_map | tr -s ' '; grep CapEff /proc/self/status";
        let mut late = inside(print);
        late.map_zero().before_go(|_| std::thread::sleep(Duration::from_millis(20)));
        let expected = format!(" 0 {} 1\n", geteuid().as_raw());
        for _ in 0..rounds {
            let output = printed(&late);
            assert!(output.starts_with(&expected), "{output}");
            assert!(!output.contains("CapEff:\t0000000000000000"), "{output}");
        }
        println!("shown: {rounds} of {rounds} programs began mapped");
    });
}

/// Root writes several extents without a helper, and setgroups(2) stays allowed unless it is denied on request.
#[test]
fn a11_a22_root_needs_no_helper() {
    ns_testbed::run_as!([Root], {
        let mut container = inside(&format!("{MAPS}; cat /proc/self/setgroups"));
        container.uid_map("0 100000 10,10 5 1".parse().expect("map"));
        container.gid_map("0 200000 10,10 7 1".parse().expect("map"));
        container.uid_map_helper(Helper::at("/nonexistent").expect("absolute"));
        container.gid_map_helper(Helper::at("/nonexistent").expect("absolute"));
        let seen = printed(&container);
        assert_eq!(seen, " 0 100000 10\n 10 5 1\n 0 200000 10\n 10 7 1\nallow\n");
        container.setgroups(Setgroups::Deny);
        assert!(printed(&container).ends_with("deny\n"));
    });
}

/// An unprivileged user maps its own ID to any ID; setgroups(2) is denied, as the kernel requires.
#[test]
fn a10_an_unprivileged_user_maps_its_own_ids_only() {
    ns_testbed::run_as!([User], {
        let mut container = inside(&format!("id -u; id -g; {MAPS}; cat /proc/self/setgroups"));
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        container.uid_map(format!("7 {uid} 1").parse().expect("map"));
        container.gid_map(format!("8 {gid} 1").parse().expect("map"));
        let seen = printed(&container);
        assert_eq!(seen, format!("7\n8\n 7 {uid} 1\n 8 {gid} 1\ndeny\n"));
        let assert_map_error = |uid: &str, gid: &str, step| {
            let mut container = Container::new("true");
            container.namespace(Namespace::User);
            container.uid_map(uid.parse().expect("map")).gid_map(gid.parse().expect("map"));
            let before = Leftovers::snapshot();
            let error = container.start().expect_err(uid);
            assert_unchanged(&before);
            assert_eq!((error.step(), error.side()), (step, Side::Parent), "{error}");
        };
        let (uids, gids) = (format!("0 {uid} 1"), format!("0 {gid} 1"));
        assert_map_error("0 1 1", &gids, Step::UidMap);
        assert_map_error(&format!("0 {uid} 2"), &gids, Step::UidMap);
        assert_map_error(&format!("{uids},1 1 1"), &gids, Step::UidMap);
        assert_map_error(&uids, "0 1 1", Step::GidMap);
        let mut kept = Container::new("true");
        kept.namespace(Namespace::User).map_zero().setgroups(Setgroups::Keep);
        assert_eq!(
            kept.start().expect_err("the kernel requires it to be denied").step(),
            Step::GidMap
        );
    });
}

/// Starts that need the dumpable flag set and starts that clear it succeed at once, and the flag is restored.
#[test]
fn c18_eight_threads_share_the_dumpable_flag() {
    ns_testbed::run_as!([Root, User], {
        let rounds = rounds(200, 25);
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
        println!("shown: 8 threads of {rounds} starts that need the flag in different states");
    });
}

/// Without CAP_SETFCAP uid 0 of the parent namespace cannot be mapped, and the error names the capability.
#[test]
fn a12_mapping_root_needs_setfcap() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
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
        });
    });
}

/// A caller that is not dumpable cannot write maps, and the error names the reason.
#[test]
fn a14_a_caller_that_is_not_dumpable_gets_the_reason() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            ns_sys::child::setresgid(USER).expect("setresgid");
            ns_sys::child::setresuid(USER).expect("setresuid");
            let mut container = Container::new("true");
            let error = container.namespace(Namespace::User).map_zero().start().expect_err("flag");
            assert_eq!((error.step(), error.errno()), (Step::UidMap, Some(Errno::ACCESS)));
            assert!(error.to_string().contains("dumpable"), "{error}");
        });
    });
}

/// A caller that unshared its user namespace has no privilege over its own memory, which belongs to the outer
/// namespace. Its containers are mapped all the same.
#[test]
fn a14_a_caller_that_unshared_its_user_namespace_maps() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            unshare_user(UnshareFlags::empty());
            let mut container = inside("id -u");
            assert_eq!(printed(container.map_zero()), "0\n");
        });
    });
}

/// With the proc of an outer pid namespace, in which the process ID of the child belongs to another process, the map
/// of the child is written.
#[test]
fn d09_maps_are_written_through_an_outer_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        as_process_1(UnshareFlags::empty(), || {
            let mut container = inside(MAPS);
            container.map_zero();
            assert_eq!(printed(&container), " 0 0 1\n 0 0 1\n");
            container.namespace(Namespace::Time).time_offset(Clock::Boottime, 86_400, 0);
            assert!(container.status().expect("start").success());
        });
    });
}

/// Maps are written through another mount of proc; a directory without proc is an error.
#[test]
fn a15_another_mount_of_proc_is_used() {
    ns_testbed::run_as!([Root, Nested], {
        let directory = Directory::new("proc");
        mount_bind("/proc", &*directory).expect("bind");
        let mut container = inside("id -u");
        container.map_zero().proc(&*directory);
        assert_eq!(printed(&container), "0\n");
        assert_eq!(container.get_proc(), &*directory);
        rustix::mount::unmount(&*directory, rustix::mount::UnmountFlags::empty()).expect("unmount");
        let error = container.start().expect_err("an empty directory");
        assert_eq!((error.step(), error.errno()), (Step::UidMap, Some(Errno::NOENT)));
        assert!(
            error.object().is_some_and(|path| path.starts_with(directory.to_str().expect("text")))
        );
    });
}
