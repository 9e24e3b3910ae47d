//! Plans of descriptors.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::os::fd::{BorrowedFd, RawFd};

use ns_fs::{Descriptors, FdPlan, Stdio};

fn plan(descriptors: &Descriptors) -> FdPlan {
    FdPlan::new(descriptors).expect("plan")
}

fn borrowed(number: RawFd) -> Stdio {
    // SAFETY: the plan is only described: no system call uses the descriptor.
    Stdio::borrowed(unsafe { BorrowedFd::borrow_raw(number) })
}

/// Invalid settings are errors before anything is opened.
#[test]
fn invalid_settings_are_errors() {
    let missing = || Stdio::path("/nonexistent/file");
    let error = |number, file| {
        let mut descriptors = Descriptors::new();
        let descriptors = descriptors.stdin(missing()).place(number, file);
        FdPlan::new(descriptors).expect_err("invalid").to_string()
    };
    assert_eq!(error(-1, Stdio::null()), "descriptor -1: the number is negative");
    assert!(error(3, Stdio::piped()).starts_with("descriptor 3: a pipe above 2"));
    assert_eq!(error(3, Stdio::read("")), "descriptor 3: the path is empty");
    assert_eq!(error(1, Stdio::path("a\0b")), "descriptor 1: the path contains a NUL byte: a\0b");
    assert_eq!(error(2, Stdio::path("")), "descriptor 2: the path is empty");
}

/// A plan lists its system calls in order.
#[test]
fn e02_a_plan_lists_its_system_calls() {
    let mut descriptors = Descriptors::new();
    descriptors.stdin(borrowed(1)).stdout(borrowed(0));
    descriptors.stderr(borrowed(2)).place(5, borrowed(9));
    let plan = plan(&descriptors);
    let expected = [
        "fcntl(2, F_SETFD, 0)",
        "dup3(9, 5, 0)",
        "fcntl(0, F_DUPFD_CLOEXEC, 3)",
        "dup3(1, 0, 0)",
        "dup3(temporary, 1, 0), close(temporary)",
        "close_range(3, 4, 0)",
        "close_range(6, UINT_MAX, 0)",
    ];
    assert_eq!(plan.describe().lines().collect::<Vec<_>>(), expected);
    assert!(format!("{plan:?}").contains("dup3(9, 5, 0)"));
}

/// The settings list what a plan will open, and the moves.
#[test]
fn settings_list_files_and_moves() {
    let mut descriptors = Descriptors::new();
    descriptors.stdin(Stdio::path("/a \"b\"")).stdout(Stdio::path("/log")).stderr(Stdio::piped());
    let opening = [
        r#"openat("/a \"b\"", O_RDONLY)"#,
        r#"openat("/log", O_WRONLY | O_CREAT | O_APPEND)"#,
        "pipe2(O_CLOEXEC)",
    ];
    assert_eq!(descriptors.describe_opening().lines().collect::<Vec<_>>(), opening);
    let mut above = Descriptors::new();
    above.place(3, Stdio::path("/a")).place(4, Stdio::read("/b")).place(5, Stdio::append("/c"));
    above.place(6, Stdio::create("/d"));
    let opening = [
        r#"openat("/a", O_RDWR)"#,
        r#"openat("/b", O_RDONLY)"#,
        r#"openat("/c", O_WRONLY | O_CREAT | O_APPEND)"#,
        r#"openat("/d", O_WRONLY | O_CREAT | O_TRUNC)"#,
    ];
    assert_eq!(above.describe_opening().lines().collect::<Vec<_>>(), opening);
    descriptors.stdin(Stdio::inherit());
    let placing = ["dup3(\"/log\", 1, 0)", "dup3(pipe, 2, 0)", "close_range(3, UINT_MAX, 0)"];
    assert_eq!(descriptors.describe_placing().lines().collect::<Vec<_>>(), placing);
}

/// All descriptors are inherited only if none is placed and none is closed.
#[test]
fn all_descriptors_are_inherited() {
    let leaves_all =
        |close, number, file| Descriptors::new().close_rest(close).place(number, file).leaves_all();
    assert!(leaves_all(false, 7, Stdio::inherit()));
    assert!(!leaves_all(true, 7, Stdio::inherit()));
    assert!(!leaves_all(false, 1, Stdio::null()));
    assert!(!leaves_all(true, 1, Stdio::null()));
}
