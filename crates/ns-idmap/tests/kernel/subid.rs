//! `/etc/subuid`, with newuidmap as the oracle.

use ns_idmap::{Delegation, Extent, Gid, Helper, Owner, SubIds, Uid, UidMap, Writer};
use ns_testbed::USER;
use rustix::thread::CapabilitySet;

use crate::direct::drop_capabilities;
use crate::fixture::{Etc, Folder, Over};
use crate::process::{Target, as_user, in_child};

const WANTED: Extent = Extent { inside: 0, outside: 100_000, length: 10 };

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

/// Ours are the user's lines as shadow reads them: never another's, and none forgotten.
#[test]
fn a23_subuid_as_newuidmap_reads_it() {
    ns_testbed::run_as!([Root], {
        if !std::path::Path::new("/usr/bin/newuidmap").exists() {
            ns_testbed::skip!("needs newuidmap");
        }
        let map = UidMap::new([WANTED]).expect("a map");
        let mut delegated = 0;
        for file in FILES {
            let Some(_etc) = Etc::new(file, "") else {
                ns_testbed::skip!("needs /etc/subuid and /etc/subgid");
            };
            let ours = Delegation::of(USER).sub_uids.covers(WANTED.outside, WANTED.length);
            delegated += u32::from(ours);
            as_user(|| {
                let target = Target::new();
                let theirs = map.write_by(&target, target.pid(), &Helper::default());
                assert_eq!(ours, theirs.is_ok(), "{file:?}: {theirs:?}");
            });
        }
        println!(
            "shown: {} subuid files read as newuidmap does, {delegated} delegate",
            FILES.len()
        );
    });
}

/// Of this line shadow makes every id, because its last id is 0 - 1; we make none of it.
#[test]
fn a23_no_ids_are_no_ids() {
    ns_testbed::run_as!([Root], {
        let Some(_etc) = Etc::new("tester:0:0\n", "tester:0:0\n") else {
            ns_testbed::skip!("needs /etc/subuid and /etc/subgid");
        };
        assert_eq!(Delegation::of(USER).sub_uids.left(), 0);
        assert_eq!(Delegation::of(USER).sub_gids.left(), 0);
    });
}

/// No file delegates nothing; a file that cannot be read is an error.
#[test]
fn a23_missing_and_unreadable() {
    ns_testbed::run_as!([Root], {
        let empty = Folder::new("no-files");
        let owner = Owner::nameless(USER);
        let over = Over::bind(&empty.path(""), "/etc");
        assert_eq!(SubIds::read::<Uid>(&owner).expect("no file"), SubIds::default());
        assert_eq!(SubIds::read::<Gid>(&owner).expect("no file"), SubIds::default());
        Owner::of(USER).expect_err("no user database");
        assert_eq!(Delegation::of(USER), Delegation::default());
        std::fs::create_dir(empty.path("subuid")).expect("a folder in its place");
        SubIds::read::<Uid>(&owner).expect_err("not a file");
        drop(over);
    });
}

/// Who lacks one of the two capabilities may need what is delegated.
#[test]
fn a22_delegation_is_read_for_who_may_need_it() {
    ns_testbed::run_as!([Root], {
        let Some(_etc) = Etc::new("root:5:5\n", "") else {
            ns_testbed::skip!("needs /etc/subuid and /etc/subgid");
        };
        let left = || Writer::current().expect("facts").delegation.sub_uids.left();
        assert_eq!(left(), 0, "root with all its capabilities");
        for dropped in [CapabilitySet::SETUID, CapabilitySet::SETGID] {
            in_child(|| {
                drop_capabilities(dropped);
                assert_eq!(left(), 5);
            });
        }
    });
}
