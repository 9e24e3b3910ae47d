//! Direct writes: which maps a process may write without a helper.

use ns_idmap::{GidMap, Helper, ProcError, Reason, Setgroups, UidMap, WritePlan, Writer};
use rustix::process::{DumpableBehavior, getegid, geteuid, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::fixtures::{etc_files, needs_helpers};
use crate::helper::{DELEGATED, map_of};
use crate::process::{Target, as_user, become_user, in_child, unshare_user};

/// The reason in the error of a refused write.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, ProcError>) -> Reason {
    match result.expect_err("refused") {
        ProcError::Open { why: Some(why), .. } | ProcError::Write { why: Some(why), .. } => why,
        other => panic!("{other:?}"),
    }
}

/// Three extents in one write. A second write is refused with its own reason.
#[test]
fn a07_one_write_for_all_lines() {
    ns_testbed::run_as!([Root], {
        let (target, text) = (Target::new(), "0 100000 5\n5 7 1\n6 200000 9\n");
        let map: UidMap = text.parse().expect("parse");
        map.write(&target).expect("write");
        assert_eq!(target.rows("uid_map"), [[0, 100_000, 5], [5, 7, 1], [6, 200_000, 9]]);
        assert_eq!(refusal(map.write(&target)), Reason::AlreadyWritten);
    });
}

/// A second write through a helper is refused with the same reason as a direct one.
#[test]
fn a07_second_write_by_a_helper() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        as_user(|| {
            let (target, writer) = (Target::new(), Writer::current().expect("read the writer"));
            let uids = map_of(3);
            uids.install(&target, &writer, &Helper::default()).expect("newuidmap");
            let error = uids.install(&target, &writer, &Helper::default()).expect_err("again");
            assert_eq!(error.reason(), Some(&Reason::AlreadyWritten));
            assert!(error.to_string().contains("a map has been written already"), "{error}");
            let gids: GidMap = "0 100000 9".parse().expect("parse");
            gids.write_by(&target, &Helper::default()).expect("newgidmap");
            let error = gids.write_by(&target, &Helper::default()).expect_err("again");
            assert_eq!(error.reason(), Some(&Reason::AlreadyWritten));
        });
    });
}

/// A valid write succeeds after a refused one.
#[test]
fn a07_refused_write_does_not_count() {
    ns_testbed::run_as!([User], {
        let (target, own) = (Target::new(), geteuid().as_raw());
        UidMap::from(own + 1).write(&target).expect_err("the id of another user");
        UidMap::from(own).write(&target).expect("the caller's own id");
        assert_eq!(target.rows("uid_map"), [[0, own, 1]]);
    });
}

/// An unprivileged writer may map its own ID alone, and its group ID only after `deny`.
#[test]
fn a10_unprivileged_writer() {
    ns_testbed::run_as!([User], {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let (own, next) = (format!("{uid} {uid} 1"), uid + 1);
        UidMap::current().write(Target::new()).expect("own id to 0");
        own.parse::<UidMap>().expect("parse").write(Target::new()).expect("own id to itself");
        for refused in [
            format!("0 {next} 1"),
            format!("0 {uid} 2"),
            format!("0 {uid} 1,1 {next} 1"),
            "0 0 1".to_owned(),
        ] {
            let map: UidMap = refused.parse().expect("parse");
            let reason = refusal(map.write(Target::new()));
            assert!(matches!(reason, Reason::NotDelegated { .. }), "{refused}: {reason:?}");
            let writer = Writer::current().expect("read the writer");
            assert_eq!(map.plan(&writer), WritePlan::Impossible(reason));
        }
        let target = Target::new();
        let gids = GidMap::current();
        assert_eq!(refusal(gids.write(&target, Setgroups::Keep)), Reason::SetgroupsKept);
        gids.write(&target, Setgroups::Auto).expect("write after deny");
        assert_eq!(target.rows("gid_map"), [[0, gid, 1]]);
    });
}

/// `Auto` writes `deny` exactly if the kernel requires it.
#[test]
fn a11_setgroups_auto() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (target, gids) = (Target::new(), GidMap::current());
        let before = target.shown("setgroups");
        gids.write(&target, Setgroups::Auto).expect("write");
        let denied = ns_testbed::role() != ns_testbed::Role::Root;
        assert_eq!(target.shown("setgroups"), if denied { "deny\n" } else { "allow\n" });
        assert_eq!(Setgroups::is_allowed(&target).expect("read"), !denied);
        if ns_testbed::role() == ns_testbed::Role::Nested {
            assert_eq!(before, "deny\n", "inherited from the parent namespace");
        }
    });
}

/// `deny` is written on request by a privileged writer too, and cannot be written after the map.
#[test]
fn a11_setgroups_deny_before_map() {
    ns_testbed::run_as!([Root], {
        let ranges: GidMap = "0 100000 10,10 5 1".parse().expect("parse");
        let target = Target::new();
        ranges.write(&target, Setgroups::Auto).expect("write");
        assert_eq!(target.shown("setgroups"), "allow\n");
        Setgroups::deny(&target).expect_err("after the map");
        let error = ranges.write(&target, Setgroups::Deny).expect_err("after the map").to_string();
        assert!(error.starts_with("could not write setgroups: a map has been written"), "{error}");

        let target = Target::new();
        ranges.write(&target, Setgroups::Deny).expect("write");
        assert_eq!(target.shown("setgroups"), "deny\n");
    });
}

/// Capabilities in the new namespace do not apply to its parent, so a writer inside needs `deny`.
#[test]
fn a11_setgroups_from_inside() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let (uids, gids) = (UidMap::current(), GidMap::current());
            unshare_user();
            let own = std::fs::File::open("/proc/self").expect("open");
            gids.write(&own, Setgroups::Keep).expect_err("setgroups is allow");
            gids.write(&own, Setgroups::Auto).expect("gid_map");
            uids.write(&own).expect("uid_map");
            assert!(!Setgroups::is_allowed(&own).expect("read"));
        });
    });
}

/// Drops capabilities of the calling process.
pub(crate) fn drop_capabilities(dropped: CapabilitySet) {
    let now = capabilities(None).expect("capget");
    let (effective, permitted) = (now.effective - dropped, now.permitted - dropped);
    set_capabilities(None, CapabilitySets { effective, permitted, ..now }).expect("capset");
}

/// User ID 0 of the parent needs `CAP_SETFCAP`; group ID 0 does not.
#[test]
fn a12_mapping_root_needs_setfcap() {
    ns_testbed::run_as!([Root, Nested], {
        in_child(|| {
            drop_capabilities(CapabilitySet::SETFCAP);
            let map = UidMap::from(0);
            let error = map.write(Target::new()).expect_err("refused");
            assert!(error.to_string().contains("CAP_SETFCAP"), "{error}");
            let writer = Writer::current().expect("read the writer");
            assert_eq!(map.plan(&writer), WritePlan::Impossible(Reason::NoSetfcap));
            assert_eq!(GidMap::from(0).plan(&writer, Setgroups::Auto), WritePlan::Direct);
            GidMap::from(0).write(Target::new(), Setgroups::Auto).expect("write gid_map");
        });
    });
}

#[test]
fn a12_other_ids_need_no_setfcap() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            drop_capabilities(CapabilitySet::SETFCAP);
            UidMap::from(1000).write(Target::new()).expect("write one id");
            "0 1 5,5 7 9".parse::<UidMap>().expect("parse").write(Target::new()).expect("write");
        });
    });
}

/// The error names the capability that root lacks.
#[test]
fn a10_root_without_setuid() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            drop_capabilities(CapabilitySet::SETUID | CapabilitySet::SETGID);
            let reason = refusal(UidMap::from(1000).write(Target::new()));
            assert_eq!(reason, Reason::NoCapability("CAP_SETUID"));
            let reason = refusal(GidMap::from(1000).write(Target::new(), Setgroups::Auto));
            assert_eq!(reason, Reason::NoCapability("CAP_SETGID"));
            UidMap::from(0).write(Target::new()).expect("the own id needs no CAP_SETUID");
        });
    });
}

/// A change of IDs makes a process not dumpable, so root owns the files of its children.
#[test]
fn a14_not_dumpable() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            become_user();
            let map = UidMap::current();
            let error = map.write(Target::new()).expect_err("EACCES");
            assert!(error.to_string().contains("not dumpable"), "{error}");
            assert_eq!(refusal(map.write(Target::new())), Reason::NotDumpable);
            set_dumpable_behavior(DumpableBehavior::Dumpable).expect("prctl");
            map.write(Target::new()).expect("write");
        });
    });
}

/// Another thread may clear the "dumpable" attribute for a moment. The plan stays the same.
#[test]
fn f35_plan_does_not_depend_on_dumpable() {
    ns_testbed::run_as!([User, Nested], {
        let plans = || {
            let writer = Writer::current().expect("read the writer");
            let gids = GidMap::current().plan(&writer, Setgroups::Auto);
            [
                UidMap::current().plan(&writer),
                gids,
                UidMap::from(geteuid().as_raw() + 1).plan(&writer),
            ]
        };
        set_dumpable_behavior(DumpableBehavior::Dumpable).expect("prctl");
        let before = plans();
        assert_eq!(before[..2], [WritePlan::Direct, WritePlan::Direct]);
        set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("prctl");
        assert_eq!(plans(), before);
    });
}

/// The map of another user's process is refused with the right reason.
#[test]
fn a13_process_of_another_user() {
    ns_testbed::run_as!([Root], {
        let target = Target::new();
        as_user(|| assert_eq!(refusal(UidMap::current().write(&target)), Reason::NotTheParent));
        assert_eq!(target.shown("uid_map"), "");
    });
}
