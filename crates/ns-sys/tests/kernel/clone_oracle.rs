//! Compares [`CloneArgs::validate`] with the kernel, for random arguments.
//!
//! The test runs as root and every pointer is valid, so that each `EINVAL` of the kernel is due to a rule
//! on the arguments. The draws leave out what depends on the environment: more IDs in `set_tid` than pid
//! namespaces, IDs above `pid_max`, `PARENT` in process 1, and a cgroup if none is mounted.
#![allow(clippy::cast_possible_truncation, reason = "x86_64 only, and small numbers")]
#![allow(unsafe_code, reason = "random arguments, and a page shared with a forked process")]

use std::fs::File;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use bitflags::Flags;
use ns_sys::child::{SignalSet, exit_group, rt_sigprocmask};
use ns_sys::{CloneArgs, CloneFlags, Errno, Signal};
use ns_testbed::{await_left, clone3_leave};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// How many arguments are drawn.
const DRAWS: u64 = 10_000;
/// The seed of the first draw. A disagreement prints its seed, which can be set here.
const SEED: u64 = 0x6e73_2d73_7973;

/// The random number generator splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize]
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next() % n == 0
    }
}

/// The memory that the pointers of the drawn arguments point to.
struct Targets {
    pidfd: AtomicI32,
    parent_tid: AtomicU32,
    child_tid: AtomicU32,
    tls: [u64; 8],
    stack: [u64; 512],
    tids: [u32; 33],
    cgroup: Option<File>,
}

impl Targets {
    fn new() -> Self {
        let cgroup = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].into_iter().find_map(|path| {
            File::open(path)
                .ok()
                .filter(|_| std::fs::exists(format!("{path}/cgroup.procs")).is_ok_and(|yes| yes))
        });
        Self {
            pidfd: AtomicI32::new(0),
            parent_tid: AtomicU32::new(0),
            child_tid: AtomicU32::new(0),
            tls: [0; 8],
            stack: [0; 512],
            tids: [1; 33],
            cgroup,
        }
    }

    fn draw(&mut self, random: &mut Random) -> CloneArgs<'_> {
        let flags = draw_flags(random);
        let choice = random.next() % 16;
        self.tids[0] = random.pick(&[0, 1, 1, 1, 1 << 31, u32::MAX, 31_000]);
        let lowest = NonNull::from(&mut self.stack).cast();
        let mut args = CloneArgs::new(flags);
        args.child_tid(&self.child_tid);
        if flags.contains(CloneFlags::PIDFD) {
            args.pidfd(&self.pidfd);
        }
        if flags.contains(CloneFlags::PARENT_SETTID) {
            args.parent_tid(&self.parent_tid);
        }
        if flags.contains(CloneFlags::SETTLS) {
            args.tls((&raw const self.tls).cast_mut().cast());
        }
        if let Some(cgroup) = self.cgroup.as_ref().filter(|_| random.one_in(8)) {
            args.cgroup(cgroup.as_fd());
        }
        match choice {
            0 => args.set_tid(&self.tids[..1]),
            1 if flags.contains(CloneFlags::NEWPID) => args.set_tid(&self.tids[..2]),
            2 => args.set_tid(&self.tids),
            3 | 4 => args.stack(lowest, size_of_val(&self.stack)),
            5 => args.stack(lowest, 0),
            _ => &mut args,
        };
        if random.one_in(2) {
            let numbers = [17, 17, 17, 1, 34, 64];
            args.exit_signal(Signal::from_raw(random.pick(&numbers)).expect("a signal"));
        }
        args
    }
}

/// Draws few flags more often than many, and dependent flags often together. Otherwise nearly every draw
/// would break a rule.
fn draw_flags(random: &mut Random) -> CloneFlags {
    let named = CloneFlags::FLAGS.iter().filter(|flag| flag.is_named());
    let rarity = random.pick(&[3, 6, 12, 24]);
    let mut flags: CloneFlags =
        named.filter(|_| random.one_in(rarity)).map(|flag| *flag.value()).collect();
    if random.one_in(4) {
        flags |= CloneFlags::VM | CloneFlags::SIGHAND;
    }
    if random.one_in(3) {
        flags -= CloneFlags::DETACHED;
    }
    if random.one_in(32) {
        flags |= CloneFlags::from_bits_retain(1 << (random.next() % 64));
    }
    flags - CloneFlags::INTO_CGROUP
}

/// The results, in memory that the forked process shares with the test.
#[derive(Default)]
struct Findings {
    accepted: AtomicU64,
    refused: AtomicU64,
    disagreements: AtomicU64,
    /// The seed of the first disagreement.
    seed: AtomicU64,
    /// The kernel's errno for it, or 0.
    errno: AtomicI32,
}

/// Draws one set of arguments, and compares `validate` with the kernel.
fn compare(findings: &Findings, targets: &mut Targets, seed: u64) {
    let args = targets.draw(&mut Random(seed));
    // SAFETY: `as_ptr` points to SIZE bytes.
    let result = unsafe { clone3_leave(args.as_ptr(), CloneArgs::SIZE) };
    let refused = result == Err(Errno::INVAL);
    if args.validate().is_err() != refused
        && findings.disagreements.fetch_add(1, Ordering::Relaxed) == 0
    {
        findings.seed.store(seed, Ordering::Relaxed);
        findings.errno.store(result.err().map_or(0, Errno::raw_os_error), Ordering::Relaxed);
    }
    (if refused { &findings.refused } else { &findings.accepted }).fetch_add(1, Ordering::Relaxed);
    let flags = args.flags();
    if let Ok(pid) = result {
        // The test itself reaps siblings, which are its children.
        if flags.contains(CloneFlags::THREAD) || !flags.contains(CloneFlags::PARENT) {
            await_left(pid, flags.contains(CloneFlags::THREAD));
        }
        close_pidfd(flags, &targets.pidfd);
    }
}

fn close_pidfd(flags: CloneFlags, slot: &AtomicI32) {
    if flags.contains(CloneFlags::PIDFD) {
        // SAFETY: the kernel has just stored a new descriptor in it.
        unsafe { ns_sys::child::close(slot.load(Ordering::Relaxed)) }.expect("close the pidfd");
    }
}

/// Runs in a forked process, so that siblings created with `PARENT` are children of the test.
fn compare_all(findings: &Findings) -> ! {
    // Exit signals must not kill this process.
    rt_sigprocmask(SignalSet::ALL).expect("block signals");
    let mut targets = Targets::new();
    for draw in 0..DRAWS {
        compare(findings, &mut targets, SEED + draw);
    }
    exit_group(0)
}

/// `validate` fails exactly if the kernel returns `EINVAL`.
#[test]
fn b01_validate_agrees_with_the_kernel() {
    ns_testbed::run_as!([Root], {
        let size = size_of::<Findings>();
        let flags = MapFlags::SHARED;
        // SAFETY: this creates a new mapping.
        let page = unsafe {
            mmap_anonymous(std::ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, flags)
        }
        .expect("map a shared page");
        // SAFETY: the mapping is zeroed, aligned and large enough, and stays valid until it is unmapped below.
        let findings: &Findings = unsafe { &*page.cast() };
        // SAFETY: libc's fork keeps libc's state consistent in the child, which ends in exit_group.
        match unsafe { libc::fork() } {
            0 => compare_all(findings),
            child => reap_until(child),
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (accepted, refused) = (count(&findings.accepted), count(&findings.refused));
        println!(
            "shown: {DRAWS} random CloneArgs against the kernel: {accepted} accepted, {refused} refused, {} disagreements",
            count(&findings.disagreements)
        );
        let seed = count(&findings.seed);
        let mut targets = Targets::new();
        let args = targets.draw(&mut Random(seed));
        assert_eq!(
            count(&findings.disagreements),
            0,
            "seed {seed:#x}: kernel errno {}, validate {:?}, {args:?}",
            findings.errno.load(Ordering::Relaxed),
            args.validate()
        );
        assert_eq!(accepted + refused, DRAWS, "the forked process did not finish");
        assert!(
            accepted > DRAWS / 10 && refused > DRAWS / 10,
            "too few draws were accepted or refused"
        );
        // SAFETY: this is the mapping from above, and `findings` is no longer used.
        unsafe { munmap(page, size) }.expect("unmap");
    });
}

/// Reaps children until `last` has been reaped, and then all others.
fn reap_until(last: i32) {
    loop {
        let mut status = 0;
        // SAFETY: the call writes one int.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
        assert!(pid > 0, "the forked process is not a child");
        if pid == last {
            assert_eq!(status, 0, "the forked process failed");
            break;
        }
    }
    // SAFETY: the call writes nothing.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) } > 0 {}
}
