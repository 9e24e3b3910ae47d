//! Path resolution in a root with hostile contents.

use std::path::{Path, PathBuf};

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_fs::{Mount, Root, RootPlan, Step, StepError, Workdir};
use ns_sys::Errno;

use super::isolated_fs::{IsolatedFs, JAIL};
use super::model;
use super::tree::{self, Tree};

/// A tree, the mounts in it, and the working directory.
#[derive(Clone, Debug)]
pub struct HostileRoot {
    tree: Tree,
    mounts: Vec<(String, bool)>,
    workdir: Option<(String, bool)>,
    by_chroot: bool,
    /// Whether openat2(2) is missing, as before Linux 5.6.
    without_openat2: bool,
}

impl<'a> Arbitrary<'a> for HostileRoot {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mounts = (0..u.int_in_range(0..=3)?).map(|_| Ok((tree::path(u)?, u.arbitrary()?)));
        Ok(Self {
            mounts: mounts.collect::<Result<_>>()?,
            tree: Tree::draw(u)?,
            workdir: if u.arbitrary()? { Some((tree::any_path(u)?, u.arbitrary()?)) } else { None },
            by_chroot: u.arbitrary()?,
            without_openat2: u.ratio(1, 4)?,
        })
    }
}

/// The result of a plan: the mount points, and the working directory or the step that failed.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    mounts: Vec<String>,
    workdir: std::result::Result<PathBuf, StepError>,
}

/// Applies a root plan in a private mount namespace, on a tmpfs.
///
/// Oracle: a model of path resolution in which the root is the whole file system. The plan must also leave everything
/// outside the root unchanged.
///
/// # Panics
/// If the kernel resolves a path differently, or something outside the root has changed.
pub fn root_path(hostile: &HostileRoot) {
    let (real, expected) = std::thread::scope(|scope| {
        let real = scope.spawn(|| real(hostile)).join();
        (real.expect("the plan is applied"), expected(hostile))
    });
    assert_eq!(real, expected, "{hostile:?}");
}

fn plan(hostile: &HostileRoot) -> RootPlan {
    let root = if hostile.by_chroot { Root::chroot(JAIL) } else { Root::pivot(JAIL) };
    let mount = |(path, create): &(String, bool)| {
        let mount = Mount::tmpfs(path);
        if *create { mount.create() } else { mount }
    };
    let root = hostile.mounts.iter().map(mount).fold(root, Root::mount);
    let workdir = hostile.workdir.as_ref().map_or(Workdir::default(), |(path, create)| {
        let workdir = Workdir::new(path);
        if *create { workdir.create() } else { workdir }
    });
    RootPlan::new(root, workdir).expect("valid paths")
}

/// Applies the plan. Call it in a new thread, which the private mount namespace belongs to.
fn real(hostile: &HostileRoot) -> Outcome {
    let plan = plan(hostile);
    let isolated = IsolatedFs::enter(&hostile.tree);
    let before = isolated.outside();
    if hostile.without_openat2 {
        ns_testbed::refuse(libc::SYS_openat2, Errno::NOSYS);
    }
    let applied = plan.apply();
    let workdir = applied.map(|()| std::env::current_dir().expect("a directory inside the root"));
    assert_eq!(isolated.outside(), before, "the plan has changed a file outside: {hostile:?}");
    Outcome { mounts: below_jail(isolated.mount_points()), workdir }
}

/// Removes the prefix of the new root, which the paths have if the plan failed before the root changed.
fn below_jail(points: Vec<String>) -> Vec<String> {
    let inside = |point: String| point.strip_prefix(JAIL).map_or(point.clone(), str::to_owned);
    let names = points.into_iter().map(inside).map(|point| point.trim_matches('/').to_owned());
    names.filter(|point| !point.is_empty()).collect()
}

fn expected(hostile: &HostileRoot) -> Outcome {
    let mut tree = hostile.tree.clone();
    let mut mounts = Vec::new();
    for (index, (path, create)) in (0..).zip(&hostile.mounts) {
        match target(&mut tree, path, *create, hostile.without_openat2) {
            Ok(point) => {
                tree.cover(&point);
                mounts.push(point);
            }
            Err((step, errno)) => {
                let error = StepError { step: step(index), errno };
                return Outcome { mounts, workdir: Err(error) };
            }
        }
    }
    let workdir = workdir(&mut tree, hostile).map(|path| Path::new("/").join(path));
    Outcome { mounts, workdir: workdir.map_err(|errno| StepError { step: Step::Workdir, errno }) }
}

/// The failed step, which needs the index of the mount, and the errno.
type Failed = (fn(u32) -> Step, Errno);

fn target(
    tree: &mut Tree,
    path: &str,
    create: bool,
    without_openat2: bool,
) -> std::result::Result<String, Failed> {
    let resolve = |tree: &Tree, path: &str| {
        if without_openat2 {
            model::resolve_without_links(tree, path)
        } else {
            model::resolve(tree, "", path)
        }
    };
    let found = match resolve(tree, path) {
        Err(Errno::NOENT) if create => model::resolve_or_make(tree, path, resolve),
        other => other,
    };
    let point = found.map_err(|errno| (Step::MountTarget as fn(u32) -> Step, errno))?;
    if point.is_empty() {
        return Err((Step::MountTarget, Errno::BUSY));
    }
    model::directory(tree, Ok(point)).map_err(|errno| (Step::Mount as fn(u32) -> Step, errno))
}

fn workdir(tree: &mut Tree, hostile: &HostileRoot) -> std::result::Result<String, Errno> {
    match &hostile.workdir {
        None => Ok(String::new()),
        Some((path, false)) => model::directory(tree, model::resolve(tree, "", path)),
        Some((path, true)) => model::enter_or_make(tree, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Vec<HostileRoot> {
        let noise = crate::noise();
        let draw = |bytes: &Vec<u8>| HostileRoot::arbitrary(&mut Unstructured::new(bytes)).unwrap();
        noise.iter().map(draw).collect()
    }

    #[test]
    fn many_inputs_succeed_and_many_fail() {
        let inputs = inputs();
        let passed = inputs.iter().filter(|hostile| expected(hostile).workdir.is_ok()).count();
        assert!((100..=450).contains(&passed), "{passed} of {}", inputs.len());
        let mounts = inputs.iter().filter(|hostile| !expected(hostile).mounts.is_empty()).count();
        assert!(mounts > 50, "only {mounts} inputs have a mount");
    }

    #[test]
    fn the_first_inputs_agree_with_the_model() {
        ns_testbed::run_as!([Root, Nested], { inputs().iter().take(50).for_each(root_path) });
    }
}
