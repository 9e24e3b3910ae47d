//! Maps whose writer has limited privilege.

use std::thread;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_idmap::{
    Extent, GidMap, Helper, HelperError, InstallError, Setgroups, SubIds, UidMap, WritePlan, Writer,
};
use ns_sys::child::{setresgid, setresuid};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_no_new_privs};

use super::extents::id;
use super::sleeper::Sleeper;

/// A map and the privilege of its writer.
#[derive(Clone, Debug)]
pub struct Privilege {
    extents: Vec<Extent>,
    /// Whether the writer is another user, if the sandbox maps one.
    other_user: bool,
    dropped: CapabilitySet,
    no_new_privs: bool,
    setgroups: Setgroups,
    delegated: (u32, u32),
    /// The program that is run instead of newuidmap and newgidmap.
    helper: &'static str,
}

/// The capabilities that matter for a map, and one that does not.
const CAPABILITIES: [CapabilitySet; 5] = [
    CapabilitySet::SETUID,
    CapabilitySet::SETGID,
    CapabilitySet::SETFCAP,
    CapabilitySet::DAC_OVERRIDE,
    CapabilitySet::SYS_CHROOT,
];

/// Programs that succeed, fail silently, fail with output, or do not exist.
const HELPERS: &[&str] = &["/bin/true", "/bin/true", "/bin/false", "/bin/cat", "/no/such/helper"];

/// The ID of the other user.
const OTHER_USER: u32 = 1000;

impl<'a> Arbitrary<'a> for Privilege {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let extents = (0..u.int_in_range(1..=2)?).map(|n| extent(n, u));
        Ok(Self {
            extents: extents.collect::<Result<_>>()?,
            other_user: u.arbitrary()?,
            dropped: (0..u.int_in_range(0..=3)?)
                .map(|_| u.choose(&CAPABILITIES).copied())
                .collect::<Result<_>>()?,
            no_new_privs: u.ratio(1, 4)?,
            setgroups: *u.choose(&[Setgroups::Auto, Setgroups::Deny, Setgroups::Keep])?,
            // Usually enough for a helper.
            delegated: if u.ratio(1, 3)? { (id(u)?, id(u)?) } else { (0, 1 << 20) },
            helper: *u.choose(HELPERS)?,
        })
    }
}

fn extent(n: u32, u: &mut Unstructured<'_>) -> Result<Extent> {
    let outside = if u.arbitrary()? { *u.choose(&[0, OTHER_USER])? } else { id(u)? };
    let length = *u.choose(&[1, 1, 2, 40])?;
    Ok(Extent { inside: 100 * n, outside, length })
}

impl Privilege {
    fn delegated(&self) -> SubIds {
        SubIds::new([self.delegated])
    }
}

/// Plans the write of a map.
///
/// Oracle: the kernel. The plan is `Direct` if and only if the kernel accepts the map from this writer.
///
/// # Panics
/// If the plan and the kernel disagree.
pub(super) fn privilege(case: &Privilege) {
    // IDs and capabilities belong to a thread, so they change in a thread that exits afterwards.
    let result = thread::scope(|scope| scope.spawn(|| in_thread(case)).join());
    // A change of IDs clears the dumpable attribute of the whole process.
    set_dumpable_behavior(DumpableBehavior::Dumpable).expect("set dumpable");
    result.unwrap_or_else(|_| panic!("{case:?}"));
}

fn in_thread(case: &Privilege) {
    become_writer(case);
    let writer = Writer::current().expect("read the writer");
    if let Ok(map) = UidMap::new(case.extents.iter().copied()) {
        let plan = map.plan(&writer);
        let written = map.write(Sleeper::new());
        assert_eq!(plan == WritePlan::Direct, written.is_ok(), "{map}: {plan:?}, {written:?}");
        check_reason(&plan, written.err());
        check_install(case, &map, writer.clone());
    }
    if let Ok(map) = GidMap::new(case.extents.iter().copied()) {
        group_map(case, &map, &writer);
    }
}

fn become_writer(case: &Privilege) {
    if case.other_user && setresgid(OTHER_USER).is_ok() {
        setresuid(OTHER_USER).expect("setresuid");
    }
    set_dumpable_behavior(DumpableBehavior::Dumpable).expect("set dumpable");
    let mut sets = capabilities(None).expect("read the capabilities");
    sets.effective -= case.dropped;
    set_capabilities(None, sets).expect("capset");
    if case.no_new_privs {
        set_no_new_privs(true).expect("no_new_privs");
    }
}

fn group_map(case: &Privilege, map: &GidMap, writer: &Writer) {
    let plan = map.plan(writer, case.setgroups);
    let sleeper = Sleeper::new();
    let written = map.write(&sleeper, case.setgroups);
    assert_eq!(plan == WritePlan::Direct, written.is_ok(), "{map}: {plan:?}, {written:?}");
    check_reason(&plan, written.as_ref().err());
    let allowed = Setgroups::is_allowed(&sleeper).expect("read setgroups");
    match case.setgroups {
        Setgroups::Deny => assert!(!allowed, "{map}"),
        Setgroups::Keep => assert_eq!(allowed, writer.setgroups_allowed, "{map}"),
        Setgroups::Auto => {}
    }
    let helper = Helper::at(case.helper).expect("an absolute path");
    let result = map.install(Sleeper::new(), writer, &helper, case.setgroups);
    assert_eq!(result.is_ok(), written.is_ok(), "{map}: {result:?}");
    let mut writer = writer.clone();
    writer.delegation.has_name = Some(true);
    writer.delegation.sub_gids = Some(case.delegated());
    if map.plan(&writer, case.setgroups) == WritePlan::Helper {
        let sleeper = Sleeper::new();
        let result = map.install(&sleeper, &writer, &helper, case.setgroups);
        assert!(is_result_of(case.helper, &result), "{map}: {result:?}");
        let denied = !Setgroups::is_allowed(&sleeper).expect("read setgroups");
        assert!(denied || case.setgroups != Setgroups::Deny, "{map}");
    }
}

/// Checks that a failed write reports the reason of the plan, if the plan has one.
fn check_reason(plan: &WritePlan, error: Option<impl std::error::Error>) {
    let Some(text) = error.map(|error| error.to_string()) else { return };
    if let WritePlan::Impossible(reason) = plan {
        assert!(text.contains(&reason.to_string()), "{text}: {reason}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// Installs the map with IDs that are delegated to the writer and that only a helper can write.
fn check_install(case: &Privilege, map: &UidMap, mut writer: Writer) {
    writer.delegation.has_name = Some(true);
    writer.delegation.sub_uids = Some(case.delegated());
    let sleeper = Sleeper::new();
    let helper = Helper::at(case.helper).expect("an absolute path");
    let result = map.install(&sleeper, &writer, &helper);
    match map.plan(&writer) {
        WritePlan::Direct => assert_eq!(sleeper.rows().len(), map.extents().len()),
        WritePlan::Impossible(reason) => {
            assert_eq!(result.expect_err("impossible").to_string(), reason.to_string());
        }
        WritePlan::Helper => assert!(is_result_of(case.helper, &result), "{result:?}"),
    }
}

/// Whether `result` is the outcome of running `helper`.
fn is_result_of(helper: &str, result: &std::result::Result<WritePlan, InstallError>) -> bool {
    let error = match result {
        Ok(plan) => return helper == "/bin/true" && *plan == WritePlan::Helper,
        Err(error) => error.to_string(),
    };
    let expected = match result {
        Err(InstallError::Helper(HelperError::Run { .. })) => "/no/such/helper",
        Err(InstallError::Helper(HelperError::Failed { said, .. })) if said.is_empty() => {
            "/bin/false"
        }
        // cat treats the numbers as file names and prints one error line for each.
        Err(InstallError::Helper(HelperError::Failed { .. })) => "/bin/cat",
        _ => return false,
    };
    helper == expected && error.contains(helper) && error.lines().count() == 1
}
