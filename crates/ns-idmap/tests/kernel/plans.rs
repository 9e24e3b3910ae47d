//! Random maps and capabilities: a plan is `Direct` exactly if the kernel accepts the direct write.

use std::cell::Cell;

use ns_idmap::{Extent, GidMap, Setgroups, UidMap, WritePlan, Writer};
use ns_testbed::{Role, USER, role};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rustix::process::{getegid, geteuid};
use rustix::thread::CapabilitySet;

use crate::direct::drop_capabilities;
use crate::process::{Target, in_child, in_namespace};
use crate::random::{cases, runner};

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

/// Plans and writes a user and a group ID map of the same extents. Returns whether the group ID map
/// was written directly.
fn plan_and_write(extents: &[Extent], setgroups: Setgroups) -> bool {
    let Ok(uids) = UidMap::new(extents.iter().copied()) else { return false };
    let gids = GidMap::new(extents.iter().copied()).expect("the rules are the same");
    let (writer, target) = (Writer::current().expect("read the writer"), Target::new());

    let plan = uids.plan(&writer);
    let kernel = target.write("uid_map", uids.to_string().as_bytes());
    assert_eq!(plan == WritePlan::Direct, kernel.is_ok(), "{uids}{plan:?} {kernel:?}");

    let plan = gids.plan(&writer, setgroups);
    let result = gids.write(&target, setgroups);
    let is_written = result.is_ok();
    assert_eq!(plan == WritePlan::Direct, is_written, "{gids}{setgroups:?} {plan:?} {result:?}");
    plan == WritePlan::Direct
}

fn run(cases: u32) {
    let direct = Cell::new(0_u32);
    let setgroups = select(&[Setgroups::Auto, Setgroups::Deny, Setgroups::Keep][..]);
    runner(cases)
        .run(&(extents(), setgroups, dropped()), |(extents, setgroups, dropped)| {
            if dropped.is_empty() {
                direct.set(direct.get() + u32::from(plan_and_write(&extents, setgroups)));
            } else {
                in_child(|| {
                    drop_capabilities(dropped);
                    plan_and_write(&extents, setgroups);
                });
            }
            Ok(())
        })
        .expect("every plan agrees with the kernel");
    let role = role().name();
    println!("shown: {cases} plans as {role} agree; {} direct for groups", direct.get());
    assert!(direct.get() > 0, "an unbalanced sample");
}

/// In each role, with some capabilities dropped.
#[test]
fn a10_plans_agree_with_kernel() {
    ns_testbed::run_as!([Root, User, Nested], {
        run(cases(400) / 10 * 3);
    });
}

/// In a namespace whose map has two extents.
#[test]
fn a09_plans_agree_with_kernel_in_nested_namespace() {
    ns_testbed::run_as!([Root], {
        let parent = "0 100000 10\n10 200000 10\n";
        in_namespace(parent, parent, || run(cases(400) / 10 * 3));
    });
}
