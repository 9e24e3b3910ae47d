//! What a plan of descriptors says, and what it opens.
#![allow(unsafe_code, reason = "descriptors by number")]

mod common;

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use common::{borrow, is_open};
use ns_fs::apply::FdStep;
use ns_fs::{Descriptors, FdPlan, Stdio};
use ns_sys::child;
use ns_testbed::forked;
use rustix::fs::{OFlags, fcntl_getfl};

fn plan(wish: &Descriptors) -> FdPlan {
    FdPlan::new(wish).expect("plan")
}

/// Mistakes are told before anything is opened.
#[test]
fn mistakes_are_told_first() {
    let missing = || Stdio::path("/nonexistent/file");
    let error = |number, file| {
        let mut wish = Descriptors::new();
        FdPlan::new(wish.stdin(missing()).place(number, file)).expect_err("a mistake").to_string()
    };
    assert_eq!(error(-1, Stdio::null()), "descriptor -1: is negative");
    assert!(error(3, Stdio::piped()).starts_with("descriptor 3: open the file"));
    assert!(error(3, missing()).starts_with("descriptor 3: open the file"));
    assert_eq!(error(1, Stdio::path("a\0b")), "descriptor 1: a\0b has a NUL in it");
    assert_eq!(error(2, Stdio::path("")), "descriptor 2: the path is empty");
}

/// The plan lists its calls, and owns what it opened above 2.
#[test]
fn e02_a_plan_describes_itself() {
    let mut wish = Descriptors::new();
    wish.stdin(Stdio::borrowed(borrow(1))).stdout(Stdio::borrowed(borrow(0)));
    wish.stderr(Stdio::borrowed(borrow(2))).place(5, Stdio::borrowed(borrow(9)));
    let plan = plan(&wish);
    let wished = [
        "fcntl(2, F_SETFD, 0)",
        "dup3(9, 5, 0)",
        "fcntl(0, F_DUPFD_CLOEXEC, 3)",
        "dup3(1, 0, 0)",
        "dup3(temporary, 1, 0), close(temporary)",
        "close_range(3, 4, 0)",
        "close_range(6, 4294967295, 0)",
    ];
    assert_eq!(plan.describe().lines().collect::<Vec<_>>(), wished);
    assert!(format!("{plan:?}").contains("dup3(9, 5, 0)"));
}

/// The wish tells what a plan will open, and where it goes.
#[test]
fn a_wish_describes_itself() {
    let mut wish = Descriptors::new();
    wish.stdin(Stdio::path("/a \"b\"")).stdout(Stdio::path("/log")).stderr(Stdio::piped());
    let opening = [
        r#"openat("/a \"b\"", O_RDONLY)"#,
        r#"openat("/log", O_WRONLY | O_CREAT | O_APPEND)"#,
        "pipe2(O_CLOEXEC)",
    ];
    assert_eq!(wish.describe_opening().lines().collect::<Vec<_>>(), opening);
    wish.stdin(Stdio::inherit());
    let placing = ["dup3(\"/log\", 1, 0)", "dup3(pipe, 2, 0)", "close_range(3, 4294967295, 0)"];
    assert_eq!(wish.describe_placing().lines().collect::<Vec<_>>(), placing);
}

/// Nothing placed and nothing closed: only then is all as the caller has it.
#[test]
fn a_wish_that_leaves_all() {
    let wish =
        |close, number, file| Descriptors::new().close_rest(close).place(number, file).leaves_all();
    assert!(wish(false, 7, Stdio::inherit()));
    assert!(!wish(true, 7, Stdio::inherit()));
    assert!(!wish(false, 1, Stdio::null()));
    assert!(!wish(true, 1, Stdio::null()));
}

/// `/dev/null` is read at 0 and written at 1 and 2, as a shell opens it; above, both.
#[test]
fn null_has_a_direction() {
    let mut wish = Descriptors::new();
    for number in [0, 1, 2, 700] {
        wish.place(number, Stdio::null());
    }
    let plan = plan(&wish);
    for step in plan.steps() {
        let FdStep::Duplicate { from, to } = *step else { panic!("{step}") };
        let wished = match to {
            0 => OFlags::RDONLY,
            1 | 2 => OFlags::WRONLY,
            _ => OFlags::RDWR,
        };
        assert_eq!(fcntl_getfl(borrow(from)).expect("fcntl") & OFlags::RWMODE, wished, "{to}");
    }
    assert_eq!(plan.steps().len(), 4);
}

/// A terminal among 0 to 2 is seen, whether it is opened or inherited, and nowhere else.
#[test]
fn f11_a_terminal_is_seen() {
    ns_testbed::run_as!([Root], {
        let terminal = || Stdio::fd(File::open("/dev/ptmx").expect("a terminal"));
        let has = |wish: &Descriptors| plan(wish).has_terminal();
        assert!(!has(&Descriptors::new()), "the test bed gives none");
        assert!(!has(Descriptors::new().place(3, terminal())));
        for number in 0..=2 {
            assert!(has(Descriptors::new().place(number, terminal())), "{number}");
            let code = forked(|| {
                let inherited = File::open("/dev/ptmx").expect("a terminal");
                // SAFETY: this child prints nothing.
                unsafe { child::dup3(inherited.as_fd(), number, false) }.expect("dup3");
                let hidden = has(Descriptors::new().place(number, Stdio::null()));
                i32::from(hidden || !has(&Descriptors::new()))
            });
            assert_eq!(code, 0, "{number}");
        }
    });
}

/// A number that was spoken of, where the caller has nothing, is not one of the plan's own.
#[test]
fn e01_a_kept_number_stays_empty() {
    ns_testbed::run_as!([Root, User], {
        // What open(2) would give, whatever the test bed itself was left with.
        let numbers: Vec<_> = (3..).filter(|number| !is_open(*number)).take(4).collect();
        let mut wish = Descriptors::new();
        wish.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        for number in &numbers {
            wish.keep(*number);
        }
        let mut plan = plan(&wish);
        assert!(!numbers.iter().any(|number| is_open(*number)), "one of them was taken");
        let own = plan.take_pipe(1).expect("the caller's end");
        assert!(!numbers.contains(&own.as_raw_fd()));
    });
}
