//! Who may write what by himself.

use ns_idmap::{GidMap, ProcError, Reason, Setgroups, UidMap, WritePlan, Writer};
use rustix::process::{DumpableBehavior, getegid, geteuid, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::process::{Target, as_user, become_user, in_child, unshare_user};

/// What the error of a refused write says.
pub(crate) fn why<T: std::fmt::Debug>(result: Result<T, ProcError>) -> Reason {
    match result.expect_err("refused") {
        ProcError::Open { why: Some(why), .. } | ProcError::Write { why: Some(why), .. } => why,
        other => panic!("{other:?}"),
    }
}

/// Three extents arrive, so it was one write; a second one is told apart.
#[test]
fn a07_one_write_for_all_lines() {
    ns_testbed::run_as!([Root], {
        let (target, text) = (Target::new(), "0 100000 5\n5 7 1\n6 200000 9\n");
        let map: UidMap = text.parse().expect("parse");
        map.write(&target).expect("write");
        assert_eq!(target.rows("uid_map"), [[0, 100_000, 5], [5, 7, 1], [6, 200_000, 9]]);
        assert_eq!(why(map.write(&target)), Reason::AlreadyWritten);
    });
}

/// A refused write does not use up the chance.
#[test]
fn a07_a_refused_write_changes_nothing() {
    ns_testbed::run_as!([User], {
        let (target, own) = (Target::new(), geteuid().as_raw());
        UidMap::from(own + 1).write(&target).expect_err("another's id");
        UidMap::from(own).write(&target).expect("one's own id");
        assert_eq!(target.rows("uid_map"), [[0, own, 1]]);
    });
}

/// Without privilege: one's own id alone, and the group only after deny.
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
            let reason = why(map.write(Target::new()));
            assert!(matches!(reason, Reason::NotDelegated { .. }), "{refused}: {reason:?}");
            assert_eq!(map.plan(&Writer::current().expect("facts")), WritePlan::Impossible(reason));
        }
        let target = Target::new();
        let gids = GidMap::current();
        assert_eq!(why(gids.write(&target, Setgroups::Keep)), Reason::SetgroupsKept);
        gids.write(&target, Setgroups::Auto).expect("after deny");
        assert_eq!(target.rows("gid_map"), [[0, gid, 1]]);
    });
}

/// deny exactly where the kernel demands it.
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
            assert_eq!(before, "deny\n", "from the namespace above");
        }
    });
}

/// deny when asked for, with privilege too, and never after the map.
#[test]
fn a11_setgroups_deny_and_order() {
    ns_testbed::run_as!([Root], {
        let ranges: GidMap = "0 100000 10,10 5 1".parse().expect("parse");
        let target = Target::new();
        ranges.write(&target, Setgroups::Auto).expect("write");
        assert_eq!(target.shown("setgroups"), "allow\n");
        Setgroups::deny(&target).expect_err("too late");
        let error = ranges.write(&target, Setgroups::Deny).expect_err("too late").to_string();
        assert!(error.starts_with("could not write setgroups: a map has been written"), "{error}");

        let target = Target::new();
        ranges.write(&target, Setgroups::Deny).expect("write");
        assert_eq!(target.shown("setgroups"), "deny\n");
    });
}

/// Capabilities inside are none over the parent: one who has unshared needs deny.
#[test]
fn a11_setgroups_from_inside() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let (uids, gids) = (UidMap::current(), GidMap::current());
            unshare_user();
            let own = std::fs::File::open("/proc/self").expect("open");
            gids.write(&own, Setgroups::Keep).expect_err("allow is kept");
            gids.write(&own, Setgroups::Auto).expect("gid_map");
            uids.write(&own).expect("uid_map");
            assert!(!Setgroups::is_allowed(&own).expect("read"));
        });
    });
}

/// Leaves out capabilities in this process.
pub(crate) fn drop_capabilities(dropped: CapabilitySet) {
    let now = capabilities(None).expect("capget");
    let (effective, permitted) = (now.effective - dropped, now.permitted - dropped);
    set_capabilities(None, CapabilitySets { effective, permitted, ..now }).expect("capset");
}

/// Uid 0 of the parent asks for CAP_SETFCAP; gid 0 does not.
#[test]
fn a12_mapping_root_needs_setfcap() {
    ns_testbed::run_as!([Root, Nested], {
        in_child(|| {
            drop_capabilities(CapabilitySet::SETFCAP);
            let map = UidMap::from(0);
            let error = map.write(Target::new()).expect_err("refused");
            assert!(error.to_string().contains("CAP_SETFCAP"), "{error}");
            let writer = Writer::current().expect("facts");
            assert_eq!(map.plan(&writer), WritePlan::Impossible(Reason::NoSetfcap));
            assert_eq!(GidMap::from(0).plan(&writer, Setgroups::Auto), WritePlan::Direct);
            GidMap::from(0).write(Target::new(), Setgroups::Auto).expect("groups");
        });
    });
}

/// The same without id 0 passes.
#[test]
fn a12_other_ids_do_not() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            drop_capabilities(CapabilitySet::SETFCAP);
            UidMap::from(1000).write(Target::new()).expect("another id");
            "0 1 5,5 7 9".parse::<UidMap>().expect("parse").write(Target::new()).expect("ranges");
        });
    });
}

/// Root without its capability has no way, and is told which capability it was.
#[test]
fn a10_root_without_setuid() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            drop_capabilities(CapabilitySet::SETUID | CapabilitySet::SETGID);
            let reason = why(UidMap::from(1000).write(Target::new()));
            assert_eq!(reason, Reason::NoCapability("CAP_SETUID"));
            let reason = why(GidMap::from(1000).write(Target::new(), Setgroups::Auto));
            assert_eq!(reason, Reason::NoCapability("CAP_SETGID"));
            UidMap::from(0).write(Target::new()).expect("one's own id needs no CAP_SETUID");
        });
    });
}

/// A change of ids makes a process not dumpable, and its children's files root's.
#[test]
fn a14_not_dumpable() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            become_user();
            let map = UidMap::current();
            let error = map.write(Target::new()).expect_err("EACCES");
            assert!(error.to_string().contains("not dumpable"), "{error}");
            assert_eq!(why(map.write(Target::new())), Reason::NotDumpable);
            set_dumpable_behavior(DumpableBehavior::Dumpable).expect("dumpable");
            map.write(Target::new()).expect("write");
        });
    });
}

/// A plan is the same while another thread has cleared the dumpable flag for a moment.
#[test]
fn f35_a_plan_does_not_see_the_dumpable_flag() {
    ns_testbed::run_as!([User, Nested], {
        let plans = || {
            let writer = Writer::current().expect("facts");
            let gids = GidMap::current().plan(&writer, Setgroups::Auto);
            [
                UidMap::current().plan(&writer),
                gids,
                UidMap::from(geteuid().as_raw() + 1).plan(&writer),
            ]
        };
        set_dumpable_behavior(DumpableBehavior::Dumpable).expect("dumpable");
        let before = plans();
        assert_eq!(before[..2], [WritePlan::Direct, WritePlan::Direct]);
        set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("not dumpable");
        assert_eq!(plans(), before);
    });
}

/// Another user's process is refused without a wrong explanation.
#[test]
fn a13_a_strangers_process() {
    ns_testbed::run_as!([Root], {
        let target = Target::new();
        as_user(|| assert_eq!(why(UidMap::current().write(&target)), Reason::NotTheParent));
        assert_eq!(target.shown("uid_map"), "");
    });
}
