//! A closure in new namespaces, by fork(2) and a second clone, bare: what the kernel makes one pay.
#![allow(unsafe_code, reason = "fork and clone, made by hand")]

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use ns_sys::child::exit_group;
use ns_sys::{CloneArgs, CloneFlags, WaitFlags, clone3, futex, pidfd_open, waitid_pidfd};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::files::{own_maps, write_maps};

/// What the processes share, and nothing else.
#[derive(Debug)]
struct Words {
    pid: AtomicU32,
    go: AtomicU32,
}

/// Starts a closure that returns 0 at once.
#[derive(Debug)]
pub struct ForkFloor {
    flags: CloneFlags,
    maps: [String; 2],
}

impl ForkFloor {
    /// With these new namespaces, a user namespace among them; the caller's ids are 0 in it.
    pub fn new(kinds: CloneFlags) -> Self {
        Self { flags: kinds | CloneFlags::PARENT, maps: own_maps() }
    }

    /// Starts it and joins it.
    ///
    /// # Panics
    /// When any call fails.
    pub fn start_join(&self) {
        let words = Shared::new();
        // SAFETY: the copy makes bare calls only.
        let middle = unsafe { libc::fork() };
        if middle == 0 {
            self.make_child(&words);
        }
        let middle = Pid::from_raw(middle).expect("fork");
        let ended = waitpid(Some(middle), WaitOptions::empty()).expect("wait").expect("ended");
        assert_eq!(ended.1.exit_status(), Some(0));
        let pid = words.get().pid.load(Ordering::Acquire);
        let pidfd = pidfd_open(pid).expect("it waits");
        write_maps(pid, &self.maps, rustix::process::geteuid().is_root());
        words.get().go.store(1, Ordering::Release);
        futex::wake(&words.get().go, 1).expect("wake");
        let status = waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").expect("ended");
        assert_eq!(status.code(), Some(0));
    }

    fn make_child(&self, words: &Shared) -> ! {
        let mut args = CloneArgs::new(self.flags);
        args.parent_tid(&words.get().pid);
        // SAFETY: this thread is alone in its process, and the child makes bare calls only.
        match unsafe { clone3(&args) } {
            Ok(Some(_)) => exit_group(0),
            Ok(None) => {}
            Err(_) => exit_group(1),
        }
        while words.get().go.load(Ordering::Acquire) == 0 {
            let _ = futex::wait(&words.get().go, 0, None);
        }
        exit_group(0)
    }
}

/// A page of all three.
struct Shared(NonNull<Words>);

impl Shared {
    fn new() -> Self {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let length = size_of::<Words>();
        // SAFETY: a new mapping; zeros are words.
        let page = unsafe { mmap_anonymous(ptr::null_mut(), length, protection, MapFlags::SHARED) };
        Self(NonNull::new(page.expect("map").cast()).expect("not at 0"))
    }

    fn get(&self) -> &Words {
        // SAFETY: the mapping of `new`, all of whose words are atomic.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<Words>()) };
    }
}
