//! `/etc/subuid` and `/etc/subgid`, with newuidmap as the oracle.

use ns_idmap::{Delegation, Extent, Gid, Helper, Owner, SubIds, Uid, UidMap, Writer};
use ns_testbed::USER;
use rustix::thread::CapabilitySet;

use crate::direct::drop_capabilities;
use crate::fixtures::{MountGuard, TestDir, etc_files, needs_helpers};
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
            let sub_uids = Delegation::of(USER).sub_uids;
            let is_delegated = sub_uids.covers(REQUESTED.outside, REQUESTED.length);
            delegating += u32::from(is_delegated);
            as_user(|| {
                let target = Target::new();
                let result = map.write_by(&target, target.pid(), &Helper::default());
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
        assert_eq!(Delegation::of(USER).sub_uids.left(), 0);
        assert_eq!(Delegation::of(USER).sub_gids.left(), 0);
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
        assert_eq!(Delegation::of(USER), Delegation::default());
        std::fs::create_dir(empty.path("subuid")).expect("create a directory");
        SubIds::read::<Uid>(&owner).expect_err("not a file");
        drop(mount);
    });
}

/// Delegated IDs are read if `CAP_SETUID` or `CAP_SETGID` is missing.
#[test]
fn a22_delegation_is_read_without_capabilities() {
    ns_testbed::run_as!([Root], {
        let _etc = etc_files!("root:5:5\n", "");
        let left = || Writer::current().expect("read the writer").delegation.sub_uids.left();
        assert_eq!(left(), 0, "root with all capabilities");
        for dropped in [CapabilitySet::SETUID, CapabilitySet::SETGID] {
            in_child(|| {
                drop_capabilities(dropped);
                assert_eq!(left(), 5);
            });
        }
    });
}
