//! Random roots and mounts.

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_fs::{DeviceKind, Mount, MountAttrs, Propagation, Root, RootPlan, Workdir};
use ns_sys::child::MountFlags;

use super::world::{JAIL, SOURCES};
use crate::fs::tree::{self, Tree};

/// A root with hostile contents, and mounts of all kinds in it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each setting")]
pub struct HostileMounts {
    pub(super) tree: Tree,
    pub(super) change: Change,
    pub(super) mounts: Vec<Spec>,
    pub(super) read_only: bool,
    slave: bool,
    workdir: Option<(String, bool)>,
    /// Whether the process is in a new user namespace, in which all mounts of the world are locked.
    pub(super) in_user_namespace: bool,
    /// The system calls that are missing.
    pub(super) missing: Vec<i64>,
    /// Whether they are missing for the caller too.
    pub(super) missing_for_caller: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Pivot,
    Chroot,
    /// The process has the jail as its root before.
    Current,
}

/// One mount; a tree is opened once its source exists.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    kind: Kind,
    target: String,
    options: u16,
    attrs: MountAttrs,
    propagation: Propagation,
}

#[derive(Clone, Debug)]
enum Kind {
    New(&'static str),
    Bind(String),
    InRoot(String),
    Tree(String),
    NewTree,
    Overlay,
    OverlayReadOnly,
    OverlayTmpfs,
    Dev,
    Remount,
    Propagation,
    Mask,
    ReadOnlyPath,
    Directory,
    Symlink(String),
    File,
    Bytes,
    Device,
}

const CALLS: [i64; 5] = [
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_mount_setattr,
    libc::SYS_openat2,
];

impl<'a> Arbitrary<'a> for HostileMounts {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let change = *u.choose(&[Change::Pivot, Change::Pivot, Change::Chroot, Change::Current])?;
        let has_root_mount = change != Change::Chroot && u.ratio(1, 6)?;
        let first = has_root_mount.then(|| Spec::draw_root(u)).transpose()?;
        let mut mounts: Vec<_> = first.into_iter().collect();
        for _ in 0..u.int_in_range(1..=4)? {
            let mut spec = Spec::draw(u)?;
            let earlier = mounts.last().map_or("/", |spec: &Spec| spec.target.as_str());
            if spec.target != "/" && earlier != "/" && u.ratio(1, 3)? {
                spec.target = format!("{earlier}/{}", spec.target);
            }
            mounts.push(spec);
        }
        let pivots = has_root_mount || change == Change::Pivot;
        let some_missing = u.ratio(1, 3)?;
        Ok(Self {
            mounts,
            read_only: pivots && u.arbitrary()?,
            slave: u.ratio(1, 4)?,
            workdir: if u.ratio(1, 4)? { Some((tree::any_path(u)?, u.arbitrary()?)) } else { None },
            in_user_namespace: u.ratio(1, 4)?,
            missing: CALLS
                .into_iter()
                .filter(|_| some_missing && u.ratio(1, 2) == Ok(true))
                .collect(),
            missing_for_caller: u.arbitrary()?,
            change,
            tree: Tree::draw(u)?,
        })
    }
}

impl Spec {
    fn draw(u: &mut Unstructured<'_>) -> Result<Self> {
        let kind = match u.int_in_range(0..=18)? {
            0 => Kind::New("tmpfs"),
            1 => Kind::New(u.choose(&["tmpfs", "proc", "sysfs", "mqueue", "devpts", "none"])?),
            2 | 3 => Kind::Bind(source(u)?),
            4 => Kind::InRoot(tree::any_path(u)?),
            5 | 6 => Kind::Tree(source(u)?),
            7 => Kind::NewTree,
            8 => Kind::Overlay,
            9 => Kind::OverlayReadOnly,
            10 => Kind::Dev,
            11 => Kind::Remount,
            12 => Kind::Propagation,
            13 => Kind::Mask,
            14 => Kind::ReadOnlyPath,
            15 => Kind::Directory,
            16 => Kind::Symlink(tree::any_path(u)?),
            17 => Kind::OverlayTmpfs,
            _ => u.choose(&[Kind::File, Kind::Bytes, Kind::Device])?.clone(),
        };
        let is_change = matches!(kind, Kind::Remount | Kind::Propagation);
        let target = if is_change && u.ratio(2, 3)? { "/".to_owned() } else { tree::path(u)? };
        Self::with(kind, target, u)
    }

    /// A mount that becomes the root.
    fn draw_root(u: &mut Unstructured<'_>) -> Result<Self> {
        let kind = match u.int_in_range(0..=4)? {
            0 => Kind::New("tmpfs"),
            1 => Kind::Bind(source(u)?),
            2 => Kind::Tree(source(u)?),
            3 => Kind::NewTree,
            _ => Kind::Overlay,
        };
        Self::with(kind, "/".to_owned(), u)
    }

    fn with(kind: Kind, target: String, u: &mut Unstructured<'_>) -> Result<Self> {
        use Propagation::{Private, Shared, Slave, Unbindable};
        let propagation = *u.choose(&[Private, Shared, Slave, Unbindable])?;
        let flags =
            [MountAttrs::RDONLY, MountAttrs::NOSUID, MountAttrs::NOEXEC, MountAttrs::NOATIME];
        let attrs = *u.choose(&flags)?;
        Ok(Self { kind, target, options: u.arbitrary()?, attrs, propagation })
    }

    /// Whether an option is set; one in four.
    fn has(&self, option: u16) -> bool {
        (self.options >> (2 * option)) & 3 == 3
    }

    pub(super) fn build(&self) -> Option<Mount> {
        let target = self.target.as_str();
        let at = |name: &str| format!("{SOURCES}/{name}");
        let mount = match &self.kind {
            Kind::New(fs_type) => Mount::new(*fs_type, *fs_type, target),
            Kind::Bind(source) => Mount::bind(source, target),
            Kind::InRoot(source) => Mount::bind(source, target).source_in_root(),
            Kind::Tree(source) => Mount::tree(self.tree(ns_fs::Tree::open(source).ok()?), target),
            Kind::NewTree => {
                let tree = ns_fs::Tree::file_system("tmpfs", "fuzz", "size=1m");
                Mount::tree(self.tree(tree.ok()?), target)
            }
            Kind::Overlay => Mount::overlay(target, [at("d"), at("e")], at("up"), at("work")),
            Kind::OverlayReadOnly => Mount::overlay_read_only(target, [at("e"), at("l")]),
            Kind::OverlayTmpfs => Mount::overlay_tmpfs(target, [at("d"), at("e")]),
            Kind::Dev => Mount::dev(target),
            Kind::Remount => Mount::remount(target),
            Kind::Propagation => Mount::propagation(target, self.propagation),
            Kind::Mask => Mount::mask(target),
            Kind::ReadOnlyPath => Mount::read_only_path(target),
            Kind::Directory => Mount::directory(target).mode(0o700),
            Kind::Symlink(to) => Mount::symlink(to, target),
            Kind::File => Mount::file(target, "contents"),
            Kind::Bytes => Mount::bytes(target, "contents"),
            Kind::Device => Mount::device(target, DeviceKind::Character, 1, 3),
        };
        Some(self.with_options(mount))
    }

    /// Sets the options that this kind of mount has.
    fn with_options(&self, mut mount: Mount) -> Mount {
        let is_new = matches!(
            self.kind,
            Kind::New(_) | Kind::Overlay | Kind::OverlayReadOnly | Kind::OverlayTmpfs
        );
        let is_bind = matches!(self.kind, Kind::Bind(_) | Kind::InRoot(_));
        let has_attributes =
            is_new || is_bind || matches!(self.kind, Kind::Remount | Kind::Dev | Kind::Bytes);
        let may_create = is_new
            || is_bind
            || matches!(self.kind, Kind::Dev | Kind::Bytes)
            || matches!(self.kind, Kind::Tree(_) | Kind::NewTree);
        if may_create && self.options & 3 != 0 && self.target != "/" {
            mount = mount.create();
        }
        if is_bind || matches!(self.kind, Kind::Remount | Kind::Propagation) {
            mount = if self.options & 4 == 4 { mount.recursive() } else { mount };
        }
        if has_attributes && self.has(1) {
            mount = mount.set(self.attrs);
        }
        if has_attributes && self.has(2) {
            mount = mount.set_all(MountAttrs::NODEV).with_propagation(self.propagation);
        }
        if matches!(self.kind, Kind::Remount) && self.has(3) {
            mount = mount.data("size=2m").flags(MountFlags::SYNCHRONOUS);
        }
        if self.has(4) { mount.optional() } else { mount }
    }

    fn tree(&self, tree: ns_fs::Tree) -> ns_fs::Tree {
        let tree = if self.options & 4 == 4 { tree.recursive() } else { tree };
        let tree = if self.has(1) { tree.set(self.attrs) } else { tree };
        if self.has(2) { tree.propagation(self.propagation) } else { tree }
    }
}

/// A source that leads to no file that a plan may not change.
fn source(u: &mut Unstructured<'_>) -> Result<String> {
    let sources =
        ["/sources/d", "/sources/f", "/sources/l", "/sources/missing", "/jail", "/sources/d/b"];
    Ok((*u.choose(&sources)?).to_owned())
}

impl HostileMounts {
    /// The plan, and its mounts; `None` if the caller's half fails.
    pub(super) fn plan(&self) -> Option<(RootPlan, Vec<Mount>)> {
        let root = match self.change {
            Change::Pivot => Root::pivot(JAIL),
            Change::Chroot => Root::chroot(JAIL),
            Change::Current => Root::current(),
        };
        let mounts = self.mounts.iter().map(Spec::build).collect::<Option<Vec<_>>>()?;
        let root = mounts.iter().cloned().fold(root, Root::mount);
        let root = if self.read_only { root.read_only() } else { root };
        let root = if self.slave { root.propagation(Propagation::Slave) } else { root };
        let workdir = self.workdir.as_ref().map_or(Workdir::default(), |(path, create)| {
            let workdir = Workdir::new(path);
            if *create { workdir.create() } else { workdir }
        });
        Some((RootPlan::new(root, workdir).ok()?, mounts))
    }
}
