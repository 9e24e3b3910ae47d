//! A record of the hooks that have run, in memory that the child shares with the caller.
#![allow(unsafe_code, reason = "shared memory")]

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_process::HookContext;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use super::hooks::HookPoint;

/// The hooks that have run, in order.
#[derive(Clone, Debug)]
pub(super) struct Trace(Arc<Mapped>);

/// More entries than there are hooks.
const CAPACITY: usize = 16;

#[derive(Debug)]
struct Mapped(NonNull<Page>);

#[derive(Debug)]
struct Page {
    count: AtomicU32,
    /// The hook point, and the process ID that the hook received.
    entries: [(AtomicU32, AtomicU32); CAPACITY],
}

// SAFETY: the page has only atomics, and is mapped until the last owner is dropped.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Trace {
    pub(super) fn new() -> Self {
        let (size, access) = (size_of::<Page>(), ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: the kernel chooses the address, so no other memory is affected.
        let page = unsafe { mmap_anonymous(ptr::null_mut(), size, access, MapFlags::SHARED) };
        let page =
            NonNull::new(page.expect("mmap").cast()).expect("a mapping that is not at address 0");
        Self(Arc::new(Mapped(page)))
    }

    fn page(&self) -> &Page {
        // SAFETY: the mapping has the size of a page, is zeroed by the kernel, and lives as long as `self`.
        unsafe { self.0.0.as_ref() }
    }

    /// Returns a hook that records that it has run.
    pub(super) fn hook(&self, point: HookPoint) -> impl FnMut(&HookContext) + Send + 'static {
        let trace = self.clone();
        move |context| trace.push(point, context.pid())
    }

    fn push(&self, point: HookPoint, pid: u32) {
        let count = self.page().count.fetch_add(1, Ordering::Relaxed);
        if let Some((entry_point, entry_pid)) = self.page().entries.get(count as usize) {
            entry_point.store(point as u32, Ordering::Relaxed);
            entry_pid.store(pid, Ordering::Relaxed);
        }
    }

    /// Returns the hooks that have run so far, each with the process ID that it received.
    pub(super) fn entries(&self) -> Vec<(HookPoint, u32)> {
        let count = self.page().count.load(Ordering::Relaxed) as usize;
        let entries = self.page().entries.iter().take(count);
        let read = |(point, pid): &(AtomicU32, AtomicU32)| {
            let point = HookPoint::ALL[point.load(Ordering::Relaxed) as usize];
            (point, pid.load(Ordering::Relaxed))
        };
        entries.map(read).collect()
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `Trace::new`, and its only owner is being dropped.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<Page>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_child_are_visible() {
        let trace = Trace::new();
        let code = ns_testbed::forked(|| {
            trace.push(HookPoint::PostUp, 1);
            trace.push(HookPoint::PreUp, 2);
            0
        });
        assert_eq!(code, 0);
        assert_eq!(trace.entries(), [(HookPoint::PostUp, 1), (HookPoint::PreUp, 2)]);
    }

    #[test]
    fn entries_beyond_the_capacity_are_dropped() {
        let trace = Trace::new();
        (0..20).for_each(|pid| trace.push(HookPoint::PreUp, pid));
        assert_eq!(trace.entries().len(), CAPACITY);
    }
}
