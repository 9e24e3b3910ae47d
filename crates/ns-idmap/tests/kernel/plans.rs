//! Random maps and rights: a plan says Direct exactly when the kernel takes the direct write.

use std::cell::Cell;

use ns_idmap::{Extent, GidMap, Setgroups, UidMap, WritePlan, Writer};
use ns_testbed::{Role, USER, role};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rustix::process::{getegid, geteuid};
use rustix::thread::CapabilitySet;

use crate::count::cases;
use crate::direct::drop_capabilities;
use crate::oracle::runner;
use crate::process::{Target, in_child, in_namespace};

fn extents() -> impl Strategy<Value = Vec<Extent>> {
    let (uid, gid) = match role() {
        Role::User => (geteuid().as_raw(), getegid().as_raw()),
        Role::Root | Role::Nested => (USER, USER),
    };
    let own = prop_oneof![Just(uid), Just(gid)];
    let outside = prop_oneof![3 => Just(0), 1 => 1_u32..25, 3 => own, 1 => Just(uid + 1)];
    let length = prop_oneof![3 => Just(1_u32), 1 => 2_u32..12];
    let extent = (0_u32..30, outside, length).prop_map(|(inside, outside, length)| Extent {
        inside,
        outside,
        length,
    });
    prop_oneof![2 => prop::collection::vec(extent.clone(), 1), 1 => prop::collection::vec(extent, 2)]
}

fn dropped() -> impl Strategy<Value = CapabilitySet> {
    let all = vec![CapabilitySet::SETUID, CapabilitySet::SETGID, CapabilitySet::SETFCAP];
    let some = subsequence(all, 1..=3).prop_map(|set| set.into_iter().collect());
    prop_oneof![2 => Just(CapabilitySet::empty()), 1 => some]
}

/// Both kinds of map from the same extents, planned and then written.
fn check(extents: &[Extent], setgroups: Setgroups) -> bool {
    let Ok(uids) = UidMap::new(extents.iter().copied()) else { return false };
    let gids = GidMap::new(extents.iter().copied()).expect("the rules are the same");
    let (writer, target) = (Writer::current().expect("facts"), Target::new());

    let plan = uids.plan(&writer);
    let kernel = target.write("uid_map", uids.to_string().as_bytes());
    assert_eq!(plan == WritePlan::Direct, kernel.is_ok(), "{uids}{plan:?} {kernel:?}");

    let plan = gids.plan(&writer, setgroups);
    let done = gids.write(&target, setgroups);
    assert_eq!(plan == WritePlan::Direct, done.is_ok(), "{gids}{setgroups:?} {plan:?} {done:?}");
    plan == WritePlan::Direct
}

fn run(cases: u32) {
    let direct = Cell::new(0_u32);
    let setgroups = select(&[Setgroups::Auto, Setgroups::Deny, Setgroups::Keep][..]);
    runner(cases)
        .run(&(extents(), setgroups, dropped()), |(extents, setgroups, dropped)| {
            if dropped.is_empty() {
                direct.set(direct.get() + u32::from(check(&extents, setgroups)));
            } else {
                in_child(|| {
                    drop_capabilities(dropped);
                    check(&extents, setgroups);
                });
            }
            Ok(())
        })
        .expect("every plan holds");
    let role = role().name();
    println!("shown: {cases} plans as {role} held; {} of them direct for groups", direct.get());
    assert!(direct.get() > 0, "a lopsided sample");
}

/// In each role, with capabilities left out here and there.
#[test]
fn a10_plans_are_what_the_kernel_does() {
    ns_testbed::run_as!([Root, User, Nested], {
        run(cases(400) / 10 * 3);
    });
}

/// Below a parent with two extents.
#[test]
fn a09_plans_below_a_parents_map() {
    ns_testbed::run_as!([Root], {
        let parent = "0 100000 10\n10 200000 10\n";
        in_namespace(parent, parent, || run(cases(400) / 10 * 3));
    });
}
