//! What hooks leave for the caller to read, whatever becomes of the child and its descriptors.
#![allow(unsafe_code, reason = "memory that a child with a copy of all other memory shares")]

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ns_process::HookContext;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use super::hooks::Moment;

/// The hooks that have run, in order.
#[derive(Clone, Debug)]
pub(super) struct Trace(Arc<Mapped>);

/// As many as there can be, and some more.
const PLACES: usize = 16;

#[derive(Debug)]
struct Mapped(NonNull<Page>);

#[derive(Debug)]
struct Page {
    count: AtomicU32,
    /// Which hook, and the child's id as it was told.
    entries: [(AtomicU32, AtomicU32); PLACES],
}

// SAFETY: a page of atomics, which stays until the last owner is dropped.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Trace {
    pub(super) fn new() -> Self {
        let (size, access) = (size_of::<Page>(), ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: a new mapping, nobody else's.
        let page = unsafe { mmap_anonymous(ptr::null_mut(), size, access, MapFlags::SHARED) };
        let page = NonNull::new(page.expect("a shared page").cast()).expect("not at 0");
        Self(Arc::new(Mapped(page)))
    }

    fn page(&self) -> &Page {
        // SAFETY: zeroed by the kernel, of that size, mapped for as long as `self` lives.
        unsafe { self.0.0.as_ref() }
    }

    /// What a hook at `moment` does, in the child.
    pub(super) fn hook(&self, moment: Moment) -> impl FnMut(&HookContext) + Send + 'static {
        let trace = self.clone();
        move |context| trace.push(moment, context.pid())
    }

    fn push(&self, moment: Moment, pid: u32) {
        let count = self.page().count.fetch_add(1, Ordering::Relaxed);
        if let Some((at, id)) = self.page().entries.get(count as usize) {
            at.store(moment as u32, Ordering::Relaxed);
            id.store(pid, Ordering::Relaxed);
        }
    }

    /// What has run so far, and under which id.
    pub(super) fn so_far(&self) -> Vec<(Moment, u32)> {
        let count = self.page().count.load(Ordering::Relaxed) as usize;
        let entries = self.page().entries.iter().take(count);
        let read = |(moment, pid): &(AtomicU32, AtomicU32)| {
            let moment = Moment::ALL[moment.load(Ordering::Relaxed) as usize];
            (moment, pid.load(Ordering::Relaxed))
        };
        entries.map(read).collect()
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping of `Trace::new`, of which this is the only owner.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<Page>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_pushes_is_seen() {
        let trace = Trace::new();
        let code = ns_testbed::forked(|| {
            trace.push(Moment::PostUp, 1);
            trace.push(Moment::PreUp, 2);
            0
        });
        assert_eq!(code, 0);
        assert_eq!(trace.so_far(), [(Moment::PostUp, 1), (Moment::PreUp, 2)]);
    }

    #[test]
    fn too_many_are_cut_off() {
        let trace = Trace::new();
        (0..20).for_each(|pid| trace.push(Moment::PreUp, pid));
        assert_eq!(trace.so_far().len(), PLACES);
    }
}
