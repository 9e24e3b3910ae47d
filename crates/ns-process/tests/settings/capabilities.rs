//! The five capability sets of the program.

use crate::common::{assert_refused, filter, in_child, printed, shell};
use ns_process::{
    Builder, Capabilities, CapabilitySet, Container, Errno, Init, Inject, Namespace, Step,
};
use ns_testbed::{Role, USER, role};
use proptest::prelude::*;

/// The sets of a program, in the order of `/proc/self/status`.
const FIELDS: [&str; 5] = ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"];

fn status() -> Container {
    let mut container = Container::new("cat");
    container.arg("/proc/self/status");
    container
}

/// As root of a new user namespace.
fn status_inside() -> Container {
    let mut container = status();
    container.namespace(Namespace::User).map_zero();
    container
}

/// The sets of a program that prints its status.
fn sets<Kind>(builder: &Builder<Kind>) -> Capabilities {
    parse(&printed(builder))
}

fn parse(status: &str) -> Capabilities {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the field");
        CapabilitySet::from_bits_retain(u64::from_str_radix(line.trim(), 16).expect("a set"))
    };
    let [inheritable, permitted, effective, bounding, ambient] = FIELDS.map(field);
    Capabilities { bounding, permitted, effective, inheritable, ambient }
}

/// Starts a closure, which must return 0.
fn ends_well(closure: &Container) {
    in_child(|| assert_eq!(closure.status().expect("start").code(), Some(0)));
}

/// The permitted capabilities of this process.
fn own() -> CapabilitySet {
    parse(&std::fs::read_to_string("/proc/self/status").expect("read")).permitted
}

/// All capabilities of this kernel.
fn all() -> CapabilitySet {
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").expect("read");
    let last: u32 = last.trim().parse().expect("a number");
    CapabilitySet::from_bits_retain(u64::MAX >> (63 - last))
}

/// `keep_only` sets all five sets, for uid 0 and for another uid, in a new user namespace and in that of the caller.
#[test]
fn keep_only_sets_exactly_the_given_capabilities() {
    ns_testbed::run_as!([Root, User, Nested], {
        let kept = CapabilitySet::NET_BIND_SERVICE | CapabilitySet::CHOWN;
        for set in [CapabilitySet::empty(), kept, all(), CapabilitySet::all()] {
            let exact = Capabilities::only(set & all());
            let mut inside = status_inside();
            inside.keep_only(set);
            assert_eq!(sets(&inside), exact);
            assert_eq!(inside.get_capability_sets(), Some(Capabilities::only(set)));
            assert_eq!(sets(inside.no_new_privs().seccomp(filter::allow_all())), exact);
            let mut other = status();
            let uid = rustix::process::geteuid().as_raw();
            other.namespace(Namespace::User).keep_only(set);
            other.uid_map(format!("7 {uid} 1").parse().expect("map"));
            assert_eq!(sets(&other), exact);
            let set = set & own();
            let exact = Capabilities::only(set);
            if role() != Role::User {
                assert_eq!(sets(status().keep_only(set)), exact);
                assert_eq!(sets(status().keep_only(set).seccomp(filter::allow_all())), exact);
            }
            if role() == Role::Root {
                assert_eq!(sets(status().keep_only(set).uid(USER).gid(USER)), exact);
                let mut filtered = status();
                filtered.keep_only(set).uid(USER).seccomp(filter::allow_all());
                assert_eq!(sets(&filtered), exact);
            }
        }
    });
}

/// With an init, both process 1 and the program have exactly these capabilities.
#[test]
fn keep_only_applies_to_an_init_and_its_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = shell("cat /proc/1/status; echo; cat /proc/self/status");
        container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero();
        container.mount_proc().init(Init::builtin()).keep_only(CapabilitySet::KILL);
        let printed = printed(&container);
        let (init, program) = printed.split_once("\n\n").expect("two files");
        assert_eq!(parse(init), Capabilities::only(CapabilitySet::KILL));
        assert_eq!(parse(program), Capabilities::only(CapabilitySet::KILL));
    });
}

/// An injected program has exactly these capabilities over the joined user namespace.
#[test]
fn keep_only_applies_to_an_injected_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut target = Container::new("sleep");
        let target = target.arg("1000").namespaces(["user", "uts"]).map_zero().start();
        let target = target.expect("start");
        let mut inject = Inject::new(&target, "cat");
        inject.arg("/proc/self/status").keep_only(CapabilitySet::KILL);
        assert_eq!(sets(&inject), Capabilities::only(CapabilitySet::KILL));
        target.kill().expect("kill");
        target.join().expect("join");
    });
}

/// A closure runs with the sets as they are.
#[test]
fn a_closure_has_the_sets_as_they_are() {
    ns_testbed::run_as!([Root, User, Nested], {
        let wanted = Capabilities {
            permitted: CapabilitySet::CHOWN | CapabilitySet::KILL,
            effective: CapabilitySet::KILL,
            inheritable: CapabilitySet::SYS_BOOT,
            ..Capabilities::default()
        };
        let mut closure = Container::from_fn(move || {
            let status = std::fs::read_to_string("/proc/self/status").expect("status");
            i32::from(parse(&status) != wanted)
        });
        closure.namespace(Namespace::User).map_zero().capability_sets(wanted);
        ends_well(&closure);
    });
}

/// Ambient capabilities of the caller leave the set, even if they stay permitted and inheritable.
#[test]
fn ambient_capabilities_of_the_caller_do_not_stay() {
    ns_testbed::run_as!([Root, Nested], {
        let all = CapabilitySet::CHOWN | CapabilitySet::KILL | CapabilitySet::SETPCAP;
        let mut outer = Container::from_fn(move || {
            let wanted = Capabilities { ambient: CapabilitySet::CHOWN, ..Capabilities::only(all) };
            i32::from(sets(status().capability_sets(wanted)) != wanted)
        });
        ends_well(outer.keep_only(all));
    });
}

/// A caller whose bounding set is small enough already needs no CAP_SETPCAP.
#[test]
fn keep_only_repeats_without_privilege() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut outer = Container::from_fn(|| {
            let again = sets(status().keep_only(CapabilitySet::empty()));
            let more = status().keep_only(CapabilitySet::CHOWN).start().expect_err("more");
            assert_eq!(
                more.object(),
                Some(
                    "keep_only: needs CAP_CHOWN, which the caller does not have, or a new user namespace"
                )
            );
            i32::from(again != Capabilities::default())
        });
        outer.namespace(Namespace::User).map_zero().keep_only(CapabilitySet::empty());
        ends_well(&outer);
    });
}

/// A caller without privilege cannot reduce its bounding set.
#[test]
fn f12_refused_capability_sets_are_named() {
    ns_testbed::run_as!([User], {
        let error = status().keep_only(CapabilitySet::empty()).start().expect_err("no privilege");
        assert_eq!((error.step(), error.errno()), (Step::Capabilities, Some(Errno::PERM)));
        let error = status().keep_only(CapabilitySet::CHOWN).start().expect_err("no capability");
        assert_eq!(error.step(), Step::Check);
    });
}

/// The bounding set cannot grow.
#[test]
fn f12_a_larger_bounding_set_is_refused() {
    ns_testbed::run_as!([Root, Nested], {
        let mut outer = Container::from_fn(|| {
            let wanted = Capabilities { bounding: CapabilitySet::CHOWN, ..Capabilities::default() };
            let error = status().capability_sets(wanted).start().expect_err("it was dropped");
            i32::from((error.step(), error.errno()) != (Step::Capabilities, Some(Errno::PERM)))
        });
        outer.keep_only(CapabilitySet::SETPCAP);
        ends_well(&outer);
    });
}

/// Sets that break a rule of the kernel are refused with the rule.
#[test]
fn invalid_capability_sets_are_refused() {
    let chown = CapabilitySet::CHOWN;
    let none = Capabilities::default();
    let mut container = status_inside();
    let effective = Capabilities { effective: chown, ..none };
    let message = "capability_sets: effective: CAP_CHOWN is not permitted";
    assert_refused(container.capability_sets(effective), message);
    let ambient = Capabilities { ambient: chown, inheritable: chown, ..none };
    let message = "capability_sets: ambient: CAP_CHOWN is not permitted";
    assert_refused(container.capability_sets(ambient), message);
    let ambient = Capabilities { ambient: chown, permitted: chown, ..none };
    let message = "capability_sets: ambient: CAP_CHOWN is not inheritable";
    assert_refused(container.capability_sets(ambient), message);
    let mut both = status_inside();
    both.keep_only(chown).drop_capabilities(chown);
    assert_refused(&both, "keep_only: conflicts with drop_capabilities");
    let mut both = status_inside();
    both.keep_only(chown).keep_capabilities(chown);
    assert_refused(&both, "keep_only: conflicts with keep_capabilities");
    let mut inject = Inject::new(1, "true");
    inject.match_privileges().capability_sets(Capabilities { bounding: chown, ..none });
    assert_refused(&inject, "capability_sets: conflicts with match_privileges");
}

/// The sets after execve(2) of a program without set-user-ID bit and file capabilities, by capabilities(7).
fn after_exec(sets: Capabilities, uid: u32, no_new_privs: bool) -> Capabilities {
    let from_file =
        if uid == 0 { sets.bounding | sets.inheritable } else { CapabilitySet::empty() };
    // With no_new_privs, execve(2) adds nothing.
    let gains = !(from_file - sets.permitted).is_empty();
    let from_file = if gains && no_new_privs { from_file & sets.permitted } else { from_file };
    let permitted = from_file | sets.ambient;
    let effective = if uid == 0 { permitted } else { sets.ambient };
    Capabilities { permitted, effective, ..sets }
}

/// Capabilities of every kernel that the crate supports.
fn any_set() -> impl Strategy<Value = CapabilitySet> {
    let few = proptest::collection::vec(0_u32..38, 0..4)
        .prop_map(|all| all.into_iter().fold(0, |set, number| set | 1 << number));
    let many = any::<u64>().prop_map(|set| set & ((1 << 38) - 1));
    prop_oneof![few, many].prop_map(CapabilitySet::from_bits_retain)
}

/// Five sets that obey the rules of the kernel.
fn any_sets() -> impl Strategy<Value = Capabilities> {
    let sets = (any_set(), any_set(), any_set(), any_set(), any_set());
    sets.prop_map(|(bounding, permitted, effective, inheritable, ambient)| Capabilities {
        bounding,
        permitted,
        effective: effective & permitted,
        inheritable,
        ambient: ambient & permitted & inheritable,
    })
}

/// The part of the sets that a caller with the capabilities `own` can give.
fn within(sets: Capabilities, own: CapabilitySet) -> Capabilities {
    Capabilities {
        bounding: sets.bounding & own,
        permitted: sets.permitted & own,
        effective: sets.effective & own,
        inheritable: sets.inheritable & own,
        ambient: sets.ambient & own,
    }
}

/// The program has the sets that capabilities(7) computes, for random sets.
#[test]
fn random_sets_pass_execve_as_documented() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own_uid = rustix::process::geteuid().as_raw();
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) };
        let inputs = (any_sets(), prop_oneof![Just(0), Just(7)], any::<bool>());
        proptest!(config, |((wanted, uid, no_new_privs) in inputs)| {
            let mut container = status();
            container.namespace(Namespace::User).capability_sets(wanted);
            container.uid_map(format!("{uid} {own_uid} 1").parse().expect("map"));
            if no_new_privs {
                container.no_new_privs();
            }
            prop_assert_eq!(sets(&container), after_exec(wanted, uid, no_new_privs));
            if role() == Role::Root {
                let mut outside = status();
                let wanted = within(wanted, own());
                outside.capability_sets(wanted).uid(if uid == 0 { 0 } else { USER });
                if no_new_privs {
                    outside.no_new_privs();
                }
                prop_assert_eq!(sets(&outside), after_exec(wanted, uid, no_new_privs));
            }
        });
    });
}
