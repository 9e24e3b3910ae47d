//! The process that a closure or a hook runs in: whose child it is, what it makes itself, what libc knows of it.
#![allow(unsafe_code, reason = "mutexes of C's, signal handlers, and hooks")]

mod common;

use std::cell::UnsafeCell;
use std::fs;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::target::Target;
use common::{alone, eventually};
use ns_process::{
    Clock, Container, Errno, HookContext, Init, Namespace, NamespaceFlags, Step, setns_process,
};
use ns_testbed::{Leftovers, refuse};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Every kind of namespace that fork's own child can have new.
fn all_but_pid(container: &mut Container) -> &mut Container {
    container.all().without(Namespace::Pid).map_zero()
}

fn links() -> Vec<String> {
    let link = |kind: Namespace| fs::read_link(format!("/proc/self/ns/{}", kind.name()));
    Namespace::ALL.map(|kind| link(kind).expect("a link").display().to_string()).to_vec()
}

/// A value that closures share with their callers, for as long as the test lives.
fn shared<T>(value: T) -> &'static T {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let page =
        unsafe { mmap_anonymous(ptr::null_mut(), size_of::<T>(), protection, MapFlags::SHARED) };
    let place: *mut T = page.expect("map").cast();
    // SAFETY: large enough, aligned as a page is, and nobody else's.
    unsafe { place.write(value) };
    // SAFETY: just written, and never unmapped.
    unsafe { &*place }
}

/// Its namespaces are new but for that of pids, its maps hold and its clocks are set, as if a clone had made it.
#[test]
fn s1_forks_own_child_in_namespaces() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let before = Leftovers::snapshot();
            let mut container = Container::from_fn(|| {
                println!("{}", links().join(" "));
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
            for (inside, own) in lines[0].split(' ').zip(links()) {
                assert_eq!(inside == own, own.starts_with("pid"), "{inside}, {own}");
            }
            assert_eq!(lines[1..3], ["0", "box"]);
            let uptime: f64 = lines[3].split(' ').next().expect("a number").parse().expect("one");
            assert!(uptime > 100_000_000.0, "{uptime}");
            common::assert_unchanged(&before);
        });
    });
}

/// One process is made for it, and one ends: nothing is copied twice.
#[test]
fn s1_one_copy() {
    static ENDS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: i32) {
        ENDS.fetch_add(1, Ordering::Relaxed);
    }
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let handler: extern "C" fn(i32) = count;
            // SAFETY: it counts, and nothing else.
            unsafe { libc::signal(libc::SIGCHLD, handler as libc::sighandler_t) };
            let go = shared(AtomicU32::new(0));
            let mut container = Container::from_fn(|| {
                eventually("the caller has looked", || go.load(Ordering::Acquire) == 1);
            });
            for with_pid in [false, true] {
                ENDS.store(0, Ordering::Relaxed);
                go.store(0, Ordering::Relaxed);
                all_but_pid(&mut container);
                if with_pid {
                    container.namespace(Namespace::Pid);
                }
                let told = container.plan().expect("plan").describe().to_string();
                assert_eq!(told.contains("middle: "), with_pid, "{told}");
                let process = container.start().expect("start");
                assert_eq!(ENDS.load(Ordering::Relaxed), u32::from(with_pid), "ends so far");
                go.store(1, Ordering::Release);
                assert!(process.join().expect("join").success());
            }
        });
    });
}

/// What it cannot make is the clone's failure, told at once, and nothing is left.
#[test]
fn s6_errors_of_what_the_child_makes() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let before = Leftovers::snapshot();
            let mut container = Container::from_fn(|| ());
            all_but_pid(&mut container);
            refuse(libc::SYS_unshare, Errno::NOSPC);
            // On a busy machine one may take long, but not each.
            let at_once = (0..100).any(|_| {
                let began = Instant::now();
                // SAFETY: this process has one thread; that the caller has one cannot be asked any more.
                let error = unsafe { container.start_unchecked() }.expect_err("refused");
                let took = began.elapsed();
                assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::NOSPC)));
                assert!(error.hint().is_some_and(|hint| hint.contains("limit")), "{error}");
                common::assert_unchanged(&before);
                took.as_millis() < 90
            });
            assert!(at_once, "without a round of waiting");
        });
    });
}

/// A mutex of C's that is shared and robust.
struct Mutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: what C makes of it is for several threads and processes.
unsafe impl Sync for Mutex {}

impl Mutex {
    fn new() -> &'static Self {
        let mutex = shared(Self(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)));
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: made here, before they are used.
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
        // SAFETY: nobody uses the mutex yet.
        assert_eq!(unsafe { libc::pthread_mutex_init(mutex.0.get(), &raw const attributes) }, 0);
        mutex
    }

    fn lock(&self) -> i32 {
        // SAFETY: it was made by `new`.
        unsafe { libc::pthread_mutex_lock(self.0.get()) }
    }

    /// Locks it, after an owner that died.
    fn recover(&self) {
        // SAFETY: as above; a mutex that nobody marked would keep it waiting.
        unsafe { libc::alarm(20) };
        assert_eq!(self.lock(), libc::EOWNERDEAD);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::pthread_mutex_consistent(self.0.get()) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.0.get()) }, 0);
    }
}

/// A robust mutex that dies with a closure is told to the next who locks it: libc's list is the kernel's again,
/// and libc knows the thread's id.
#[test]
fn s1_robust_mutexes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mutex = Mutex::new();
        let own = NamespaceFlags::USER | NamespaceFlags::PID;
        for (kinds, init) in
            [(NamespaceFlags::empty(), None), (own, None), (own, Some(Init::builtin()))]
        {
            alone(|| {
                let wish = |mut container: Container| {
                    container.namespaces(kinds.kinds());
                    if let Some(init) = &init {
                        container.init(init.clone());
                    }
                    container
                };
                let lock = move || mutex.lock();
                assert_eq!(wish(Container::from_fn(lock)).status().expect("start").code(), Some(0));
                mutex.recover();
                let die = move |_: &HookContext| -> Result<(), Errno> {
                    lock();
                    // SAFETY: ends the child.
                    unsafe { libc::_exit(3) };
                };
                let mut hooked = wish(Container::new("true"));
                // SAFETY: locks a mutex, which is nobody's, and ends.
                unsafe { hooked.preexec(die) };
                hooked.start().expect_err("it is dead");
                mutex.recover();
            });
        }
    });
}

/// Copies of the caller with the same process id start programs at once: their record locks differ.
#[test]
fn c19_copies_with_the_same_id() {
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

/// Closures that other threads start meanwhile, and that live on, hold up nobody's value.
#[test]
fn e10_beside_closures_that_live_on() {
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
                assert!(begin.elapsed() < Duration::from_secs(10), "it was waited for");
            }
        });
        eventually("all are reaped", || ns_process::reap() == 0);
    });
}
