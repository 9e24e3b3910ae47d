//! Paths in a root that somebody hostile has filled.

use std::path::{Path, PathBuf};

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_fs::{Mount, Root, RootPlan, Step, StepError, Workdir};
use ns_sys::Errno;

use super::model;
use super::tree::{self, Tree};
use super::universe::{JAIL, Universe};

/// A tree, what is mounted in it, and where the process goes then.
#[derive(Clone, Debug)]
pub struct Hostile {
    tree: Tree,
    mounts: Vec<(String, bool)>,
    workdir: Option<(String, bool)>,
    by_chroot: bool,
    /// Whether openat2 is missing, as before Linux 5.6.
    old: bool,
}

impl<'a> Arbitrary<'a> for Hostile {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mounts = (0..u.int_in_range(0..=3)?).map(|_| Ok((tree::path(u)?, u.arbitrary()?)));
        Ok(Self {
            mounts: mounts.collect::<Result<_>>()?,
            tree: Tree::draw(u)?,
            workdir: if u.arbitrary()? { Some((tree::way(u)?, u.arbitrary()?)) } else { None },
            by_chroot: u.arbitrary()?,
            old: u.ratio(1, 4)?,
        })
    }
}

/// What comes of a plan: where it mounted, and the directory it went to or the step that failed.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    mounts: Vec<String>,
    end: std::result::Result<PathBuf, StepError>,
}

/// Oracle: a model of path resolution in which nothing lies outside the root, and outside nothing
/// has changed; done on a file system in memory, in a private mount namespace, with nothing else in
/// reach.
///
/// # Panics
/// Where the kernel has led somewhere else.
pub fn root_path(hostile: &Hostile) {
    let (real, wished) = std::thread::scope(|scope| {
        let real = scope.spawn(|| real(hostile)).join();
        (real.expect("the plan is applied"), expected(hostile))
    });
    assert_eq!(real, wished, "{hostile:?}");
}

fn plan(hostile: &Hostile) -> RootPlan {
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
    RootPlan::new(root, workdir).expect("paths without a mistake")
}

/// In a thread of its own, which ends with its file system.
fn real(hostile: &Hostile) -> Outcome {
    let plan = plan(hostile);
    let universe = Universe::enter(&hostile.tree);
    let before = universe.outside();
    if hostile.old {
        ns_testbed::refuse(libc::SYS_openat2, Errno::NOSYS);
    }
    let applied = plan.apply();
    let end = applied.map(|()| std::env::current_dir().expect("inside the root"));
    assert_eq!(universe.outside(), before, "outside has changed: {hostile:?}");
    Outcome { mounts: below_jail(universe.mount_points()), end }
}

/// Before the root has changed it is not yet left out.
fn below_jail(points: Vec<String>) -> Vec<String> {
    let inside = |point: String| point.strip_prefix(JAIL).map_or(point.clone(), str::to_owned);
    let names = points.into_iter().map(inside).map(|point| point.trim_matches('/').to_owned());
    names.filter(|point| !point.is_empty()).collect()
}

fn expected(hostile: &Hostile) -> Outcome {
    let mut tree = hostile.tree.clone();
    let mut mounts = Vec::new();
    for (index, (path, create)) in (0..).zip(&hostile.mounts) {
        match target(&mut tree, path, *create, hostile.old) {
            Ok(point) => {
                tree.cover(&point);
                mounts.push(point);
            }
            Err((step, errno)) => {
                let error = StepError { step: step(index), errno };
                return Outcome { mounts, end: Err(error) };
            }
        }
    }
    let end = workdir(&mut tree, hostile).map(|path| Path::new("/").join(path));
    Outcome { mounts, end: end.map_err(|errno| StepError { step: Step::Workdir, errno }) }
}

type Failed = (fn(u32) -> Step, Errno);

fn target(
    tree: &mut Tree,
    path: &str,
    create: bool,
    old: bool,
) -> std::result::Result<String, Failed> {
    let resolve = |tree: &Tree, path: &str| {
        if old { model::resolve_without_links(tree, path) } else { model::resolve(tree, "", path) }
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

fn workdir(tree: &mut Tree, hostile: &Hostile) -> std::result::Result<String, Errno> {
    match &hostile.workdir {
        None => Ok(String::new()),
        Some((path, false)) => model::directory(tree, model::resolve(tree, "", path)),
        Some((path, true)) => model::go_or_make(tree, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> Vec<Hostile> {
        let noise = crate::noise();
        let draw = |bytes: &Vec<u8>| Hostile::arbitrary(&mut Unstructured::new(bytes)).unwrap();
        noise.iter().map(draw).collect()
    }

    #[test]
    fn many_trees_let_pass_and_many_do_not() {
        let trees = drawn();
        let passed = trees.iter().filter(|hostile| expected(hostile).end.is_ok()).count();
        assert!((100..=450).contains(&passed), "{passed} of {}", trees.len());
        let mounts = trees.iter().filter(|hostile| !expected(hostile).mounts.is_empty()).count();
        assert!(mounts > 50, "{mounts} mount something");
    }

    #[test]
    fn the_first_trees_are_as_the_model_says() {
        ns_testbed::run_as!([Root, Nested], { drawn().iter().take(50).for_each(root_path) });
    }
}
