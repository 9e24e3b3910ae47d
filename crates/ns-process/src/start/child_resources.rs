//! What a child in this memory can reach, kept at its place until the child has left.
#![allow(unsafe_code, reason = "values on the heap that outlive their borrows")]

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;
use std::ptr::NonNull;
use std::sync::Arc;

use super::dumpable::Hold;
use super::prepare::PreparedStart;
use super::unseen_child::Unseen;
use crate::plan::Plan;
use crate::process::{Orphan, leave};
use crate::target::OpenTarget;

/// What is prepared for a start, and everything that is made of it for the child.
///
/// A child that does not leave its memory, because something holds it, is handed over with all of this to the
/// list of orphans. Then the start can return.
pub(super) struct ChildResources {
    values: Values,
    hold: RefCell<Option<Hold>>,
    stuck: RefCell<Vec<OwnedFd>>,
    unseen: Cell<Option<Unseen>>,
    /// `None` once it is handed on.
    prepared: Option<PreparedBox>,
}

/// A box without a box's claim to be the only way to what is in it: children, and what is kept, lead there while it
/// moves.
struct PreparedBox(NonNull<PreparedStart>);

impl PreparedBox {
    fn new(prepared: PreparedStart) -> Self {
        Self(NonNull::from(Box::leak(Box::new(prepared))))
    }

    fn into_inner(self) -> Box<PreparedStart> {
        let place = std::mem::ManuallyDrop::new(self).0;
        // SAFETY: `new` made it of a box, and its destructor does not run.
        unsafe { Box::from_raw(place.as_ptr()) }
    }
}

impl Deref for PreparedBox {
    type Target = PreparedStart;

    fn deref(&self) -> &PreparedStart {
        // SAFETY: it stays until this is dropped, and is only read.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for PreparedBox {
    fn drop(&mut self) {
        // SAFETY: `new` made it of a box. `into_inner`, which gives it back too, keeps this from running.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// In the order in which they were kept, of which a later one may lead to earlier ones.
#[derive(Default)]
struct Values(RefCell<Vec<NonNull<dyn Value>>>);

trait Value {}

impl<T> Value for T {}

impl Drop for Values {
    fn drop(&mut self) {
        let values = self.0.get_mut();
        while let Some(value) = values.pop() {
            // SAFETY: `keep` made it of a box, and takes it out of the list nowhere else.
            drop(unsafe { Box::from_raw(value.as_ptr()) });
        }
    }
}

impl fmt::Debug for ChildResources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildResources").field("stuck", &self.stuck).finish_non_exhaustive()
    }
}

impl ChildResources {
    pub(super) fn new(prepared: PreparedStart) -> Self {
        Self {
            values: Values::default(),
            hold: RefCell::new(None),
            stuck: RefCell::new(Vec::new()),
            unseen: Cell::new(None),
            prepared: Some(PreparedBox::new(prepared)),
        }
    }

    pub(super) fn prepared(&self) -> &PreparedStart {
        self.prepared.as_deref().expect("handed on only at the end")
    }

    /// Keeps a value for as long as this lives, or a child of it.
    ///
    /// # Safety
    /// `value` leads to nothing that a child in this memory uses but what lives for ever, is kept here, or
    /// belongs to what is prepared. Its destructor uses nothing else either.
    pub(super) unsafe fn keep<'a, T: 'a>(&'a self, value: T) -> &'a T {
        let kept = NonNull::from(Box::leak(Box::new(value)));
        let value: NonNull<dyn Value + 'a> = kept;
        // SAFETY: the lifetime alone changes. The caller vouches for what the value leads to.
        let value: NonNull<dyn Value> = unsafe { std::mem::transmute(value) };
        self.values.0.borrow_mut().push(value);
        // SAFETY: it does not move, is only read, and is dropped with this alone.
        unsafe { kept.as_ref() }
    }

    /// How the dumpable flag is held; the former hold ends first.
    pub(super) fn hold(&self, hold: impl FnOnce() -> Option<Hold>) -> bool {
        self.hold.replace(None);
        let hold = hold();
        let holds = hold.is_some();
        self.hold.replace(hold);
        holds
    }

    pub(super) fn release_hold(&self) {
        self.hold.replace(None);
    }

    /// Takes over a child that was killed and has not ended.
    pub(super) fn adopt(&self, pidfd: OwnedFd) {
        self.stuck.borrow_mut().push(pidfd);
    }

    /// Whether a child may still be in this memory.
    pub(super) fn has_stuck(&self) -> bool {
        !self.stuck.borrow().is_empty()
    }

    /// A process between, which may get stuck, is about to make a child.
    pub(super) fn expect_child(&self, unseen: Unseen) {
        self.unseen.set(Some(unseen));
    }

    /// That child has a descriptor of its own here, or is gone.
    pub(super) fn child_is_seen(&self) {
        self.unseen.set(None);
    }

    /// Every child has left.
    pub(super) fn into_prepared(mut self) -> Box<PreparedStart> {
        self.values = Values::default();
        self.prepared.take().expect("handed on only here").into_inner()
    }
}

impl Drop for ChildResources {
    fn drop(&mut self) {
        let stuck = self.stuck.take();
        if stuck.is_empty() {
            // No child is left, so the flag may be set again before the rest is freed.
            self.release_hold();
            return;
        }
        let values = std::mem::take(&mut self.values);
        let (prepared, hold, unseen) = (self.prepared.take(), self.hold.take(), self.unseen.take());
        let left = Retained { unseen, values, prepared, hold };
        let left = Arc::new(left);
        for pidfd in stuck {
            leave(Orphan::new(pidfd, Some(Arc::clone(&left) as _)));
        }
    }
}

/// What stuck children may use, until the last of them has ended. The values are dropped first, which may lead
/// to what is prepared.
struct Retained {
    /// In memory that the values own.
    unseen: Option<Unseen>,
    values: Values,
    prepared: Option<PreparedBox>,
    hold: Option<Hold>,
}

impl Drop for Retained {
    /// A process between may have made a child meanwhile, in this memory too: then all this is that one's.
    fn drop(&mut self) {
        let Some(pidfd) = self.unseen.take().and_then(Unseen::killed) else { return };
        let values = std::mem::take(&mut self.values);
        let (prepared, hold) = (self.prepared.take(), self.hold.take());
        let left = Arc::new(Self { unseen: None, values, prepared, hold });
        leave(Orphan::new(pidfd, Some(left)));
    }
}

// SAFETY: nothing is done with it but to drop it, once; memory, descriptors and the flag can be given back by
// any thread, and a child killed. Hooks and closures are the plan's, which the compiler asserts below. The locks of
// a fork were given back when it had returned.
unsafe impl Send for Retained {}
// SAFETY: as above.
unsafe impl Sync for Retained {}

/// What the two claims above rest on, where it is the caller's own.
const _: () = {
    const fn may_be_dropped_by_any_thread<T: Send + Sync>() {}
    may_be_dropped_by_any_thread::<Plan>();
    may_be_dropped_by_any_thread::<OpenTarget>();
};
