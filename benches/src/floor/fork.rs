//! The raw floor of a closure in new namespaces: fork(2), a second clone, and the maps.
#![allow(unsafe_code, reason = "fork and clone3")]

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use ns_sys::child::exit_group;
use ns_sys::{CloneArgs, CloneFlags, WaitFlags, clone3, futex, pidfd_open, waitid_pidfd};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::files::{own_maps, write_maps};

/// The state that the three processes share.
#[derive(Debug)]
struct SharedState {
    pid: AtomicU32,
    released: AtomicU32,
}

/// Starts a child that exits at once with status 0.
#[derive(Debug)]
pub struct ForkFloor {
    flags: CloneFlags,
    maps: [String; 2],
}

impl ForkFloor {
    /// Creates a floor with these new namespaces, which must include a user namespace. The caller's IDs are mapped to
    /// 0.
    pub fn new(kinds: CloneFlags) -> Self {
        Self { flags: kinds | CloneFlags::PARENT, maps: own_maps() }
    }

    /// Starts the child and waits for it.
    ///
    /// # Panics
    /// If a system call fails.
    pub fn start_join(&self) {
        let page = SharedPage::new();
        // SAFETY: the forked process only makes raw system calls.
        let intermediate = unsafe { libc::fork() };
        if intermediate == 0 {
            self.make_child(&page);
        }
        let intermediate = Pid::from_raw(intermediate).expect("fork");
        let result = waitpid(Some(intermediate), WaitOptions::empty());
        let (_, status) = result.expect("wait").expect("the intermediate process has exited");
        assert_eq!(status.exit_status(), Some(0));
        let pid = page.get().pid.load(Ordering::Acquire);
        let pidfd = pidfd_open(pid).expect("pidfd_open");
        write_maps(pid, &self.maps, rustix::process::geteuid().is_root());
        page.get().released.store(1, Ordering::Release);
        futex::wake(&page.get().released, 1).expect("wake");
        let status =
            waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").expect("the child has exited");
        assert_eq!(status.code(), Some(0));
    }

    fn make_child(&self, page: &SharedPage) -> ! {
        let mut args = CloneArgs::new(self.flags);
        args.parent_tid(&page.get().pid);
        // SAFETY: this process has one thread, and the child only makes raw system calls.
        match unsafe { clone3(&args) } {
            Ok(Some(_)) => exit_group(0),
            Ok(None) => {}
            Err(_) => exit_group(1),
        }
        while page.get().released.load(Ordering::Acquire) == 0 {
            let _ = futex::wait(&page.get().released, 0, None);
        }
        exit_group(0)
    }
}

/// A mapping that the three processes share.
struct SharedPage(NonNull<SharedState>);

impl SharedPage {
    fn new() -> Self {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let length = size_of::<SharedState>();
        // SAFETY: the kernel chooses the address, so no other memory is affected.
        let page = unsafe { mmap_anonymous(ptr::null_mut(), length, protection, MapFlags::SHARED) };
        Self(NonNull::new(page.expect("map").cast()).expect("a mapping that is not at address 0"))
    }

    fn get(&self) -> &SharedState {
        // SAFETY: the mapping of `new` is zeroed, lives as long as `self`, and has only atomics.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`, and its owner is being dropped.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<SharedState>()) };
    }
}
