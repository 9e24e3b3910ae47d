//! The rules for the arguments of clone3.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32};

use arbitrary::{Arbitrary, Unstructured};
use bitflags::Flags;
use ns_sys::{CloneArgs, CloneFlags, CloneRule, Errno, Signal};

use super::kernel;

/// The values of the arguments.
///
/// Small sets of flags are more likely than large ones, and flags that require each other are often drawn together.
/// Otherwise nearly every input would break a rule.
#[derive(Clone, Debug)]
pub struct CloneRequest {
    flags: CloneFlags,
    exit_signal: Option<Signal>,
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

impl<'a> Arbitrary<'a> for CloneRequest {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            flags: flags(u)?,
            exit_signal: Signal::from_raw(*u.choose(&[0, 0, 0, 1, 17, 17, 34, 64])?),
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
    // `CloneArgs::cgroup` sets this flag.
    Ok(flags - CloneFlags::INTO_CGROUP)
}

fn tids(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u32>> {
    // One ID, two for a new pid namespace and its parent, and too many.
    let count = *u.choose(&[1, 1, 1, 2, 32, 33, 40])?;
    let mut tids = vec![1; count];
    tids[0] = *u.choose(&[0, 1, 1, 1, 1 << 31, u32::MAX, 31_000])?;
    Ok(tids)
}

/// The memory to which the arguments point.
struct Buffers {
    pidfd: AtomicI32,
    parent_tid: AtomicU32,
    child_tid: AtomicU32,
    tls: [u64; 8],
    stack: [u64; 512],
    cgroup: Option<File>,
}

impl Buffers {
    fn new(request: &CloneRequest) -> Self {
        Self {
            pidfd: AtomicI32::new(-1),
            parent_tid: AtomicU32::new(0),
            child_tid: AtomicU32::new(0),
            tls: [0; 8],
            stack: [0; 512],
            cgroup: request.cgroup.then(cgroup).flatten(),
        }
    }
}

/// Opens the root of the cgroup v2 hierarchy, if it is mounted.
fn cgroup() -> Option<File> {
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    let is_version_2 = |path: &&str| Path::new(path).join("cgroup.procs").exists();
    roots.into_iter().find(is_version_2).and_then(|path| File::open(path).ok())
}

impl CloneRequest {
    /// Makes the arguments with every pointer set, so that `EINVAL` can only mean a broken rule.
    fn arguments<'a>(&'a self, buffers: &'a Buffers) -> CloneArgs<'a> {
        let mut args = CloneArgs::new(self.flags);
        args.child_tid(&buffers.child_tid);
        if let Some(signal) = self.exit_signal {
            args.exit_signal(signal);
        }
        if self.flags.contains(CloneFlags::PIDFD) {
            args.pidfd(&buffers.pidfd);
        }
        if self.flags.contains(CloneFlags::PARENT_SETTID) {
            args.parent_tid(&buffers.parent_tid);
        }
        if self.flags.contains(CloneFlags::SETTLS) {
            args.tls((&raw const buffers.tls).cast_mut().cast());
        }
        if let Some(cgroup) = &buffers.cgroup {
            args.cgroup(cgroup.as_fd());
        }
        let lowest = NonNull::from(&buffers.stack).cast();
        match self.stack {
            Stack::None => &mut args,
            Stack::Empty => args.stack(lowest, 0),
            Stack::Whole => args.stack(lowest, size_of_val(&buffers.stack)),
        };
        args.set_tid(&self.tids);
        args
    }
}

/// Checks clone3 arguments.
///
/// Oracle: the kernel, called in a forked process. It returns `EINVAL` if and only if a rule is broken. A flag without
/// its pointer breaks a rule of the crate only.
///
/// Errors that depend on the environment are not compared: missing privilege, IDs in use, and more IDs than pid
/// namespaces.
///
/// # Panics
/// If the crate and the kernel disagree.
pub fn clone_args(request: &CloneRequest) {
    without_pointers(request.flags);
    let buffers = Buffers::new(request);
    let args = request.arguments(&buffers);
    let checked = args.validate();
    if let Err(rule) = checked {
        assert!(!rule.to_string().is_empty());
    }
    match kernel::clone3(&args, &buffers.pidfd) {
        Ok(()) => assert_eq!(checked, Ok(()), "the kernel accepts {args:?}"),
        Err(Errno::INVAL) => {
            assert!(
                checked.is_err() || has_too_many_tids(request),
                "the kernel returns EINVAL for {args:?}"
            );
        }
        // The kernel checks these conditions before or after the rules.
        Err(_) => {}
    }
}

/// Whether there are more IDs than pid namespaces. The kernel returns `EINVAL`, but the crate cannot know the number of
/// namespaces.
fn has_too_many_tids(request: &CloneRequest) -> bool {
    let namespaces = 1 + usize::from(request.flags.contains(CloneFlags::NEWPID));
    request.tids.len() > namespaces
}

/// Checks that a flag without its pointer breaks a rule.
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

    fn request(flags: CloneFlags) -> CloneRequest {
        CloneRequest {
            flags,
            exit_signal: Some(Signal::CHILD),
            stack: Stack::None,
            tids: Vec::new(),
            cgroup: false,
        }
    }

    #[test]
    fn known_flag_sets_agree_with_the_kernel() {
        ns_testbed::run_as!([Root, Nested], {
            clone_args(&request(CloneFlags::NEWUSER | CloneFlags::PIDFD));
            clone_args(&request(CloneFlags::NEWUSER | CloneFlags::FS));
            clone_args(&request(CloneFlags::VM | CloneFlags::SIGHAND | CloneFlags::THREAD));
            let shared = CloneFlags::VM | CloneFlags::SIGHAND | CloneFlags::THREAD;
            clone_args(&CloneRequest { exit_signal: None, ..request(shared | CloneFlags::PIDFD) });
            clone_args(&CloneRequest { exit_signal: None, ..request(CloneFlags::PARENT) });
        });
    }
}
