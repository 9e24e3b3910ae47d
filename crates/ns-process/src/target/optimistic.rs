//! The optimistic join of a target, on the assumptions that none of its namespaces is the caller's own and that the
//! caller's IDs have mappings. The child verifies them: see `in_child::optimistic`.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ns_sys::{Errno, NamespaceFlags};

use super::from_target::OpenFromTarget;
use super::ids::TargetIds;
use super::{OpenTarget, TargetSpec};
use crate::error::Error;
use crate::in_child::OverflowIds;
use crate::proc_dir::ProcDir;
use crate::step::Step;

/// Set once a child could not verify the assumptions: before Linux 6.8, or because of a seccomp filter.
static CANNOT_VERIFY: AtomicBool = AtomicBool::new(false);

impl OpenTarget {
    /// Prepares an optimistic join of the target. `None` if that is impossible or of no use.
    ///
    /// Only the time namespace is inspected: joining one needs a copy of the memory.
    pub(crate) fn open_optimistically(
        spec: TargetSpec<'_>,
        target: Option<Arc<OwnedFd>>,
    ) -> Result<Option<Self>, Error> {
        let can_verify = !CANNOT_VERIFY.load(Ordering::Relaxed);
        let known = target.filter(|_| can_verify).zip(overflow_ids(spec.proc));
        let Some((pidfd, overflow_ids)) = known else { return Ok(None) };
        let time = spec.join.target_kinds & NamespaceFlags::TIME;
        if !time.is_empty() {
            let dir = ProcDir::of(spec.proc, &pidfd);
            if !spec.unshared(&pidfd, dir.as_ref(), time)?.is_empty() {
                return Ok(None);
            }
        }
        let kinds = spec.join.target_kinds - time;
        Ok((!kinds.is_empty()).then(|| Self {
            target: Some((pidfd, kinds)),
            overflow_ids: Some(overflow_ids),
            files: Vec::new(),
            ids: TargetIds::default(),
            from_target: OpenFromTarget::default(),
        }))
    }

    /// Whether an optimistic start failed because an assumption does not hold or could not be verified. The start then
    /// has to inspect the target. If the kernel cannot verify at all, no later start is optimistic.
    pub(crate) fn needs_inspection(error: &Error) -> bool {
        match error.step() {
            Step::Join => {
                if matches!(error.errno(), Some(Errno::NOSYS | Errno::OPNOTSUPP)) {
                    CANNOT_VERIFY.store(true, Ordering::Relaxed);
                }
                true
            }
            // A caller with a different pid namespace for its children cannot use an intermediate process.
            Step::Clone => error.errno() == Some(Errno::INVAL),
            _ => false,
        }
    }
}

/// The IDs that the kernel shows for IDs without a mapping, read once per program. `None` if they cannot be read.
pub(super) fn overflow_ids(proc: &Path) -> Option<OverflowIds> {
    static OVERFLOW_IDS: OnceLock<Option<OverflowIds>> = OnceLock::new();
    let read =
        |file| fs::read_to_string(proc.join("sys/kernel").join(file)).ok()?.trim().parse().ok();
    *OVERFLOW_IDS
        .get_or_init(|| Some(OverflowIds { uid: read("overflowuid")?, gid: read("overflowgid")? }))
}
