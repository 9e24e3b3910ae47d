//! Writes through newuidmap and newgidmap, and through scripts in their place.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use ns_idmap::{
    Extent, GidMap, Helper, HelperError, IdKind, InstallError, Reason, Setgroups, UidMap,
    WritePlan, Writer,
};
use ns_testbed::USER;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::set_no_new_privs;

use crate::fixtures::{MountGuard, TestDir, etc_files, needs_helpers};
use crate::process::{Target, as_user, in_child, with_alarms};

pub(crate) const DELEGATED: &str = "tester:100000:65536\n";

/// The user's own ID, then delegated IDs: `count` extents.
pub(crate) fn map_of(count: u32) -> UidMap {
    let own = Extent { inside: 0, outside: USER, length: 1 };
    let others = (1..count).map(|n| Extent { inside: n, outside: 100_000 + 2 * n, length: 1 });
    UidMap::new([own].into_iter().chain(others)).expect("valid extents")
}

/// All extents are written, however many there are.
#[test]
fn a16_many_extents() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        as_user(|| {
            let writer = Writer::current().expect("read the writer");
            for extents in [2, 6, 7, 8, 100] {
                let (target, map) = (Target::new(), map_of(extents));
                assert_eq!(map.plan(&writer), WritePlan::Helper);
                map.write_by(&target, &Helper::default()).expect("newuidmap");
                assert_eq!(target.rows("uid_map").len(), extents as usize);
                assert_eq!(UidMap::read(&target).expect("read"), Some(map));
                println!("shown: {extents} extents through newuidmap read back equal");
            }
            let (target, gids) = (Target::new(), "0 100000 7,7 100100 9".parse::<GidMap>());
            let gids = gids.expect("parse");
            gids.write_by(&target, &Helper::default()).expect("newgidmap");
            assert_eq!(GidMap::read(&target).expect("read"), Some(gids));
        });
    });
}

/// The error has the exit status or the signal, and the text on stderr.
#[test]
fn a17_error_has_status_and_stderr() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("ended");
        let target = Target::new();
        let run = |body: &str| {
            let helper = dir.helper("helper", body);
            UidMap::from(1000).write_by(&target, &helper)
        };
        run("exit 0").expect("success");
        for (body, code, signal, message) in [
            ("echo no >&2; echo really >&2; exit 3", Some(3), None, "exit status: 3: no; really"),
            ("exit 1", Some(1), None, "exit status: 1: no message on stderr"),
            ("kill -KILL $$", None, Some(9), "signal: 9 (SIGKILL): no message on stderr"),
        ] {
            let error = run(body).expect_err(body);
            assert!(error.to_string().ends_with(message), "{error}");
            assert!(error.source().is_none(), "Display has everything");
            let HelperError::Failed { status, .. } = error else { panic!("{error:?}") };
            assert_eq!((status.code(), status.signal()), (code, signal));
        }
        // More than the capacity of a pipe: the helper must not block for ever.
        let error = run("head -c 200000 /dev/zero | tr '\\0' x >&2; exit 1").expect_err("exit 1");
        let HelperError::Failed { said, .. } = error else { panic!("{error:?}") };
        assert_eq!(said.len(), 4096);
    });
}

/// The error says that a failed helper gained no privilege.
#[test]
fn a20_error_mentions_no_new_privs() {
    ns_testbed::run_as!([Root, User], {
        let dir = TestDir::new("no-new-privs");
        let (helper, target) = (dir.helper("helper", "exit 1"), Target::new());
        let run = || UidMap::from(1000).write_by(&target, &helper);
        let message = || run().expect_err("exit 1").to_string();
        let hint = Reason::NoNewPrivs.to_string();
        assert!(!message().contains(&hint), "{}", message());
        set_no_new_privs(true).expect("prctl");
        assert!(message().ends_with(&hint), "{}", message());
    });
}

/// Signals during the wait cause no error.
#[test]
fn a17_interrupted_wait_continues() {
    ns_testbed::run_as!([Root, User], {
        let dir = TestDir::new("interrupted");
        let (helper, target) = (dir.helper("helper", "sleep 0.3; exit 0"), Target::new());
        with_alarms(|| UidMap::from(1000).write_by(&target, &helper).expect("no EINTR"));
    });
}

/// A helper that only adds a line to a file, and the path of the file.
fn recording_helper<K: IdKind>(dir: &TestDir) -> (Helper<K>, PathBuf) {
    let record = dir.path("runs");
    (dir.helper("helper", &format!("echo x >> {}", record.display())), record)
}

/// A map is written directly or by a helper, never both, and by none if the plan is impossible.
#[test]
fn a19_direct_or_helper_but_not_both() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        let dir = TestDir::new("one-way");
        let (helper, record) = recording_helper(&dir);
        as_user(|| {
            let writer = Writer::current().expect("read the writer");
            let install = |map: &UidMap, target: &Target| map.install(target, &writer, &helper);
            let target = Target::new();
            let plan = install(&UidMap::current(), &target).expect("direct");
            assert_eq!((plan, record.exists()), (WritePlan::Direct, false));
            assert_eq!(target.rows("uid_map").len(), 1);

            install(&UidMap::current(), &target).expect_err("already written");
            let error = install(&UidMap::from(7), &target).expect_err("not delegated");
            assert!(matches!(error, InstallError::Impossible(Reason::NotDelegated { .. })));
            assert!(!record.exists());

            let target = Target::new();
            let plan = install(&map_of(2), &target).expect("helper");
            assert_eq!(plan, WritePlan::Helper);
            assert_eq!(fs::read_to_string(&record).expect("read"), "x\n", "executed once");
            assert_eq!(target.shown("uid_map"), "", "the helper writes no map");
        });
    });
}

/// The plan refuses a helper under no_new_privs, and the error of a failed helper mentions it.
#[test]
fn a20_no_new_privs_disables_helpers() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        as_user(|| {
            set_no_new_privs(true).expect("prctl");
            let writer = Writer::current().expect("read the writer");
            let map = map_of(2);
            assert_eq!(map.plan(&writer), WritePlan::Impossible(Reason::NoNewPrivs));
            let target = Target::new();
            let error = map.write_by(&target, &Helper::default()).expect_err("refused");
            assert!(error.to_string().contains("no_new_privs"), "{error}");
            assert!(error.to_string().contains("Operation not permitted"), "{error}");
            assert_eq!(UidMap::current().plan(&writer), WritePlan::Direct);
            UidMap::current().write(&target).expect("the own id needs no helper");
        });
    });
}

/// newuidmap works for a caller that is not dumpable, as while another thread starts a process.
#[test]
fn f35_helper_works_for_caller_that_is_not_dumpable() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        as_user(|| {
            set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("prctl");
            let writer = Writer::current().expect("read the writer");
            let (target, map) = (Target::new(), map_of(3));
            let plan = map.install(&target, &writer, &Helper::default());
            assert_eq!(plan.expect("newuidmap"), WritePlan::Helper);
            assert_eq!(UidMap::read(&target).expect("read"), Some(map));
        });
    });
}

/// newgidmap writes `deny` for the caller's own group ID alone, and not for delegated group IDs.
#[test]
fn a21_setgroups_after_newgidmap() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        as_user(|| {
            let writer = Writer::current().expect("read the writer");
            let helper = Helper::default();
            let install = |map: &str, setgroups| {
                let (target, map) = (Target::new(), map.parse::<GidMap>().expect("parse"));
                let plan = map.install(&target, &writer, &helper, setgroups);
                let is_allowed = Setgroups::is_allowed(&target).expect("read");
                (plan.expect("install"), is_allowed)
            };
            let ranges = "0 100000 9";
            assert_eq!(install(ranges, Setgroups::Auto), (WritePlan::Helper, true));
            assert_eq!(install(ranges, Setgroups::Keep), (WritePlan::Helper, true));
            assert_eq!(install(ranges, Setgroups::Deny), (WritePlan::Helper, false));
            assert_eq!(install("0 12345 1", Setgroups::Auto), (WritePlan::Direct, false));

            let target = Target::new();
            GidMap::current().write_by(&target, &helper).expect("newgidmap");
            assert_eq!(target.shown("setgroups"), "deny\n");
        });
    });
}

/// Root writes directly, without delegated IDs.
#[test]
fn a22_root_needs_no_helper() {
    ns_testbed::run_as!([Root], {
        let dir = TestDir::new("root");
        let (helper, record) = recording_helper(&dir);
        let (gid_helper, _) = recording_helper(&dir);
        let writer = Writer::current().expect("read the writer");
        let (uids, gids) = ("0 100000 10,10 5 1".parse(), "0 200000 10,10 7 1".parse());
        let (uids, gids): (UidMap, GidMap) = (uids.expect("parse"), gids.expect("parse"));
        let target = Target::new();
        let plan = uids.install(&target, &writer, &helper).expect("install");
        assert_eq!(plan, WritePlan::Direct);
        gids.install(&target, &writer, &gid_helper, Setgroups::Auto).expect("install");
        assert_eq!(UidMap::read(&target).expect("read"), Some(uids));
        assert_eq!(GidMap::read(&target).expect("read"), Some(gids));
        assert!(!record.exists());
    });
}

/// The plan refuses a helper for a user without a name, as newuidmap does.
#[test]
fn a22_user_without_name() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(&format!("{USER}:100000:65536\n"), "");
        let dir = TestDir::new("passwd");
        let passwd = dir.file("passwd", "root:x:0:0::/:\n");
        let _mount = MountGuard::bind(&passwd, "/etc/passwd");
        as_user(|| {
            let plan = map_of(2).plan(&Writer::current().expect("read the writer"));
            assert_eq!(plan, WritePlan::Impossible(Reason::NoName(USER)));
            in_child(|| {
                let target = Target::new();
                map_of(2).write_by(&target, &Helper::default()).expect_err("newuidmap refuses");
            });
        });
    });
}

/// The error names a helper that gains no privilege: it is not setuid, or its mount is nosuid.
#[test]
fn a20_a_helper_without_privilege_is_named() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        let dir = TestDir::new("unprivileged");
        let program = dir.path("newuidmap");
        let reason = Reason::UnprivilegedHelper { program: program.clone() };
        let mount = || {
            let nosuid = rustix::mount::MountFlags::NOSUID;
            rustix::mount::mount("none", dir.path(""), "tmpfs", nosuid, None).expect("tmpfs");
            MountGuard::adopt(dir.path(""))
        };
        for (mode, is_nosuid) in [(0o755, false), (0o4755, true)] {
            let _mount = is_nosuid.then(mount);
            fs::copy("/usr/bin/newuidmap", &program).expect("copy");
            fs::set_permissions(&program, fs::Permissions::from_mode(mode)).expect("chmod");
            as_user(|| {
                let helper = Helper::at(&program).expect("an absolute path");
                let (target, map) = (Target::new(), map_of(3));
                let error = map.write_by(&target, &helper).expect_err("no privilege");
                assert_eq!(error.reason(), Some(&reason), "{error}");
                assert!(error.to_string().contains("setuid root"), "{error}");
            });
        }
    });
}
