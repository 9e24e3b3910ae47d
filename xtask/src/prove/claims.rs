//! What is claimed, and the command that shows it.

/// One line of an issue.
pub(super) struct Claim {
    pub(super) issue: u32,
    pub(super) text: &'static str,
    /// The words after `cargo`; before them, variables as a shell takes them.
    pub(super) cargo: &'static str,
    /// What the output must contain: a command that ran nothing also ends with 0.
    pub(super) shows: &'static str,
}

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        issue: 2,
        text: "10 000 random CloneArgs against the kernel: 0 disagreements",
        cargo: "test --release -p ns-sys --test clone_oracle -- --nocapture",
        shows: "shown: 10000 random CloneArgs",
    },
    Claim {
        issue: 2,
        text: "the first container: three lines of ps, the shell is pid 1, status 0",
        cargo: "run --quiet -p ns-process --example first_container",
        shows: "status 0",
    },
    Claim {
        issue: 2,
        text: "with 1 GB resident a start takes at most 1.5 times as long as with none",
        cargo: "run --quiet --release -p benches --bin gates -- --only flat",
        shows: "| flat: 1 GB resident / none |",
    },
    Claim {
        issue: 2,
        text: "parents killed in the middle of a start leave no child that waits",
        cargo: "test --release -p ns-process --test orphans -- --nocapture",
        shows: "shown: 500 parents killed",
    },
    Claim {
        issue: 3,
        text: "100 000 random texts and maps against the kernel; 340 extents; 100 through newuidmap",
        cargo: "test --release -p ns-idmap --test kernel -- --nocapture",
        shows: "shown: 100000 random maps: 0 disagreements",
    },
    Claim {
        issue: 3,
        text: "parse, validate and format meet their gates, and placing descriptors (issue 4) its own",
        cargo: "run --quiet --release -p benches --bin gates -- --only map:",
        shows: "| map: parse, validate and format 340 extents / loops |",
    },
    Claim {
        issue: 3,
        text: "parse, validate and format within their allocations",
        cargo: "test --release -p ns-idmap --test allocations -- --nocapture",
        shows: "shown: parse, validate and format 340 extents: 2 allocations",
    },
    Claim {
        issue: 4,
        text: "three escape programs: what chroot cannot stop, and the default does",
        cargo: "test --release -p ns-fs --test escape -- --nocapture",
        shows: "pivot, rest closed (default): walk up held, second chroot held",
    },
    Claim {
        issue: 4,
        text: "host mountinfo byte-identical: success, a failure at every call, parents killed",
        cargo: "test --release -p ns-fs --test host_unchanged -- --nocapture",
        shows: "parents killed in the middle",
    },
    Claim {
        issue: 4,
        text: "100 000 random fd maps: simulated result equals wish; 1 000 for real",
        cargo: "test --release -p ns-fs --test fd_moves -- --nocapture",
        shows: "shown: 100000 random descriptor maps simulated",
    },
    Claim {
        issue: 5,
        text: "10 000 starts from 64 threads beside threads that allocate: every status right",
        cargo: "test --release -p ns-process --test stress -- --nocapture",
        shows: "shown: 10000 starts from 64 threads",
    },
    Claim {
        issue: 5,
        text: "the same where all threads share one arena of the allocator",
        cargo: "GLIBC_TUNABLES=glibc.malloc.arena_max=1 test --release -p ns-process --test stress -- --nocapture",
        shows: "shown: 10000 starts from 64 threads",
    },
    Claim {
        issue: 5,
        text: "the same on musl",
        cargo: "test --release --target x86_64-unknown-linux-musl -p ns-process --test stress -- --nocapture",
        shows: "shown: 10000 starts from 64 threads",
    },
    Claim {
        issue: 5,
        text: "parents killed in the middle: the program runs, or nothing does; none with die_with_parent",
        cargo: "test --release -p ns-process --test orphans --test session -- --nocapture",
        shows: "shown: 500 parents killed at 0 to 20 ms, 0 orphans",
    },
    Claim {
        issue: 5,
        text: "each system call of a start fails, once on either side and for good: a typed error or a start",
        cargo: "test --release -p ns-process --test faults -- --nocapture",
        shows: "starts in which one call of the parent's fails once",
    },
    Claim {
        issue: 5,
        text: "every step has a case in which it fails by name",
        cargo: "test --release -p ns-process --test every_step -- --nocapture",
        shows: "steps fail by name here",
    },
    Claim {
        issue: 5,
        text: "every row of the hazards and of the contract has a test that names it",
        cargo: "run --quiet -p xtask -- rows",
        shows: "s6_errors",
    },
    Claim {
        issue: 5,
        text: "programs begin mapped; starts that want the dumpable flag in different ways",
        cargo: "test --release -p ns-process --test maps -- --nocapture",
        shows: "shown: 500 of 500 programs began mapped",
    },
    Claim {
        issue: 5,
        text: "the gates of starts against the raw floor",
        cargo: "run --quiet --release -p benches --bin gates -- --only floor:",
        shows: "| floor: plain / raw floor |",
    },
    Claim {
        issue: 6,
        text: "Inject with none selected: inode by inode, from 8 busy threads and 1 GB resident",
        cargo: "test --release -p ns-process --test inject -- --nocapture b09",
        shows: "shown: 8 namespaces entered 20 times from 8 busy threads and 1024 MB",
    },
    Claim {
        issue: 6,
        text: "Inject into the caller's own user namespace, and where the owners differ",
        cargo: "test --release -p ns-process --test inject -- c02_in_the_callers c01_owners s5_none",
        shows: "test result: ok. 3 passed",
    },
    Claim {
        issue: 6,
        text: "every selection once: 255 as root; 128 as a user, and EPERM for the 127 others",
        cargo: "test --release -p ns-process --test inject -- --nocapture c01_every_selection",
        shows: "shown: 128 selections entered, 127 refused with EPERM",
    },
    Claim {
        issue: 6,
        text: "pyspaces' own seven tests, as root and as a user",
        cargo: "test --release -p ns-process --test pyspaces",
        shows: "test result: ok. 7 passed",
    },
    Claim {
        issue: 6,
        text: "300 closures that allocate, unchecked from a program with two allocating threads",
        cargo: "test --release -p ns-process --test closures -- --nocapture b11",
        shows: "shown: 300 closures",
    },
    Claim {
        issue: 6,
        text: "200 injects into a hostile target that polls memory, ptrace and descriptors",
        cargo: "test --release -p ns-process --test hostile -- --nocapture",
        shows: "shown: 200 injects into a hostile target, nothing robbed",
    },
    Claim {
        issue: 6,
        text: "the target killed in the middle of 100 injects",
        cargo: "test --release -p ns-process --test inject -- --nocapture c07_killed",
        shows: "shown: 100 targets killed in the middle",
    },
    Claim {
        issue: 7,
        text: "every row of the gates is met",
        cargo: "run --quiet --release -p benches --bin gates -- target/gates",
        shows: ", 0 missed,",
    },
    Claim {
        issue: 7,
        text: "the plot and the table of the front page come out of one command",
        cargo: "run --quiet --release -p benches --bin scaling -- target/scaling --only memory",
        shows: "target/scaling/memory.svg",
    },
    Claim {
        issue: 8,
        text: "every fuzz target on random input, with the kernel as the oracle where it asks it",
        cargo: "test --release -p fuzz --test bodies -- --nocapture",
        shows: "shown: process_start",
    },
    Claim {
        issue: 8,
        text: "95 % of the lines of ns-idmap are reached by the corpus of its targets",
        cargo: "xtask fuzz idmap --coverage --at-least 95",
        shows: "TOTAL",
    },
    Claim {
        issue: 8,
        text: "a soak of 20 minutes: 0 leaks, 0 wrong statuses",
        cargo: "xtask soak --minutes 20",
        shows: "0 leaks, 0 wrong statuses",
    },
    Claim {
        issue: 14,
        text: "attacks in the window before the memory is left, 60 s each: 0 reads",
        cargo: "test --release -p ns-process --test window -- --nocapture --test-threads 1",
        shows: "shown: container, free: 0 reads",
    },
    Claim {
        issue: 14,
        text: "1000 mapped and 1000 delegated starts beside 8 injecting threads; the program's own flag",
        cargo: "test --release -p ns-process --test dumpable -- --nocapture --test-threads 1",
        shows: "shown: PR_SET_DUMPABLE 0 undone in 0 of 200 rounds",
    },
    Claim {
        issue: 14,
        text: "tracers that do not reap, and 100 starts on a FUSE that does not answer",
        cargo: "test --release -p ns-process --test held_up -- --nocapture --test-threads 1",
        shows: "shown: 100 starts of 100ms on a silent FUSE",
    },
    Claim {
        issue: 14,
        text: "1000 programs that die at once, in each setting of SIGCHLD and each kind of start",
        cargo: "test --release -p ns-process --test early_death -- --nocapture",
        shows: "shown: init, ReapedByThreadWhateverTheirSignal: 1000 of 1000 executed",
    },
    Claim {
        issue: 14,
        text: "the price of the record lock, of the name and of the flag's owner, in microseconds",
        cargo: "run --quiet --release -p benches --bin gates -- --only price:",
        shows: "| price: name of a process, looked up in proc |",
    },
];
