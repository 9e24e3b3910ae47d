//! The rules of clone3.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32};

use arbitrary::{Arbitrary, Unstructured};
use bitflags::Flags;
use ns_sys::{CloneArgs, CloneFlags, CloneRule, Errno};

use super::ask;

/// What arguments are made from.
///
/// Few flags are drawn more often than many, and what belongs together often together: else nearly
/// every draw breaks a rule.
#[derive(Clone, Debug)]
pub struct CloneWish {
    flags: CloneFlags,
    exit_signal: u32,
    stack: Stack,
    tids: Vec<u32>,
    cgroup: bool,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Stack {
    None,
    Empty,
    Whole,
}

impl<'a> Arbitrary<'a> for CloneWish {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            flags: flags(u)?,
            exit_signal: *u.choose(&[0, 0, 0, 1, 17, 17, 64, 65, 255, 256, u32::MAX])?,
            stack: if u.ratio(1, 3)? { u.arbitrary()? } else { Stack::None },
            tids: if u.ratio(1, 3)? { tids(u)? } else { Vec::new() },
            cgroup: u.ratio(1, 8)?,
        })
    }
}

fn flags(u: &mut Unstructured<'_>) -> arbitrary::Result<CloneFlags> {
    let named: Vec<CloneFlags> =
        CloneFlags::FLAGS.iter().filter(|flag| flag.is_named()).map(|flag| *flag.value()).collect();
    let mut flags = CloneFlags::empty();
    for _ in 0..u.int_in_range(0..=6)? {
        flags |= *u.choose(&named)?;
    }
    if u.ratio(1, 4)? {
        flags |= CloneFlags::VM | CloneFlags::SIGHAND;
    }
    if u.ratio(1, 32)? {
        flags |= CloneFlags::from_bits_retain(1 << u.int_in_range(0..=63)?);
    }
    // Set with its directory alone.
    Ok(flags - CloneFlags::INTO_CGROUP)
}

fn tids(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u32>> {
    // Alone, one for each of a new namespace and the one around it, and too many.
    let count = *u.choose(&[1, 1, 1, 2, 32, 33, 40])?;
    let mut tids = vec![1; count];
    tids[0] = *u.choose(&[0, 1, 1, 1, 1 << 31, u32::MAX, 31_000])?;
    Ok(tids)
}

/// Where the pointers of arguments lead.
struct Places {
    pidfd: AtomicI32,
    parent_tid: AtomicU32,
    child_tid: AtomicU32,
    tls: [u64; 8],
    stack: [u64; 512],
    cgroup: Option<File>,
}

impl Places {
    fn new(wish: &CloneWish) -> Self {
        Self {
            pidfd: AtomicI32::new(-1),
            parent_tid: AtomicU32::new(0),
            child_tid: AtomicU32::new(0),
            tls: [0; 8],
            stack: [0; 512],
            cgroup: wish.cgroup.then(cgroup).flatten(),
        }
    }
}

/// The root of the cgroups of version 2, where there is one.
fn cgroup() -> Option<File> {
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    let is_version_2 = |path: &&str| Path::new(path).join("cgroup.procs").exists();
    roots.into_iter().find(is_version_2).and_then(|path| File::open(path).ok())
}

impl CloneWish {
    /// With every pointer, so that what the kernel refuses with `EINVAL` is refused by a rule.
    fn arguments<'a>(&'a self, places: &'a Places) -> CloneArgs<'a> {
        let mut args = CloneArgs::new(self.flags);
        args.child_tid(&places.child_tid).exit_signal(self.exit_signal);
        if self.flags.contains(CloneFlags::PIDFD) {
            args.pidfd(&places.pidfd);
        }
        if self.flags.contains(CloneFlags::PARENT_SETTID) {
            args.parent_tid(&places.parent_tid);
        }
        if self.flags.contains(CloneFlags::SETTLS) {
            args.tls((&raw const places.tls).cast_mut().cast());
        }
        if let Some(cgroup) = &places.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        let lowest = NonNull::from(&places.stack).cast();
        match self.stack {
            Stack::None => &mut args,
            Stack::Empty => args.stack(lowest, 0),
            Stack::Whole => args.stack(lowest, size_of_val(&places.stack)),
        };
        args.set_tid(&self.tids);
        args
    }
}

/// Oracle: the kernel, in a forked child: it says `EINVAL` exactly where a rule is broken, and a
/// flag without its pointer is a broken rule by itself.
///
/// Environment, and so no verdict: privilege, ids that are in use, more ids than pid namespaces.
///
/// # Panics
/// Where they disagree.
pub fn clone_args(wish: &CloneWish) {
    without_pointers(wish.flags);
    let places = Places::new(wish);
    let args = wish.arguments(&places);
    let ours = args.validate();
    if let Err(rule) = ours {
        assert!(!rule.to_string().is_empty());
    }
    match ask::kernel(&args, &places.pidfd) {
        Ok(()) => assert_eq!(ours, Ok(()), "the kernel makes it: {args:?}"),
        Err(Errno::INVAL) => {
            assert!(ours.is_err() || is_environment(wish), "the kernel says EINVAL: {args:?}");
        }
        // What else is in the way it looks for before or after the rules.
        Err(_) => {}
    }
}

/// More ids than there are namespaces for them is `EINVAL` that no rule can tell.
fn is_environment(wish: &CloneWish) -> bool {
    let namespaces = 1 + usize::from(wish.flags.contains(CloneFlags::NEWPID));
    wish.tids.len() > namespaces
}

fn without_pointers(flags: CloneFlags) {
    let pointers = CloneFlags::PIDFD
        | CloneFlags::PARENT_SETTID
        | CloneFlags::CHILD_SETTID
        | CloneFlags::CHILD_CLEARTID;
    let bare = CloneArgs::new(flags).validate();
    let with = CloneArgs::new(flags - pointers).validate();
    match bare {
        Err(CloneRule::NoPointer(flag)) => assert!(flags.contains(flag) && with.is_ok()),
        other => assert!(other == with && (with.is_err() || !flags.intersects(pointers))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(flags: CloneFlags) -> CloneWish {
        CloneWish { flags, exit_signal: 17, stack: Stack::None, tids: Vec::new(), cgroup: false }
    }

    #[test]
    fn known_sets_have_the_kernels_verdict() {
        ns_testbed::run_as!([Root, Nested], {
            clone_args(&wish(CloneFlags::NEWUSER | CloneFlags::PIDFD));
            clone_args(&wish(CloneFlags::NEWUSER | CloneFlags::FS));
            clone_args(&wish(CloneFlags::VM | CloneFlags::SIGHAND | CloneFlags::THREAD));
            let shared = CloneFlags::VM | CloneFlags::SIGHAND | CloneFlags::THREAD;
            clone_args(&CloneWish { exit_signal: 0, ..wish(shared | CloneFlags::PIDFD) });
            clone_args(&CloneWish { exit_signal: 0, ..wish(CloneFlags::PARENT) });
        });
    }
}
