//! Helpers whose exit status is lost: the map file decides.

use std::time::{Duration, Instant};

use ns_idmap::{Extent, GidMap, Helper, HelperError, IdKind, IdMap, UidMap};
use ns_testbed::{LONG, Leftovers};

use crate::fixtures::{TestDir, etc_files, needs_helpers};
use crate::helper::{DELEGATED, map_of};
use crate::process::{StatusLoss, Target, as_user, without_pidfd_open};

/// A script that writes its arguments as a map with one write(2), as newuidmap does.
const WRITE_MAP: &str = r#"pid=$1; shift
while [ $# -gt 0 ]; do text="$text$1 $2 $3
"; shift 3; done
printf %s "$text" > /proc/$pid/uid_map
"#;

/// Runs `helper` once, and checks that no child but the target is left.
fn run<K: IdKind>(
    loss: StatusLoss,
    map: &IdMap<K>,
    target: &Target,
    helper: &Helper<K>,
) -> (Result<(), HelperError>, usize) {
    let before = Leftovers::snapshot();
    let result = loss.during(|| map.write_by(target, helper));
    // A child whose status is discarded may stay in the list of children for a moment.
    before.assert_unchanged_within(LONG);
    result
}

/// The stderr of a helper that failed, with or without its status.
fn stderr(error: HelperError) -> String {
    match error {
        HelperError::Failed { said, .. }
        | HelperError::StatusLost { said, read: None, file: "uid_map", .. } => said,
        other => panic!("{other:?}"),
    }
}

/// Repeats `attempt` until the status is lost: the other thread is not always the first to reap.
fn until_lost(loss: StatusLoss, mut attempt: impl FnMut() -> usize) {
    let is_lost = (0..500).any(|_| attempt() > 0 || loss != StatusLoss::Reaper);
    assert!(is_lost, "the other thread never reaped a helper");
}

/// The call succeeds if the helper wrote the map, whatever its exit status was.
#[test]
fn f40_written_map_is_success() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("lost-written");
        for (loss, code) in StatusLoss::ALL.into_iter().flat_map(|loss| [(loss, 0), (loss, 1)]) {
            // The other thread may miss the status, and then exit status 1 is an error.
            if loss == StatusLoss::Reaper && code == 1 {
                continue;
            }
            let helper = dir.helper("helper", &format!("{WRITE_MAP} exit {code}"));
            until_lost(loss, || {
                let target = Target::new();
                let (result, reaped) = run(loss, &UidMap::current(), &target, &helper);
                result.unwrap_or_else(|error| panic!("{loss:?}, exit {code}: {error}"));
                reaped
            });
        }
    });
}

/// The call fails if the helper wrote another map or no map, and the error has its stderr.
#[test]
fn f40_other_map_or_no_map_is_failure() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("lost-unwritten");
        let own = UidMap::current();
        let other = UidMap::new([Extent { inside: 7, ..own.extents()[0] }]).expect("a valid map");
        for loss in StatusLoss::ALL {
            let fails = dir.helper("helper", "echo why >&2; exit 1");
            until_lost(loss, || {
                let (result, reaped) = run(loss, &own, &Target::new(), &fails);
                assert_eq!(stderr(result.expect_err("exit 1")), "why\n", "{loss:?}");
                reaped
            });
        }
        for body in ["exit 0", &format!("set -- $1 {other}\n{WRITE_MAP}")] {
            let helper = dir.helper("helper", body);
            let (result, _) = run(StatusLoss::Ignored, &own, &Target::new(), &helper);
            let error = result.expect_err(body);
            let message = ": the exit status is lost because SIGCHLD is ignored or another thread \
                         waits for all children, and uid_map does not contain the requested map: no message on stderr";
            assert!(error.to_string().ends_with(message), "{error}");
            assert_eq!(stderr(error), "");
        }
    });
}

/// The call fails if the map file cannot be read, and the error has the reason.
#[test]
fn f40_unreadable_map_is_failure() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("lost-unreadable");
        let helper = dir.helper("helper", "kill -KILL $1; while [ -e /proc/$1 ]; do :; done");
        let mut target = Target::new();
        let (result, _) =
            StatusLoss::Ignored.during(|| UidMap::current().write_by(&target, &helper));
        // The kernel reaps it while the signal is ignored.
        target.set_reaped();
        let error = result.expect_err("the process has terminated");
        assert!(error.to_string().contains("could not open uid_map"), "{error}");
        assert!(matches!(error, HelperError::StatusLost { read: Some(_), .. }), "{error:?}");
    });
}

/// The kernel sorts a map of more than five extents. It counts as the same map.
#[test]
fn f40_sorted_map_is_the_same_map() {
    ns_testbed::run_as!([Root], {
        let dir = TestDir::new("lost-order");
        let helper = dir.helper("helper", WRITE_MAP);
        for count in [5, 6, 340] {
            let extent = |n| Extent { inside: n, outside: 1000 + 7 * n, length: 2 };
            let map = UidMap::new((0..count).rev().map(|n| extent(2 * n))).expect("a valid map");
            let target = Target::new();
            run(StatusLoss::Ignored, &map, &target, &helper).0.expect("written");
            assert_eq!(target.rows("uid_map").len(), count as usize);
        }
    });
}

/// newuidmap and newgidmap, for a delegated and for a refused map.
#[test]
fn f40_newuidmap_and_newgidmap() {
    ns_testbed::run_as!([Root], {
        needs_helpers!();
        let _etc = etc_files!(DELEGATED, DELEGATED);
        as_user(|| {
            let uids = map_of(7);
            let gids: GidMap = "9 100000 2,0 100100 9".parse().expect("a valid map");
            let undelegated: UidMap = "0 200000 3".parse().expect("a valid map");
            for loss in StatusLoss::ALL {
                until_lost(loss, || {
                    let target = Target::new();
                    let (result, reaped) = run(loss, &uids, &target, &Helper::default());
                    result.unwrap_or_else(|error| panic!("{loss:?}: {error}"));
                    assert_eq!(UidMap::read(&target).expect("read").as_ref(), Some(&uids));
                    run(loss, &gids, &target, &Helper::default()).0.expect("newgidmap");
                    reaped
                });
                until_lost(loss, || {
                    let (result, reaped) =
                        run(loss, &undelegated, &Target::new(), &Helper::default());
                    let text = stderr(result.expect_err("not delegated"));
                    assert!(text.starts_with("newuidmap: uid range [0-3)"), "{loss:?}: {text}");
                    reaped
                });
            }
        });
    });
}

/// EOF on stderr is not taken for termination: a helper may close stderr early, and a descendant may
/// keep it open.
#[test]
fn f40_end_of_stderr_is_not_termination() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("lost-end");
        let closed = dir.helper("helper", &format!("exec 2>&-; sleep 0.2\n{WRITE_MAP}"));
        for loss in StatusLoss::ALL {
            let target = Target::new();
            run(loss, &UidMap::current(), &target, &closed).0.expect("written after 0.2 s");
        }
        let kept_open = dir.helper("helper", &format!("sleep 30 >&2 &\n{WRITE_MAP} exit 0"));
        for loss in [StatusLoss::NoWait, StatusLoss::Ignored] {
            let (start, target) = (Instant::now(), Target::new());
            run(loss, &UidMap::current(), &target, &kept_open).0.expect("written");
            assert!(start.elapsed() < Duration::from_secs(30), "waited for a grandchild");
        }
        let (start, target) = (Instant::now(), Target::new());
        UidMap::current().write_by(&target, &kept_open).expect("written");
        assert!(start.elapsed() < Duration::from_secs(30), "waited for a grandchild");
    });
}

/// The same without pidfd_open(2), and without ppoll(2).
#[test]
fn f40_without_pidfd_open() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("lost-no-pidfd");
        let succeeds = dir.helper("helper", &format!("exec 2>&-; sleep 0.1\n{WRITE_MAP}"));
        let fails = dir.helper("fails", "head -c 200000 /dev/zero >&2; exit 1");
        without_pidfd_open(|| {
            for loss in StatusLoss::ALL {
                run(loss, &UidMap::current(), &Target::new(), &succeeds).0.expect("written");
                let (result, _) = run(loss, &UidMap::current(), &Target::new(), &fails);
                assert_eq!(stderr(result.expect_err("exit 1")).len(), 4096);
            }
        });
    });
}
