//! Maps and ids of a program.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use common::shell;
use ns_process::{Container, Errno, Helper, Namespace, Setgroups, Side, Step};
use ns_testbed::{Leftovers, USER, forked};
use rustix::mount::mount_bind;
use rustix::process::{getegid, geteuid};

fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn inside(script: &str) -> Container {
    let mut container = shell(script);
    container.namespace(Namespace::User);
    container
}

const MAPS: &str = "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '";

/// Fixtures over files of `/etc`, in the test's private mount namespace.
struct Etc(Vec<PathBuf>);

impl Etc {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut made = Vec::new();
        for (name, text) in files {
            let path =
                std::env::temp_dir().join(format!("ns-process-{name}-{}", std::process::id()));
            fs::write(&path, text).expect("write");
            let target = PathBuf::from("/etc").join(name);
            if !target.exists() {
                continue;
            }
            mount_bind(&path, &target).expect("bind");
            made.push(path);
        }
        Self(made)
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        for name in ["passwd", "subuid", "subgid"] {
            let target = PathBuf::from("/etc").join(name);
            let _ = rustix::mount::unmount(&target, rustix::mount::UnmountFlags::DETACH);
        }
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn delegated() -> Etc {
    let passwd = fs::read_to_string("/etc/passwd").expect("read");
    let passwd = format!("{passwd}tester:x:{USER}:{USER}::/:/bin/sh\n");
    let ranges = "tester:100000:65536\n";
    Etc::new(&[("passwd", &passwd), ("subuid", ranges), ("subgid", ranges)])
}

/// In a forked child that is the user of the tests.
fn as_user(body: impl FnOnce()) {
    let code = forked(|| {
        ns_sys::child::setgroups(&[]).expect("setgroups");
        ns_sys::child::setresgid(USER).expect("setresgid");
        ns_sys::child::setresuid(USER).expect("setresuid");
        // SAFETY: takes numbers only.
        #[expect(unsafe_code, reason = "a child of the test has to be dumpable again")]
        let set = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) };
        assert_eq!(set, 0);
        body();
        0
    });
    assert_eq!(code, 0);
}

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
        container.uid_map(format!("7 {USER} 1").parse().expect("map"));
        container.gid_map(format!("8 {USER} 1").parse().expect("map"));
        let seen = printed(&container);
        assert_eq!(seen, format!("7\n8\n 7 {USER} 1\n 8 {USER} 1\ndeny\n"));
        let told = |uid: &str, gid: &str, step| {
            let mut container = Container::new("true");
            container.namespace(Namespace::User);
            container.uid_map(uid.parse().expect("map")).gid_map(gid.parse().expect("map"));
            let before = Leftovers::snapshot();
            let error = container.start().expect_err(uid);
            before.assert_unchanged();
            assert_eq!((error.step(), error.side()), (step, Side::Parent), "{error}");
        };
        let own = format!("0 {USER} 1");
        told("0 1 1", &own, Step::UidMap);
        told(&format!("0 {USER} 2"), &own, Step::UidMap);
        told(&format!("{own},1 1 1"), &own, Step::UidMap);
        told(&own, "0 1 1", Step::GidMap);
        let mut kept = Container::new("true");
        kept.namespace(Namespace::User).map_zero().setgroups(Setgroups::Keep);
        assert_eq!(kept.start().expect_err("the kernel demands it").step(), Step::GidMap);
    });
}

/// What is delegated, by the helpers, every extent of it; ids beyond are refused before the clone.
#[test]
fn a16_a21_delegated_ids() {
    ns_testbed::run_as!([Root], {
        if !std::path::Path::new("/usr/bin/newuidmap").exists() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            for count in [1_u32, 6, 7, 8, 100] {
                let extents = (0..count).map(|n| format!("{} {} 1", n + 1, 100_000 + n * 2));
                let map = [format!("0 {USER} 1")].into_iter().chain(extents).collect::<Vec<_>>();
                let mut container = inside(&format!("{MAPS}; cat /proc/self/setgroups"));
                container.uid_map(map.join(",").parse().expect("map"));
                container.gid_map(map.join(",").parse().expect("map"));
                let lines =
                    map.iter().map(|line| format!(" {line}\n")).collect::<Vec<_>>().concat();
                assert_eq!(printed(&container), format!("{lines}{lines}allow\n"));
            }
            let mut container = inside("true");
            container.uid_map("0 300000 1".parse().expect("map"));
            let error = container.start().expect_err("not delegated");
            assert_eq!(error.step(), Step::UidMap);
            assert!(error.to_string().contains("subuid"), "{error}");
        });
    });
}

/// Another user inside by way of the helpers; the caller's ids and its threads' stay, and it can start
/// again.
#[test]
fn b13_c18_ids_of_the_program_alone() {
    ns_testbed::run_as!([Root], {
        if !std::path::Path::new("/usr/bin/newuidmap").exists() {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = delegated();
        as_user(|| {
            let uids = || -> Vec<String> {
                let tasks = fs::read_dir("/proc/self/task").expect("tasks");
                let status = tasks
                    .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
                status
                    .filter_map(|text| {
                        text.lines().find(|line| line.starts_with("Uid:")).map(str::to_owned)
                    })
                    .collect()
            };
            let before = uids();
            let mut container = inside("id -u; id -g; id -G");
            let map = format!("0 {USER} 1,1 100000 1000");
            container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
            container.uid(5).gid(6).groups([7, 8]);
            for _ in 0..3 {
                assert_eq!(printed(&container), "5\n6\n6 7 8\n");
            }
            assert_eq!(uids(), before);
        });
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
            ns_sys::unshare(ns_sys::UnshareFlags::NEWUSER).expect("unshare");
            for (file, text) in [("setgroups", "deny"), ("uid_map", "0"), ("gid_map", "0")] {
                let text = if text == "0" { format!("0 {USER} 1") } else { text.to_owned() };
                fs::write(format!("/proc/self/{file}"), text).expect("a map");
            }
            let mut container = inside("id -u");
            assert_eq!(printed(container.map_zero()), "0\n");
            0
        });
        assert_eq!(code, 0);
    });
}

/// How a helper ended is told, and nothing of it is left.
#[test]
fn a17_a18_a19_helpers() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        let folder = std::env::temp_dir().join(format!("ns-process-helper-{}", std::process::id()));
        fs::create_dir(&folder).expect("mkdir");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("chmod");
        let script = |name: &str, body: &str| {
            let path = folder.join(name);
            fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
            path
        };
        let evil = script("newuidmap", "echo ran > /tmp/ns-process-evil");
        for (body, words) in [
            ("echo no >&2; exit 3", "exit status: 3: no"),
            ("kill -KILL $$", "signal: 9 (SIGKILL)"),
        ] {
            let helper = Helper::at(script("helper", body)).expect("absolute");
            as_user(|| {
                let before = Leftovers::snapshot();
                let mut container = Container::new("true");
                container.namespace(Namespace::User).uid_map("0 100000 10".parse().expect("map"));
                container.uid_map_helper(helper);
                let error = container.start().expect_err("the helper refuses");
                assert_eq!(error.step(), Step::UidMap);
                assert!(error.to_string().contains(words), "{error}");
                before.assert_unchanged();
            });
        }
        // One's own id needs none, wherever PATH leads.
        as_user(|| {
            let mut container = Container::new("/bin/true");
            container.namespace(Namespace::User).map_zero().env("PATH", &folder);
            container.uid_map_helper(Helper::at(&evil).expect("absolute"));
            assert!(container.status().expect("start").success());
        });
        assert!(!fs::exists("/tmp/ns-process-evil").expect("look"));
        fs::remove_dir_all(&folder).expect("remove");
    });
}

/// Helpers gain nothing under no_new_privs, and the error says so.
#[test]
fn a20_no_new_privs() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated();
        as_user(|| {
            rustix::thread::set_no_new_privs(true).expect("prctl");
            let mut container = Container::new("true");
            container.namespace(Namespace::User).uid_map("0 100000 10".parse().expect("map"));
            let error = container.start().expect_err("no privilege");
            assert_eq!(error.step(), Step::UidMap);
            assert!(error.to_string().contains("no_new_privs"), "{error}");
        });
    });
}

/// Ids that no map holds are mistakes.
#[test]
fn a24_unmapped_ids() {
    ns_testbed::run_as!([Root, User], {
        let told = |container: &Container, said: &str| {
            let error = container.start().expect_err("a mistake");
            assert_eq!((error.step(), error.object()), (Step::Check, Some(said)));
        };
        let user = || {
            let mut container = Container::new("true");
            container.namespace(Namespace::User);
            container
        };
        told(user().map_zero().uid(5), "uid: 5 has no mapping");
        told(user().map_zero().gid(5), "gid: 5 has no mapping");
        told(user().map_zero().groups([0, 5]), "groups: 5 has no mapping");
        told(user().uid(0), "uid: 0 has no mapping, nothing is mapped");
        let zero = "map_zero: uid_map is given as well";
        told(user().map_zero().uid_map(1.into()), zero);
        told(user().gid_map(1.into()).map_zero(), "map_zero: gid_map is given as well");
        told(Container::new("true").gid_map(1.into()), "gid_map: needs a new user namespace");
        told(Container::new("true").map_zero(), "map_zero: needs a new user namespace");
        if !geteuid().is_root() {
            let said = "groups: setgroups(2) is denied where the caller maps its own gid";
            told(user().map_zero().groups([0]), said);
        }
    });
}

/// An id without a mapping becomes 0 where 0 has one, or nothing could be made on what is mounted
/// inside.
#[test]
fn f30_becomes_zero() {
    ns_testbed::run_as!([Root], {
        let mut container =
            inside("id -u; id -g; mount -t tmpfs none /mnt && mkdir /mnt/made && echo made");
        container.namespace(Namespace::Mnt);
        container.uid_map("0 100000 10".parse().expect("map"));
        container.gid_map("0 100000 10".parse().expect("map"));
        assert_eq!(printed(&container), "0\n0\nmade\n");
        let plan = container.plan().expect("plan").describe().to_string();
        assert!(plan.contains("setresuid(0)"), "{plan}");
        container.uid(3).gid(4);
        assert_eq!(
            printed(
                inside("id -u; id -g")
                    .uid_map("0 100000 10".parse().expect("map"))
                    .gid_map("0 100000 10".parse().expect("map"))
                    .uid(3)
                    .gid(4)
            ),
            "3\n4\n"
        );
    });
}

/// Another user does not keep the caller's groups, unless they are given.
#[test]
fn another_user_has_no_groups_of_the_callers() {
    ns_testbed::run_as!([Root], {
        let code = forked(|| {
            ns_sys::child::setgroups(&[5, 6]).expect("setgroups");
            let mut container = shell("id -G");
            assert_eq!(printed(&container), "0 5 6\n");
            assert_eq!(printed(container.uid(USER).gid(USER)), format!("{USER}\n"));
            assert_eq!(printed(container.groups([7])), format!("{USER} 7\n"));
            let map = "0 100000 10";
            let mut container = inside("id -G; grep Groups /proc/self/status");
            container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
            assert_eq!(printed(&container), "0\nGroups:\t \n");
            0
        });
        assert_eq!(code, 0);
    });
}

/// Calls that would change nothing are not made.
#[test]
fn ids_that_hold_already() {
    ns_testbed::run_as!([Root, User], {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let mut container = Container::new("true");
        let plan = container.uid(uid).gid(gid).plan().expect("plan").describe().to_string();
        assert!(!plan.contains("setres"), "{plan}");
        let mut container = Container::new("true");
        container.namespace(Namespace::User).map_zero().uid(0).gid(0);
        let plan = container.plan().expect("plan").describe().to_string();
        assert!(!plan.contains("setres"), "{plan}");
        assert!(container.status().expect("start").success());
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
