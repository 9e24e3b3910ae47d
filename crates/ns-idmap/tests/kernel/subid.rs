//! `/etc/subuid` and `/etc/subgid`, with newuidmap as the oracle.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use ns_idmap::{
    Delegation, Extent, Gid, Helper, Owner, Reason, SubIds, Uid, UidMap, WritePlan, Writer,
};
use ns_testbed::USER;
use rustix::thread::CapabilitySet;

use crate::direct::drop_capabilities;
use crate::fixtures::{MountGuard, TestDir, etc_files, needs_helpers};
use crate::helper::{DELEGATED, map_of};
use crate::process::{Target, as_user, in_child};

const REQUESTED: Extent = Extent { inside: 0, outside: 100_000, length: 10 };

const FILES: &[&str] = &[
    "tester:100000:65536\n",
    "12345:100000:65536",
    "alias:100000:65536\n",
    "\n\n \nroot:1:1\njunk\n:::\ntester:100000:65536\n\n",
    "tester:100000:5\ntester:100005:5\n",
    "tester:100000:5\n12345:100005:5\n",
    "tester:100005:5\nalias:100000:7\n",
    "tester:100000:5\ntester:100006:5\n",
    "tester:100000:9\n",
    "tester:100001:65536\n",
    "tester:100000:10",
    "",
    "root:100000:65536\n",
    "0:100000:65536\n",
    "012345:100000:65536\n",
    "12345abc:100000:65536\n",
    "tester2:100000:65536\n",
    "test:100000:65536\n",
    " tester:100000:65536\n",
    "\ttester:100000:65536\n",
    "tester :100000:65536\n",
    "tester: 100000:65536\n",
    "tester:\t100000: +65536\n",
    "tester:+100000:\r65536\n",
    "tester:+ 100000:65536\n",
    "tester:++100000:65536\n",
    "tester: 0x186a0: 020\n",
    "tester:100000 :65536\n",
    "tester:100000:65536 \n",
    "tester:100000:65536\r\n",
    "root:1:1\r\ntester:100000:65536\r\n",
    "tester:100000:65536:\r\n",
    "\u{feff}tester:100000:65536\n",
    "tester 100000 65536\n",
    "TESTER:100000:65536\n",
    "#tester:100000:65536\n",
    "tester:100000\n",
    "tester::65536\n",
    "tester:100000:\n",
    ":100000:65536\n",
    "tester:100000:65536:more\n",
    "tester:100000abc:65536\n",
    "tester:0x186a0:0x10\n",
    "tester:0X186A0:0X10\n",
    "tester:0303240:020\n",
    "tester:0303248:020\n",
    "tester:0100000:65536\n",
    "tester:100000:0\n",
    "tester:0:4294967295\n",
    "tester:1:99999999999\n",
    "tester:100000:18446744073709551615\n",
    "tester:100000:18446744073709551616\n",
    "tester:-1:100010\n",
];

/// A file delegates the requested IDs exactly if newuidmap writes them.
#[test]
fn a23_subuid_agrees_with_newuidmap() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let map = UidMap::new([REQUESTED]).expect("a valid map");
        let mut delegating = 0;
        for text in FILES {
            let _etc = etc_files!(text, "");
            let sub_uids = Delegation::of(USER).sub_uids.expect("a readable file");
            let is_delegated = sub_uids.covers(REQUESTED.outside, REQUESTED.length);
            delegating += u32::from(is_delegated);
            as_user(|| {
                let target = Target::new();
                let result = map.write_by(&target, &Helper::default());
                assert_eq!(is_delegated, result.is_ok(), "{text:?}: {result:?}");
            });
        }
        let count = FILES.len();
        println!("shown: {count} subuid files read as newuidmap does, {delegating} delegate");
    });
}

/// A count of 0 delegates no IDs. In shadow it delegates all, because it computes the last ID as 0 - 1.
#[test]
fn a23_count_of_zero_delegates_nothing() {
    ns_testbed::run_as!([Root], {
        let _etc = etc_files!("tester:0:0\n", "tester:0:0\n");
        let delegation = Delegation::of(USER);
        assert_eq!(delegation.sub_uids.expect("readable").left(), 0);
        assert_eq!(delegation.sub_gids.expect("readable").left(), 0);
    });
}

/// A missing file delegates nothing. A file that cannot be read is an error.
#[test]
fn a23_missing_and_unreadable_files() {
    ns_testbed::run_as!([Root], {
        let empty = TestDir::new("no-files");
        let owner = Owner::nameless(USER);
        let mount = MountGuard::bind(&empty.path(""), "/etc");
        assert_eq!(SubIds::read::<Uid>(&owner).expect("no file"), SubIds::default());
        assert_eq!(SubIds::read::<Gid>(&owner).expect("no file"), SubIds::default());
        Owner::of(USER).expect_err("no user database");
        assert_eq!(Delegation::of(USER), Delegation::none());
        fs::create_dir(empty.path("subuid")).expect("create a directory");
        SubIds::read::<Uid>(&owner).expect_err("not a file");
        let known = Delegation::of(USER);
        assert_eq!((known.sub_uids, known.sub_gids), (None, Some(SubIds::default())));
        fs::create_dir(empty.path("passwd")).expect("create a directory");
        assert_eq!(Delegation::of(USER), Delegation::unknown());
        drop(mount);
    });
}

/// newuidmap can read a file that the caller cannot read. The plan leaves the decision to it.
#[test]
fn a23_unreadable_file_is_left_to_newuidmap() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        let private = Permissions::from_mode(0o600);
        fs::set_permissions("/etc/subuid", private).expect("chmod");
        as_user(|| {
            let writer = Writer::current().expect("read the writer");
            assert_eq!(writer.delegation.sub_uids, None);
            assert!(writer.delegation.sub_gids.as_ref().is_some_and(|ids| ids.left() == 65536));
            let (target, map) = (Target::new(), map_of(3));
            assert_eq!(map.plan(&writer), WritePlan::Helper);
            map.install(&target, &writer, &Helper::default()).expect("newuidmap");
            assert_eq!(UidMap::read(&target).expect("read"), Some(map));

            let refused: UidMap = "0 200000 3".parse().expect("parse");
            assert_eq!(refused.plan(&writer), WritePlan::Helper);
            let error = refused.install(Target::new(), &writer, &Helper::default());
            let error = error.expect_err("not delegated");
            let reason = Reason::UnknownDelegation { file: "/etc/subuid", errno: libc::EACCES };
            assert_eq!(error.reason(), Some(&reason));
            let message = error.to_string();
            assert!(
                message.contains("uid range [0-3) -> [200000-200003) not allowed"),
                "{message}"
            );
            assert!(message.contains("/etc/subuid cannot be read (Permission denied"), "{message}");
        });
    });
}

/// A line of the user that newuidmap skips is named in the reason.
#[test]
fn a23_reason_names_the_skipped_line() {
    ns_testbed::run_as!([Root], {
        let _etc = etc_files!("root:1:1\ntester:100000:65536\r\n", "");
        as_user(|| {
            let plan = map_of(3).plan(&Writer::current().expect("read the writer"));
            let WritePlan::Impossible(reason) = plan else { panic!("{plan:?}") };
            let line = "/etc/subuid, line 2 (\"tester:100000:65536\\r\") is skipped: a carriage return at its end";
            assert!(reason.to_string().ends_with(line), "{reason}");
        });
    });
}

/// Delegated IDs are read if `CAP_SETUID` or `CAP_SETGID` is missing.
#[test]
fn a22_delegation_is_read_without_capabilities() {
    ns_testbed::run_as!([Root], {
        let _etc = etc_files!("root:5:5\n", "");
        let delegation = || Writer::current().expect("read the writer").delegation;
        assert_eq!(delegation(), Delegation::unknown(), "root with all capabilities");
        for dropped in [CapabilitySet::SETUID, CapabilitySet::SETGID] {
            in_child(|| {
                drop_capabilities(dropped);
                assert_eq!(delegation().sub_uids.expect("readable").left(), 5);
            });
        }
    });
}

/// If nsswitch.conf names another source, the files do not count, and the plan leaves the decision to the helper.
#[test]
fn a23_another_source_is_left_to_newuidmap() {
    ns_testbed::run_as!([Root], {
        let _etc = etc_files!(DELEGATED, DELEGATED);
        let dir = TestDir::new("source");
        let bind = |text| MountGuard::bind(&dir.file("nsswitch.conf", text), "/etc/nsswitch.conf");
        if !std::path::Path::new("/etc/nsswitch.conf").exists() {
            ns_testbed::skip!("needs /etc/nsswitch.conf");
        }
        for (text, source) in [("subid: sss\n", Some("sss")), ("subid: files\n", None)] {
            let _mount = bind(text);
            let delegation = Delegation::of(USER);
            assert_eq!(delegation.source.as_deref(), source);
            assert_eq!(delegation.has_name, Some(true));
            assert_eq!(delegation.sub_uids.is_none(), source.is_some());
            assert_eq!(delegation.sub_gids.is_none(), source.is_some());
            let mut writer = Writer::unprivileged(USER, USER);
            writer.delegation = delegation;
            let foreign: UidMap = "0 200000 3".parse().expect("parse");
            assert_eq!(foreign.plan(&writer) == WritePlan::Helper, source.is_some());
        }
    });
}
