//! Mounts of all kinds in a root with hostile contents.

mod case;
mod mountinfo;
mod world;

use std::path::Component;

use ns_fs::{Mount, RootPlan, Step, StepError};
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::{forked, refuse};

pub use case::HostileMounts;

use case::Change;
use mountinfo::Mountinfo;
use world::{JAIL, SOURCES, World};

/// How far a case came: the exit codes of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// All steps were made.
    End,
    /// A step after the change of root failed.
    Workdir,
    /// An earlier step failed.
    Failure,
    /// The caller's half refused the settings.
    Refused,
}

impl Reached {
    const ALL: [Self; 4] = [Self::End, Self::Workdir, Self::Failure, Self::Refused];

    fn of(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|reached| *reached as i32 == code)
    }
}

/// Applies a plan in its own mount namespace, below mounts that are shared.
///
/// Oracle: the kernel's list of mounts. Each new mount lies in the new root, the other mounts and those of the caller do
/// not change, nor do files outside the root. No descriptor stays open. An error names a mount and its path, and the
/// description has each target.
///
/// # Panics
/// If one of these does not hold.
pub fn mounts(case: &HostileMounts) {
    reached(case);
}

fn reached(case: &HostileMounts) -> Reached {
    let code = forked(|| in_world(case) as i32);
    Reached::of(code).unwrap_or_else(|| panic!("{code}: {case:?}"))
}

/// The caller: it makes the plan, and may not change.
fn in_world(case: &HostileMounts) -> Reached {
    let world = World::enter(&case.tree);
    if case.missing_for_caller {
        case.missing.iter().for_each(|call| refuse(*call, Errno::NOSYS));
    }
    let Some((plan, mounts)) = case.plan() else { return Reached::Refused };
    check_description(&plan, &mounts);
    let (before, canaries) = (world.mount_points(), World::canaries());
    let code = forked(|| in_own_mounts(case, &plan, &world) as i32);
    let reached = Reached::of(code).unwrap_or_else(|| panic!("{code}: {}", plan.describe()));
    assert_eq!(world.mount_points(), before, "the caller's mounts");
    assert_eq!(World::canaries(), canaries, "files outside the root");
    reached
}

/// The owner of the mount namespace: it sees all mounts, whatever root its child has.
fn in_own_mounts(case: &HostileMounts, plan: &RootPlan, world: &World) -> Reached {
    if case.in_user_namespace {
        enter_user_namespace();
    } else {
        unshare(UnshareFlags::NEWNS).expect("unshare");
    }
    let before = world.mounts();
    let code = forked(|| in_child(case, plan, world) as i32);
    let reached = Reached::of(code).unwrap_or_else(|| panic!("{code}: {}", plan.describe()));
    let after = world.mounts();
    if case.change == Change::Pivot {
        check_pivoted(case, &before, &after, reached);
    } else {
        let outside: Vec<_> = after.added(&before).filter(|line| !line.is_below(JAIL)).collect();
        assert!(outside.is_empty(), "mounts outside the root: {outside:?}");
        check_outer(&before, &after);
    }
    reached
}

fn enter_user_namespace() {
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS).expect("unshare");
    for (file, text) in [("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")] {
        std::fs::write(format!("/proc/self/{file}"), text).expect("write a map");
    }
}

/// With pivot_root(2) no outer mount is left; before it, only the new root is attached to one.
fn check_pivoted(case: &HostileMounts, before: &Mountinfo, after: &Mountinfo, reached: Reached) {
    if reached != Reached::Failure {
        assert!(!after.intersects(before), "outer mounts in the new root: {after:?}");
        let root = after.root().expect("a root");
        assert!(!case.read_only || root.attributes.starts_with("ro"), "{root:?}");
        return;
    }
    let attached: Vec<_> = after.added(before).filter(|line| before.has_parent(line)).collect();
    assert!(attached.len() <= 1, "{attached:?}");
    assert!(attached.iter().all(|line| line.point == "/"), "{attached:?}");
    check_outer(before, after);
}

/// The mounts outside the root, and of the sources, are unchanged.
fn check_outer(before: &Mountinfo, after: &Mountinfo) {
    let mut outer = after.outside(&[JAIL, SOURCES]);
    let unchanged = before.outside(&[JAIL, SOURCES]);
    outer.retain(|id, _| unchanged.contains_key(id));
    assert_eq!(outer, unchanged, "outer mounts");
}

/// The process that applies the plan.
fn in_child(case: &HostileMounts, plan: &RootPlan, world: &World) -> Reached {
    if case.change == Change::Current {
        rustix::process::chroot(JAIL).expect("chroot");
        rustix::process::chdir("/").expect("chdir");
    }
    if !case.missing_for_caller {
        case.missing.iter().for_each(|call| refuse(*call, Errno::NOSYS));
    }
    let before = world.descriptors();
    let applied = plan.apply();
    assert_eq!(world.descriptors(), before, "descriptors: {applied:?}");
    match applied {
        Ok(()) => Reached::End,
        Err(error) => {
            check_error(case, plan, error);
            if error.step == Step::Workdir { Reached::Workdir } else { Reached::Failure }
        }
    }
}

/// The error is about one of the mounts, or about the root; its path is known.
fn check_error(case: &HostileMounts, plan: &RootPlan, error: StepError) {
    let explained = plan.explain(&error);
    let index = match error.step {
        Step::Mount(index) | Step::MountTarget(index) => index,
        Step::MountSource { mount, .. } => mount,
        Step::OpenRoot | Step::PivotRoot | Step::Chroot | Step::ReadOnlyRoot => {
            let root = if case.change == Change::Current { "/" } else { JAIL };
            assert_eq!(explained.path.as_deref(), Some(root.as_ref()), "{error:?}");
            return;
        }
        Step::Workdir => {
            assert!(explained.path.is_some(), "{error:?} {explained}");
            return;
        }
        Step::DetachOldRoot => return,
        step => panic!("{step:?} cannot fail here: {}", error.errno),
    };
    assert!(usize::try_from(index).expect("small") < case.mounts.len(), "{error:?}");
    assert!(explained.path.is_some(), "{error:?} {explained}");
}

/// Each target is in the description, as one path or as a directory and a name.
fn check_description(plan: &RootPlan, mounts: &[Mount]) {
    let text = plan.describe().to_string();
    for mount in mounts {
        let names = mount.target().components().filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let names: Vec<_> = names.collect();
        let Some((last, parents)) = names.split_last() else { continue };
        let has = |path: &str| text.contains(&format!("{path:?}"));
        let parent = if parents.is_empty() { ".".to_owned() } else { parents.join("/") };
        let found = has(&names.join("/")) || has(last) && has(&parent);
        assert!(found, "{} is not in {text}", mount.target().display());
    }
}

#[cfg(test)]
mod tests {
    use arbitrary::{Arbitrary, Unstructured};

    use super::*;

    #[test]
    fn many_inputs_succeed_and_many_fail() {
        ns_testbed::run_as!([Root, User, Nested], {
            let code = forked(|| {
                crate::sandbox::enter().expect("enter");
                let draw =
                    |bytes: &Vec<u8>| HostileMounts::arbitrary(&mut Unstructured::new(bytes));
                let cases: Vec<_> = crate::noise().iter().take(120).map(draw).collect();
                let reached = cases.iter().map(|case| reached(case.as_ref().expect("a case")));
                let reached: Vec<_> = reached.collect();
                let count = |of| reached.iter().filter(|reached| **reached == of).count();
                let counts = Reached::ALL.map(count);
                println!("shown: {counts:?} of {:?}", Reached::ALL);
                assert!(counts[0] >= 20 && counts[2] >= 20 && counts[3] <= 40, "{counts:?}");
                0
            });
            assert_eq!(code, 0);
        });
    }
}
