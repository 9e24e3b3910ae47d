//! Maps that somebody writes who may not write all.

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

/// A map, and who writes it.
#[derive(Clone, Debug)]
pub struct Privilege {
    extents: Vec<Extent>,
    /// Another user, where the sandbox has more than one.
    other: bool,
    dropped: CapabilitySet,
    no_new_privs: bool,
    setgroups: Setgroups,
    delegated: (u32, u32),
    /// What stands in for newuidmap and newgidmap.
    helper: &'static str,
}

/// Those that decide, and one that does not.
const CAPABILITIES: [CapabilitySet; 5] = [
    CapabilitySet::SETUID,
    CapabilitySet::SETGID,
    CapabilitySet::SETFCAP,
    CapabilitySet::DAC_OVERRIDE,
    CapabilitySet::SYS_CHROOT,
];

/// What ends well, silently, with many words, or not at all.
const HELPERS: &[&str] = &["/bin/true", "/bin/true", "/bin/false", "/bin/cat", "/no/such/helper"];

/// The other user.
const OTHER: u32 = 1000;

impl<'a> Arbitrary<'a> for Privilege {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let extents = (0..u.int_in_range(1..=2)?).map(|n| extent(n, u));
        Ok(Self {
            extents: extents.collect::<Result<_>>()?,
            other: u.arbitrary()?,
            dropped: (0..u.int_in_range(0..=3)?)
                .map(|_| u.choose(&CAPABILITIES).copied())
                .collect::<Result<_>>()?,
            no_new_privs: u.ratio(1, 4)?,
            setgroups: *u.choose(&[Setgroups::Auto, Setgroups::Deny, Setgroups::Keep])?,
            // Mostly enough for a helper.
            delegated: if u.ratio(1, 3)? { (id(u)?, id(u)?) } else { (0, 1 << 20) },
            helper: *u.choose(HELPERS)?,
        })
    }
}

fn extent(n: u32, u: &mut Unstructured<'_>) -> Result<Extent> {
    let outside = if u.arbitrary()? { *u.choose(&[0, OTHER])? } else { id(u)? };
    let length = *u.choose(&[1, 1, 2, 40])?;
    Ok(Extent { inside: 100 * n, outside, length })
}

impl Privilege {
    fn delegated(&self) -> SubIds {
        let (first, count) = self.delegated;
        SubIds::new([(first.into(), count.into())])
    }
}

/// Oracle: the kernel: the plan says `Direct` exactly where it takes the map from this writer.
///
/// # Panics
/// Where they disagree.
pub(super) fn privilege(case: &Privilege) {
    // Ids and capabilities are a thread's, and this one has them for the rest of its life.
    let done = thread::scope(|scope| scope.spawn(|| in_thread(case)).join());
    // An id that changes clears the flag for all threads.
    set_dumpable_behavior(DumpableBehavior::Dumpable).expect("dumpable");
    done.unwrap_or_else(|_| panic!("{case:?}"));
}

fn in_thread(case: &Privilege) {
    become_writer(case);
    let writer = Writer::current().expect("the writer");
    if let Ok(map) = UidMap::new(case.extents.iter().copied()) {
        let plan = map.plan(&writer);
        let written = map.write(Sleeper::new());
        assert_eq!(plan == WritePlan::Direct, written.is_ok(), "{map}: {plan:?}, {written:?}");
        explained(&plan, written.err());
        installed(case, &map, writer.clone());
    }
    if let Ok(map) = GidMap::new(case.extents.iter().copied()) {
        group_map(case, &map, &writer);
    }
}

fn become_writer(case: &Privilege) {
    if case.other && setresgid(OTHER).is_ok() {
        setresuid(OTHER).expect("setresuid");
    }
    set_dumpable_behavior(DumpableBehavior::Dumpable).expect("dumpable");
    let mut sets = capabilities(None).expect("own capabilities");
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
    explained(&plan, written.as_ref().err());
    let allowed = Setgroups::is_allowed(&sleeper).expect("a file");
    match case.setgroups {
        Setgroups::Deny => assert!(!allowed, "{map}"),
        Setgroups::Keep => assert_eq!(allowed, writer.setgroups_allowed, "{map}"),
        Setgroups::Auto => {}
    }
    let helper = Helper::at(case.helper).expect("an absolute path");
    let done = map.install(Sleeper::new(), 0, writer, &helper, case.setgroups);
    assert_eq!(done.is_ok(), written.is_ok(), "{map}: {done:?}");
    let mut writer = writer.clone();
    writer.delegation.has_name = true;
    writer.delegation.sub_gids = case.delegated();
    if map.plan(&writer, case.setgroups) == WritePlan::Helper {
        let sleeper = Sleeper::new();
        let done = map.install(&sleeper, 0, &writer, &helper, case.setgroups);
        assert!(as_the_helper(case.helper, &done), "{map}: {done:?}");
        let denied = !Setgroups::is_allowed(&sleeper).expect("a file");
        assert!(denied || case.setgroups != Setgroups::Deny, "{map}");
    }
}

/// What failed says why: the plan's own reason, where there is one.
fn explained(plan: &WritePlan, error: Option<impl std::error::Error>) {
    let Some(text) = error.map(|error| error.to_string()) else { return };
    if let WritePlan::Impossible(reason) = plan {
        assert!(text.contains(&reason.to_string()), "{text}: {reason}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// With ids delegated to the writer, which nobody but a helper can write.
fn installed(case: &Privilege, map: &UidMap, mut writer: Writer) {
    writer.delegation.has_name = true;
    writer.delegation.sub_uids = case.delegated();
    let sleeper = Sleeper::new();
    let helper = Helper::at(case.helper).expect("an absolute path");
    let done = map.install(&sleeper, 0, &writer, &helper);
    match map.plan(&writer) {
        WritePlan::Direct => assert_eq!(sleeper.rows().len(), map.extents().len()),
        WritePlan::Impossible(reason) => {
            assert_eq!(done.expect_err("impossible").to_string(), reason.to_string());
        }
        WritePlan::Helper => assert!(as_the_helper(case.helper, &done), "{done:?}"),
    }
}

/// Whether it ended as that helper does.
fn as_the_helper(helper: &str, done: &std::result::Result<WritePlan, InstallError>) -> bool {
    let error = match done {
        Ok(plan) => return helper == "/bin/true" && *plan == WritePlan::Helper,
        Err(error) => error.to_string(),
    };
    let ends = match done {
        Err(InstallError::Helper(HelperError::Run { .. })) => "/no/such/helper",
        Err(InstallError::Helper(HelperError::Failed { said, .. })) if said.is_empty() => {
            "/bin/false"
        }
        // No number is a file here, and each is a line.
        Err(InstallError::Helper(HelperError::Failed { .. })) => "/bin/cat",
        _ => return false,
    };
    helper == ends && error.contains(helper) && error.lines().count() == 1
}
