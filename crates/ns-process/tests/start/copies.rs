//! The forked process that runs a closure or a hook: its parent, its namespaces and the state of libc in it.
#![allow(unsafe_code, reason = "pthread mutexes, signal handlers, and hooks")]

use std::cell::UnsafeCell;
use std::fs;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::target::{Target, namespaces_of};
use crate::common::{assert_unchanged, eventually, in_child, reap_all};
use ns_process::{
    Clock, Container, Errno, HookContext, Init, Namespace, NamespaceFlags, Step, setns_process,
};
use ns_testbed::{Leftovers, refuse};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Sets every kind of new namespace that needs no intermediate process.
fn all_but_pid(container: &mut Container) -> &mut Container {
    container.all().without(Namespace::Pid).map_zero()
}

/// A value in memory that is shared with forked children, and never freed.
fn shared<T>(value: T) -> &'static T {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping, at an address that the kernel chooses.
    let page =
        unsafe { mmap_anonymous(ptr::null_mut(), size_of::<T>(), protection, MapFlags::SHARED) };
    let shared: *mut T = page.expect("map").cast();
    // SAFETY: the mapping is new, large enough and aligned to a page.
    unsafe { shared.write(value) };
    // SAFETY: just written, and never unmapped.
    unsafe { &*shared }
}

/// The child of fork(3) has new namespaces of every kind except pid, with maps, clocks and names.
#[test]
fn s1_a_forked_child_has_new_namespaces() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let before = Leftovers::snapshot();
            let mut container = Container::from_fn(|| {
                println!("{}", namespaces_of("self").join(" "));
                println!("{}", rustix::process::geteuid().as_raw());
                println!("{}", rustix::system::uname().nodename().to_string_lossy());
                println!("{}", fs::read_to_string("/proc/uptime").expect("uptime"));
            });
            all_but_pid(&mut container).hostname("box");
            container.time_offset(Clock::Boottime, 100_000_000, 0);
            container.before_go(|child| {
                let theirs = fs::read_link(format!("/proc/{}/ns/uts", child.pid()));
                assert_ne!(theirs.ok(), fs::read_link("/proc/self/ns/uts").ok());
            });
            let output = container.output().expect("start");
            let text = String::from_utf8(output.stdout).expect("text");
            let lines: Vec<&str> = text.lines().collect();
            for (inside, own) in lines[0].split(' ').zip(namespaces_of("self")) {
                assert_eq!(inside == own, own.starts_with("pid"), "{inside}, {own}");
            }
            assert_eq!(lines[1..3], ["0", "box"]);
            let uptime: f64 = lines[3].split(' ').next().expect("a number").parse().expect("one");
            assert!(uptime > 100_000_000.0, "{uptime}");
            assert_unchanged(&before);
        });
    });
}

/// The memory is copied once: there is an intermediate process only for a new pid namespace.
#[test]
fn s1_the_memory_is_copied_once() {
    static EXITS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: i32) {
        EXITS.fetch_add(1, Ordering::Relaxed);
    }
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let handler: extern "C" fn(i32) = count;
            // SAFETY: the handler counts, and does nothing else.
            unsafe { libc::signal(libc::SIGCHLD, handler as libc::sighandler_t) };
            let go = shared(AtomicU32::new(0));
            let mut container = Container::from_fn(|| {
                eventually("the caller has counted", || go.load(Ordering::Acquire) == 1);
            });
            for with_pid in [false, true] {
                EXITS.store(0, Ordering::Relaxed);
                go.store(0, Ordering::Relaxed);
                all_but_pid(&mut container);
                if with_pid {
                    container.namespace(Namespace::Pid);
                }
                let text = container.plan().expect("plan").describe().to_string();
                assert_eq!(text.contains("intermediate: "), with_pid, "{text}");
                let process = container.start().expect("start");
                assert_eq!(EXITS.load(Ordering::Relaxed), u32::from(with_pid), "exits so far");
                go.store(1, Ordering::Release);
                assert!(process.join().expect("join").success());
            }
        });
    });
}

/// A namespace that the child cannot make is an error of the clone step, without delay; nothing is left.
#[test]
fn s6_errors_of_namespaces_that_the_child_makes() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let before = Leftovers::snapshot();
            let mut container = Container::from_fn(|| ());
            all_but_pid(&mut container);
            refuse(libc::SYS_unshare, Errno::NOSPC);
            // On a busy machine one start may take long, but not every one.
            let at_once = (0..100).any(|_| {
                let began = Instant::now();
                // SAFETY: this process has one thread; the check for that is refused by the filter.
                let error = unsafe { container.start_unchecked() }.expect_err("refused");
                let took = began.elapsed();
                assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::NOSPC)));
                assert!(error.hint().is_some_and(|hint| hint.contains("limit")), "{error}");
                assert_unchanged(&before);
                took.as_millis() < 90
            });
            assert!(at_once, "every start waited for a timeout");
        });
    });
}

/// A process-shared robust pthread mutex.
struct Mutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a pthread mutex is made for several threads and processes.
unsafe impl Sync for Mutex {}

impl Mutex {
    fn new() -> &'static Self {
        let mutex = shared(Self(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)));
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: initializes the attributes before they are used.
        unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) };
        // SAFETY: as above.
        let mut attributes = unsafe { attributes.assume_init() };
        // SAFETY: as above.
        unsafe {
            libc::pthread_mutexattr_setpshared(&raw mut attributes, libc::PTHREAD_PROCESS_SHARED)
        };
        // SAFETY: as above.
        unsafe {
            libc::pthread_mutexattr_setrobust(&raw mut attributes, libc::PTHREAD_MUTEX_ROBUST)
        };
        // SAFETY: the mutex is not in use yet.
        assert_eq!(unsafe { libc::pthread_mutex_init(mutex.0.get(), &raw const attributes) }, 0);
        mutex
    }

    fn lock(&self) -> i32 {
        // SAFETY: `new` initialized it.
        unsafe { libc::pthread_mutex_lock(self.0.get()) }
    }

    /// Locks the mutex after its owner died.
    fn recover(&self) {
        // SAFETY: takes a number. Without the mark of the kernel the lock would wait for ever.
        unsafe { libc::alarm(20) };
        assert_eq!(self.lock(), libc::EOWNERDEAD);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::pthread_mutex_consistent(self.0.get()) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.0.get()) }, 0);
    }
}

/// The kernel marks a robust mutex whose owner died in a closure or hook: the robust list is registered, and
/// libc has the right thread ID.
#[test]
fn s1_robust_mutexes_are_marked_when_the_child_dies() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mutex = Mutex::new();
        let own = NamespaceFlags::USER | NamespaceFlags::PID;
        for (kinds, init) in
            [(NamespaceFlags::empty(), None), (own, None), (own, Some(Init::builtin()))]
        {
            in_child(|| {
                let configure = |mut container: Container| {
                    container.namespaces(kinds.kinds());
                    if let Some(init) = &init {
                        container.init(init.clone());
                    }
                    container
                };
                let lock = move || mutex.lock();
                assert_eq!(
                    configure(Container::from_fn(lock)).status().expect("start").code(),
                    Some(0)
                );
                mutex.recover();
                let lock_and_exit = move |_: &HookContext| -> Result<(), Errno> {
                    lock();
                    // SAFETY: exits from the child.
                    unsafe { libc::_exit(3) };
                };
                let mut hooked = configure(Container::new("true"));
                // SAFETY: locks a free mutex and exits.
                unsafe { hooked.preexec(lock_and_exit) };
                hooked.start().expect_err("it has exited");
                mutex.recover();
            });
        }
    });
}

/// Copies of the caller with the same process ID start programs at once: they use separate record locks.
#[test]
fn c19_copies_with_the_same_pid_do_not_share_locks() {
    ns_testbed::run_as!([Root], {
        assert!(Container::new("true").status().expect("start").success());
        let mut closure = Container::from_fn(|| {
            let started = (0..200).map(|_| Container::new("true").status());
            i32::from(!started.into_iter().all(|status| status.is_ok_and(|it| it.success())))
        });
        closure.namespace(Namespace::Pid);
        // SAFETY: no other thread of the test holds a lock.
        let start = || unsafe { closure.start_unchecked() }.expect("start");
        let processes: Vec<_> = (0..4).map(|_| start()).collect();
        for process in processes {
            assert_eq!(process.join().expect("join").code(), Some(0));
        }
    });
}

/// `setns_process` does not wait for closures that other threads started meanwhile.
#[test]
fn e10_other_closures_do_not_delay_a_value() {
    ns_testbed::run_as!([User], {
        let target = Target::in_all();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut closure = Container::from_fn(|| {
                    thread::sleep(Duration::from_secs(100));
                });
                closure.kill_on_drop(true);
                // SAFETY: the closure takes no lock.
                let start = || unsafe { closure.start_unchecked() }.expect("start");
                let processes: Vec<_> = (0..40).map(|_| start()).collect();
                stop.store(true, Ordering::Relaxed);
                drop(processes);
            });
            while !stop.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let inside = setns_process(&*target, [Namespace::User]).expect("a target");
                // SAFETY: the closure takes no lock.
                let value = unsafe { inside.run_unchecked(|| vec![7; 200_000]) }.expect("run");
                assert_eq!(value.len(), 200_000);
                assert!(begin.elapsed() < Duration::from_secs(10), "it waited for another closure");
            }
        });
        reap_all();
    });
}
