//! newuidmap and newgidmap, the real ones and stand-ins.

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use ns_idmap::{
    Extent, GidMap, Helper, HelperError, InstallError, Reason, Setgroups, UidMap, WritePlan, Writer,
};
use ns_testbed::USER;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::set_no_new_privs;

use crate::fixture::{Etc, Folder};
use crate::process::{Target, as_user, in_child, set_path, with_alarms};

pub(crate) const DELEGATED: &str = "tester:100000:65536\n";

/// The user's own id, and then delegated ones, in so many extents.
pub(crate) fn map_of(extents: u32) -> UidMap {
    let own = Extent { inside: 0, outside: USER, length: 1 };
    let others = (1..extents).map(|n| Extent { inside: n, outside: 100_000 + 2 * n, length: 1 });
    UidMap::new([own].into_iter().chain(others)).expect("a map")
}

/// A process that a stand-in does not look at.
fn own() -> File {
    File::open("/proc/self").expect("open")
}

pub(crate) fn installed() -> bool {
    ["/usr/bin/newuidmap", "/usr/bin/newgidmap"].iter().all(|path| Path::new(path).exists())
}

/// Files in /etc that delegate ids to the user, or a skip.
macro_rules! delegated {
    ($subuid:expr, $subgid:expr) => {
        match Etc::new($subuid, $subgid) {
            Some(etc) if installed() => etc,
            _ => ns_testbed::skip!("needs newuidmap, /etc/subuid and /etc/subgid"),
        }
    };
}

/// Every extent arrives, however many there are.
#[test]
fn a16_many_extents() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated!(DELEGATED, DELEGATED);
        as_user(|| {
            let writer = Writer::current().expect("facts");
            for extents in [2, 6, 7, 8, 100] {
                let (target, map) = (Target::new(), map_of(extents));
                assert_eq!(map.plan(&writer), WritePlan::Helper);
                map.write_by(&target, target.pid(), &Helper::default()).expect("newuidmap");
                assert_eq!(target.rows("uid_map").len(), extents as usize);
                assert_eq!(UidMap::read(&target).expect("read"), Some(map));
                println!("shown: {extents} extents through newuidmap read back equal");
            }
            let (target, gids) = (Target::new(), "0 100000 7,7 100100 9".parse::<GidMap>());
            let gids = gids.expect("parse");
            gids.write_by(&target, target.pid(), &Helper::default()).expect("newgidmap");
            assert_eq!(GidMap::read(&target).expect("read"), Some(gids));
        });
    });
}

/// An exit status, a signal and words are all told.
#[test]
fn a17_how_a_helper_ended() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("ended");
        let run = |body: &str| {
            let helper = Helper::at(folder.script("helper", body)).expect("absolute");
            UidMap::from(1000).write_by(own(), 1, &helper)
        };
        run("exit 0").expect("done");
        for (body, code, signal, words) in [
            ("echo no >&2; echo really >&2; exit 3", Some(3), None, "exit status: 3: no; really"),
            ("exit 1", Some(1), None, "exit status: 1: no message on stderr"),
            ("kill -KILL $$", None, Some(9), "signal: 9 (SIGKILL): no message on stderr"),
        ] {
            let error = run(body).expect_err(body);
            assert!(error.to_string().ends_with(words), "{error}");
            assert!(error.source().is_none(), "all of it is in Display");
            let HelperError::Failed { status, .. } = error else { panic!("{error:?}") };
            assert_eq!((status.code(), status.signal()), (code, signal));
        }
        // More than a pipe holds: it must not wait for a reader for ever.
        let error = run("head -c 200000 /dev/zero | tr '\\0' x >&2; exit 1").expect_err("fails");
        let HelperError::Failed { said, .. } = error else { panic!("{error:?}") };
        assert_eq!(said.len(), 4096);
    });
}

/// A helper that gains no privilege is told as such.
#[test]
fn a20_helper_under_no_new_privs() {
    ns_testbed::run_as!([Root, User], {
        let folder = Folder::new("no-new-privs");
        let helper = Helper::at(folder.script("helper", "exit 1")).expect("absolute");
        let said =
            || UidMap::from(1000).write_by(own(), 1, &helper).expect_err("fails").to_string();
        let words = " (no_new_privs is set, so the helper gains no privilege)";
        assert!(!said().contains(words), "{}", said());
        set_no_new_privs(true).expect("prctl");
        assert!(said().ends_with(words), "{}", said());
    });
}

/// Signals during the wait are not failures.
#[test]
fn a17_interrupted() {
    ns_testbed::run_as!([Root, User], {
        let folder = Folder::new("interrupted");
        let helper = Helper::at(folder.script("helper", "sleep 0.3; exit 0")).expect("absolute");
        with_alarms(|| UidMap::from(1000).write_by(own(), 1, &helper).expect("no EINTR"));
    });
}

/// What cannot be run is told by its path.
#[test]
fn a18_absolute_or_nothing() {
    ns_testbed::run_as!([Root, User], {
        let error = Helper::at("newuidmap").expect_err("relative");
        assert_eq!(error.to_string(), "newuidmap is not an absolute path; give one");
        let missing = Helper::at("/nonexistent/newuidmap").expect("absolute");
        let error = UidMap::from(1000).write_by(own(), 1, &missing).expect_err("missing");
        assert!(
            error.to_string().starts_with("/nonexistent/newuidmap could not be run"),
            "{error}"
        );
        assert!(error.source().is_some());
    });
}

/// A helper that PATH would find first is not run.
#[test]
fn a18_hostile_path() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated!(DELEGATED, DELEGATED);
        let folder = Folder::new("hostile");
        let marker = folder.path("was-run");
        folder.script("newuidmap", &format!("touch {}; exit 0", marker.display()));
        as_user(|| {
            set_path(&folder.path(""));
            let target = Target::new();
            map_of(3).write_by(&target, target.pid(), &Helper::default()).expect("the real one");
            assert_eq!(target.rows("uid_map").len(), 3);
        });
        assert!(!marker.exists());
    });
}

/// The helper sees no environment, and exactly the arguments of the map.
#[test]
fn a18_empty_environment() {
    ns_testbed::run_as!([Root, User], {
        let folder = Folder::new("environment");
        let body = "cat /proc/$$/environ >&2; echo \"$@\" >&2; exit 1";
        let helper = Helper::at(folder.script("helper", body)).expect("absolute");
        let map: UidMap = "0 1 2,3 4 5".parse().expect("parse");
        let error = map.write_by(own(), 42, &helper).expect_err("exit 1");
        let HelperError::Failed { said, .. } = error else { panic!("{error:?}") };
        assert_eq!(said, "42 0 1 2 3 4 5\n");
    });
}

/// A helper that leaves a mark, and where.
fn spy(folder: &Folder) -> (Helper, std::path::PathBuf) {
    let marker = folder.path("was-run");
    let script = folder.script("spy", &format!("echo x >> {}", marker.display()));
    (Helper::at(script).expect("absolute"), marker)
}

/// One way or the other: never both, and none when there is no way.
#[test]
fn a19_one_way_only() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated!(DELEGATED, DELEGATED);
        let folder = Folder::new("one-way");
        let (spy, marker) = spy(&folder);
        as_user(|| {
            let writer = Writer::current().expect("facts");
            let install =
                |map: &UidMap, target: &Target| map.install(target, target.pid(), &writer, &spy);
            let target = Target::new();
            let way = install(&UidMap::current(), &target).expect("direct");
            assert_eq!((way, marker.exists()), (WritePlan::Direct, false));
            assert_eq!(target.rows("uid_map").len(), 1);

            install(&UidMap::current(), &target).expect_err("written already");
            let none = install(&UidMap::from(7), &target).expect_err("not delegated");
            assert!(matches!(none, InstallError::Impossible(Reason::NotDelegated { .. })));
            assert!(!marker.exists());

            let target = Target::new();
            let way = install(&map_of(2), &target).expect("helper");
            assert_eq!(way, WritePlan::Helper);
            assert_eq!(fs::read_to_string(&marker).expect("once"), "x\n");
            assert_eq!(target.shown("uid_map"), "", "only the spy was asked");
        });
    });
}

/// no_new_privs is seen before, and named after.
#[test]
fn a20_no_new_privs() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated!(DELEGATED, DELEGATED);
        as_user(|| {
            set_no_new_privs(true).expect("prctl");
            let writer = Writer::current().expect("facts");
            let map = map_of(2);
            assert_eq!(map.plan(&writer), WritePlan::Impossible(Reason::NoNewPrivs));
            let target = Target::new();
            let error =
                map.write_by(&target, target.pid(), &Helper::default()).expect_err("refused");
            assert!(error.to_string().contains("no_new_privs"), "{error}");
            assert!(error.to_string().contains("Operation not permitted"), "{error}");
            assert_eq!(UidMap::current().plan(&writer), WritePlan::Direct);
            UidMap::current().write(&target).expect("one's own id needs no helper");
        });
    });
}

/// newuidmap writes for a caller that is not dumpable, as one is while another thread starts a process.
#[test]
fn f35_a_helper_for_who_is_not_dumpable() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated!(DELEGATED, DELEGATED);
        as_user(|| {
            set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("prctl");
            let (writer, target, map) =
                (Writer::current().expect("facts"), Target::new(), map_of(3));
            let way = map.install(&target, target.pid(), &writer, &Helper::default());
            assert_eq!(way.expect("newuidmap"), WritePlan::Helper);
            assert_eq!(UidMap::read(&target).expect("read"), Some(map));
        });
    });
}

/// newgidmap denies for one's own gid alone, and leaves setgroups with delegated ones.
#[test]
fn a21_setgroups_after_newgidmap() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated!(DELEGATED, DELEGATED);
        as_user(|| {
            let writer = Writer::current().expect("facts");
            let helper = Helper::default();
            let state = |map: &str, setgroups| {
                let (target, map) = (Target::new(), map.parse::<GidMap>().expect("parse"));
                let way = map.install(&target, target.pid(), &writer, &helper, setgroups);
                let allowed = Setgroups::is_allowed(&target).expect("read");
                (way.expect("installed"), allowed)
            };
            let ranges = "0 100000 9";
            assert_eq!(state(ranges, Setgroups::Auto), (WritePlan::Helper, true));
            assert_eq!(state(ranges, Setgroups::Keep), (WritePlan::Helper, true));
            assert_eq!(state(ranges, Setgroups::Deny), (WritePlan::Helper, false));
            assert_eq!(state("0 12345 1", Setgroups::Auto), (WritePlan::Direct, false));

            let target = Target::new();
            GidMap::current().write_by(&target, target.pid(), &helper).expect("newgidmap");
            assert_eq!(target.shown("setgroups"), "deny\n");
        });
    });
}

/// Root writes by itself, with nothing delegated.
#[test]
fn a22_root_needs_no_helper() {
    ns_testbed::run_as!([Root], {
        let folder = Folder::new("root");
        let (spy, marker) = spy(&folder);
        let writer = Writer::current().expect("facts");
        let (uids, gids) = ("0 100000 10,10 5 1".parse(), "0 200000 10,10 7 1".parse());
        let (uids, gids): (UidMap, GidMap) = (uids.expect("parse"), gids.expect("parse"));
        let target = Target::new();
        let pid = target.pid();
        let way = uids.install(&target, pid, &writer, &spy).expect("install");
        assert_eq!(way, WritePlan::Direct);
        gids.install(&target, pid, &writer, &spy, Setgroups::Auto).expect("install");
        assert_eq!(UidMap::read(&target).expect("read"), Some(uids));
        assert_eq!(GidMap::read(&target).expect("read"), Some(gids));
        assert!(!marker.exists());
    });
}

/// A user of whom the database knows nothing is told so.
#[test]
fn a22_nameless_user() {
    ns_testbed::run_as!([Root], {
        let _etc = delegated!(&format!("{USER}:100000:65536\n"), "");
        let passwd = Folder::new("passwd");
        let _over =
            crate::fixture::Over::bind(&passwd.file("passwd", "root:x:0:0::/:\n"), "/etc/passwd");
        as_user(|| {
            let plan = map_of(2).plan(&Writer::current().expect("facts"));
            assert_eq!(plan, WritePlan::Impossible(Reason::NoName(USER)));
            in_child(|| {
                let target = Target::new();
                map_of(2)
                    .write_by(&target, target.pid(), &Helper::default())
                    .expect_err("newuidmap agrees");
            });
        });
    });
}
