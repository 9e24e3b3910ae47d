//! Plans for given writers, without the system's state.

use ns_idmap::{
    Delegation, GidMap, Owner, Reason, RuleError, Setgroups, SubIds, UidMap, WritePlan, Writer,
};

const USER: u32 = 1000;

fn uids(text: &str) -> UidMap {
    text.parse().expect("parse")
}

/// An unprivileged user with delegated IDs.
fn user() -> Writer {
    let mut writer = Writer::unprivileged(USER, USER);
    writer.delegation = delegation();
    writer
}

fn delegation() -> Delegation {
    let owner = Owner::from_passwd("alice:x:1000:1000::/:", USER);
    let ids = SubIds::parse("alice:100000:65536\n", &owner);
    let mut delegation = Delegation::none();
    delegation.has_name = Some(true);
    (delegation.sub_uids, delegation.sub_gids) = (Some(ids.clone()), Some(ids));
    delegation
}

fn root() -> Writer {
    let mut writer = Writer::unprivileged(0, 0);
    writer.capabilities.setuid = true;
    writer.capabilities.setgid = true;
    writer.capabilities.setfcap = true;
    writer
}

/// The reason of an impossible plan, or the name of the plan.
fn outcome(plan: WritePlan) -> String {
    match plan {
        WritePlan::Impossible(reason) => reason.to_string(),
        plan => format!("{plan:?}"),
    }
}

#[test]
fn a10_a22_direct_helper_or_impossible() {
    for (text, writer, expected) in [
        ("0 1000 1", user(), "Direct"),
        ("1000 1000 1", user(), "Direct"),
        ("0 1000 1,1 100000 65536", user(), "Helper"),
        ("0 100000 1", user(), "Helper"),
        ("0 0 4294967295", root(), "Direct"),
        ("5 5 1,9 9 9", root(), "Direct"),
        (
            "0 1000 2",
            user(),
            "entry 1 (0 1000 2): only the caller's user ID 1000 and the IDs that /etc/subuid delegates to the caller, 100000:65536, can be mapped; use these IDs",
        ),
        (
            "0 1000 1,1 165536 1",
            user(),
            "entry 2 (1 165536 1): only the caller's user ID 1000 and the IDs that /etc/subuid delegates to the caller, 100000:65536, can be mapped; use these IDs",
        ),
        (
            "0 0 1",
            user(),
            "entry 1 (0 0 1): only the caller's user ID 1000 and the IDs that /etc/subuid delegates to the caller, 100000:65536, can be mapped; use these IDs",
        ),
    ] {
        assert_eq!(outcome(uids(text).plan(&writer)), expected, "{text}");
    }
}

/// The reason has the own ID, the delegated IDs, and advice that fits.
#[test]
fn a22_reason_has_the_own_and_the_delegated_ids() {
    let reason_of = |text: &str| {
        let mut writer = Writer::unprivileged(12345, 54321);
        writer.delegation.has_name = Some(true);
        let ids = SubIds::parse(text, &Owner::named(12345, ["alice"]));
        (writer.delegation.sub_uids, writer.delegation.sub_gids) = (Some(ids.clone()), Some(ids));
        let gids: GidMap = "0 1000 1".parse().expect("parse");
        let gids = outcome(gids.plan(&writer, Setgroups::Auto));
        assert!(
            gids.contains("the caller's group ID 54321 ") && gids.contains("/etc/subgid"),
            "{gids}"
        );
        outcome(UidMap::from(1000).plan(&writer))
    };
    let begin = "entry 1 (0 1000 1): only the caller's user ID 12345";
    assert_eq!(
        reason_of("alice:100000:65536\n"),
        format!(
            "{begin} and the IDs that /etc/subuid delegates to the caller, 100000:65536, can be mapped; use these IDs"
        )
    );
    assert_eq!(
        reason_of(""),
        format!(
            "{begin} can be mapped, because /etc/subuid delegates no IDs to the caller; map this ID alone, or ask root to add a line such as USER:100000:65536 to /etc/subuid"
        )
    );
    let many = ["10000", "20000", "30000", "40000", "50000"]
        .map(|n| ["alice:", n, ":9\n"].concat())
        .concat();
    let reason = reason_of(&many);
    assert!(
        reason
            .contains("to the caller, 10000:9, 20000:9, 30000:9, 40000:9, ..., can be mapped; use"),
        "{reason}"
    );
    let reason = reason_of(" alice:100000:65536\n");
    let line =
        "; /etc/subuid, line 1 (\" alice:100000:65536\") is skipped: a blank before the name";
    assert!(reason.ends_with(line), "{reason}");
}

/// What is unknown is left to the helper.
#[test]
fn a23_unknown_delegation_is_left_to_the_helper() {
    let ranges = uids("0 1000 1,1 100000 9");
    let mut writer = user();
    writer.delegation.sub_uids = None;
    assert_eq!(ranges.plan(&writer), WritePlan::Helper);
    writer.delegation.has_name = None;
    assert_eq!(ranges.plan(&writer), WritePlan::Helper);
    writer.delegation = Delegation::unknown();
    assert_eq!(ranges.plan(&writer), WritePlan::Helper);
    // newgidmap might write "deny" for the own ID.
    let kept = GidMap::from(USER).plan(&writer, Setgroups::Keep);
    assert_eq!(kept, WritePlan::Impossible(Reason::SetgroupsKept));
    writer.no_new_privs = true;
    assert_eq!(ranges.plan(&writer), WritePlan::Impossible(Reason::NoNewPrivs));
}

#[test]
fn a12_uid_zero_needs_setfcap() {
    let mut writer = root();
    writer.capabilities.setfcap = false;
    assert_eq!(uids("0 0 1").plan(&writer), WritePlan::Impossible(Reason::NoSetfcap));
    assert_eq!(uids("0 5 1,5 0 2").plan(&writer), WritePlan::Impossible(Reason::NoSetfcap));
    assert_eq!(uids("0 5 1,5 1 2").plan(&writer), WritePlan::Direct);
    let gids: GidMap = "0 0 1".parse().expect("parse");
    assert_eq!(gids.plan(&writer, Setgroups::Auto), WritePlan::Direct);
}

#[test]
fn a20_a22_helper_is_impossible() {
    let ranges = uids("0 1000 1,1 100000 9");
    let mut writer = user();
    writer.no_new_privs = true;
    assert_eq!(ranges.plan(&writer), WritePlan::Impossible(Reason::NoNewPrivs));
    assert_eq!(UidMap::from(USER).plan(&writer), WritePlan::Direct);

    let mut writer = user();
    writer.delegation.has_name = Some(false);
    assert_eq!(ranges.plan(&writer), WritePlan::Impossible(Reason::NoName(USER)));

    let mut writer = user();
    writer.euid = 0;
    assert_eq!(ranges.plan(&writer), WritePlan::Impossible(Reason::NoCapability("CAP_SETUID")));
}

#[test]
fn a11_gid_map_depends_on_setgroups() {
    let own = GidMap::from(USER);
    let mut writer = user();
    assert_eq!(own.plan(&writer, Setgroups::Auto), WritePlan::Direct);
    assert_eq!(own.plan(&writer, Setgroups::Deny), WritePlan::Direct);
    let kept = own.plan(&writer, Setgroups::Keep);
    assert_eq!(kept, WritePlan::Impossible(Reason::SetgroupsKept));
    writer.setgroups_allowed = false;
    assert_eq!(own.plan(&writer, Setgroups::Keep), WritePlan::Direct);

    let mut writer = user();
    writer.delegation.sub_gids = Some(SubIds::new([(USER, 1)]));
    assert_eq!(own.plan(&writer, Setgroups::Keep), WritePlan::Helper);
    let ranges: GidMap = "0 100000 9".parse().expect("parse");
    let undelegated = outcome(ranges.plan(&writer, Setgroups::Auto));
    assert!(undelegated.contains("/etc/subgid"), "{undelegated}");
    assert_eq!(ranges.plan(&user(), Setgroups::Keep), WritePlan::Helper);

    let mut writer = root();
    writer.capabilities.setgid = false;
    let plan = ranges.plan(&writer, Setgroups::Auto);
    assert_eq!(plan, WritePlan::Impossible(Reason::NoCapability("CAP_SETGID")));
}

#[test]
fn a09_map_must_fit_parent() {
    let mut writer = root();
    writer.uid_map = Some(uids("0 100000 10,10 200000 10"));
    assert_eq!(uids("0 0 10,10 10 10").plan(&writer), WritePlan::Direct);
    for (text, reason) in [
        (
            "70 19 1,0 5 10",
            "entry 2 (0 5 10) lies in two extents of the parent's map; split it with split_at",
        ),
        ("0 15 6", "entry 1 (0 15 6): the parent's map has no ID 20; use IDs that it maps"),
        (
            "0 100000 1",
            "entry 1 (0 100000 1): the parent's map has no ID 100000; use IDs that it maps",
        ),
    ] {
        assert_eq!(outcome(uids(text).plan(&writer)), reason);
    }
}

#[test]
fn a08_invalid_id_is_refused() {
    let plan = UidMap::from(u32::MAX).plan(&root());
    assert!(
        matches!(plan, WritePlan::Impossible(Reason::Rule(RuleError::NotAnId { .. }))),
        "{plan:?}"
    );
}
