//! Everything that a child in the caller's memory can reach, kept at a stable address until the
//! child has left.
#![allow(unsafe_code, reason = "extends the lifetime of values on the heap")]

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::ptr::NonNull;
use std::sync::Arc;

use super::attempt::Attempt;
use super::dumpable::Hold;
use super::unseen_child::UnseenChild;
use crate::plan::Plan;
use crate::process::{Orphan, reap_later};
use crate::target::OpenTarget;

/// An attempt, and everything that is made from it for the child.
///
/// If a killed child does not exit, because something holds it up, the child is handed over to the
/// list of orphans together with all of this. Then the start can return.
pub(super) struct ChildResources {
    values: Values,
    hold: RefCell<Option<Hold>>,
    /// Killed children that have not exited.
    unexited: RefCell<Vec<OwnedFd>>,
    /// The child that an intermediate process may have made.
    unseen: Cell<Option<UnseenChild>>,
    /// `None` once ownership has been passed on.
    attempt: Option<AttemptBox>,
}

/// A box without the uniqueness guarantee of [`Box`]: children and kept values point into its
/// contents while it is moved.
struct AttemptBox(NonNull<Attempt>);

impl AttemptBox {
    fn new(attempt: Box<Attempt>) -> Self {
        Self(NonNull::from(Box::leak(attempt)))
    }

    fn into_inner(self) -> Box<Attempt> {
        let pointer = std::mem::ManuallyDrop::new(self).0;
        // SAFETY: `new` got the pointer from a box. `ManuallyDrop` keeps the destructor from
        // freeing it too.
        unsafe { Box::from_raw(pointer.as_ptr()) }
    }
}

impl Deref for AttemptBox {
    type Target = Attempt;

    fn deref(&self) -> &Attempt {
        // SAFETY: the contents live until `self` is dropped, and are only read.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for AttemptBox {
    fn drop(&mut self) {
        // SAFETY: `new` got the pointer from a box. `into_inner`, the only other function that
        // frees it, keeps this destructor from running.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Values in the order in which they were added, linked from the last to the first. A later one may
/// borrow earlier ones, so the last is dropped first.
#[derive(Default)]
struct Values(Cell<Link>);

type Link = Option<NonNull<Kept<dyn Value>>>;

struct Kept<T: ?Sized> {
    earlier: Link,
    value: T,
}

trait Value {}

impl<T> Value for T {}

impl Drop for Values {
    fn drop(&mut self) {
        while let Some(kept) = self.0.take() {
            // SAFETY: `keep` got the pointer from a box, and only this loop removes it from the
            // list.
            let kept = unsafe { Box::from_raw(kept.as_ptr()) };
            self.0.set(kept.earlier);
        }
    }
}

impl fmt::Debug for ChildResources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildResources").field("unexited", &self.unexited).finish_non_exhaustive()
    }
}

impl ChildResources {
    pub(super) fn new(attempt: Box<Attempt>) -> Self {
        Self {
            values: Values::default(),
            hold: RefCell::new(None),
            unexited: RefCell::new(Vec::new()),
            unseen: Cell::new(None),
            attempt: Some(AttemptBox::new(attempt)),
        }
    }

    pub(super) fn attempt(&self) -> &Attempt {
        self.attempt.as_deref().expect("taken only by into_attempt and drop")
    }

    /// Keeps a value as long as `self` and every child of the start.
    ///
    /// # Safety
    /// Everything that a child in the caller's memory, or the destructor of `value`, uses through
    /// `value` lives forever, was kept here before, or belongs to the attempt.
    pub(super) unsafe fn keep<'a, T: 'a>(&'a self, value: T) -> &'a T {
        let earlier = self.values.0.get();
        let kept = NonNull::from(Box::leak(Box::new(Kept { earlier, value })));
        let last: NonNull<Kept<dyn Value + 'a>> = kept;
        // SAFETY: only the lifetime changes. The caller of `keep` guarantees that everything that
        // is used through `value` after `'a` lives as long as `self.values`.
        let last: NonNull<Kept<dyn Value>> = unsafe { std::mem::transmute(last) };
        self.values.0.set(Some(last));
        // SAFETY: the value stays at its address on the heap and is only read. It is dropped with
        // `self.values`, which cannot happen while `self` is borrowed for `'a`.
        unsafe { &kept.as_ref().value }
    }

    /// Replaces the hold of the dumpable flag. The previous hold ends first.
    pub(super) fn hold(&self, hold: impl FnOnce() -> Option<Hold>) -> bool {
        self.hold.replace(None);
        let hold = hold();
        let is_held = hold.is_some();
        self.hold.replace(hold);
        is_held
    }

    pub(super) fn release_hold(&self) {
        self.hold.replace(None);
    }

    /// Adds a child that was killed and has not exited.
    pub(super) fn add_unexited(&self, pidfd: OwnedFd) {
        self.unexited.borrow_mut().push(pidfd);
    }

    /// Registers the child that an intermediate process is about to make. The intermediate process
    /// may be held up after that.
    pub(super) fn expect_child(&self, unseen: UnseenChild) {
        self.unseen.set(Some(unseen));
    }

    /// Removes the registered child: the start has a pidfd of it, or it has exited.
    pub(super) fn child_found(&self) {
        self.unseen.set(None);
    }

    /// Returns the attempt, once every child has left the memory.
    pub(super) fn into_attempt(mut self) -> Box<Attempt> {
        self.values = Values::default();
        self.attempt.take().expect("taken only by into_attempt and drop").into_inner()
    }
}

impl Drop for ChildResources {
    fn drop(&mut self) {
        let unexited = self.unexited.take();
        if unexited.is_empty() {
            // No child is left, so the dumpable flag is restored before the rest is freed.
            self.release_hold();
            return;
        }
        let values = std::mem::take(&mut self.values);
        let (attempt, hold, unseen) = (self.attempt.take(), self.hold.take(), self.unseen.take());
        let retained = Retained { unseen, values, attempt, hold };
        let retained = Arc::new(retained);
        for pidfd in unexited {
            reap_later(Orphan::new(pidfd, Some(Arc::clone(&retained) as _)));
        }
    }
}

/// Everything that killed children may use that have not exited, until the last of them has. The
/// values are dropped before `attempt`, which they may borrow.
struct Retained {
    /// Points into `values`.
    unseen: Option<UnseenChild>,
    values: Values,
    attempt: Option<AttemptBox>,
    hold: Option<Hold>,
}

impl Drop for Retained {
    /// If the intermediate process has made a child after all, that child may be in the same
    /// memory: then it takes over everything.
    fn drop(&mut self) {
        let Some(pidfd) = self.unseen.take().and_then(UnseenChild::killed) else { return };
        let values = std::mem::take(&mut self.values);
        let (attempt, hold) = (self.attempt.take(), self.hold.take());
        let retained = Arc::new(Self { unseen: None, values, attempt, hold });
        reap_later(Orphan::new(pidfd, Some(retained)));
    }
}

// SAFETY: the only thing done with a `Retained` is to drop it, once. Any thread may free the
// memory, close the descriptors, release the dumpable flag and kill a child. The hooks and closures
// belong to the plan, which is `Send + Sync`, as asserted below. The locks of a fork were released
// when the fork returned.
unsafe impl Send for Retained {}
// SAFETY: as for `Send`; a shared reference gives access to nothing.
unsafe impl Sync for Retained {}

/// Asserts that the types with code and values of the caller are `Send` and `Sync`. The two
/// implementations above depend on this.
const _: () = {
    const fn assert_send_sync<T: Send + Sync>() {}
    assert_send_sync::<Plan>();
    assert_send_sync::<OpenTarget>();
};
