//! Helpers whose exit status nobody can tell: the map file decides.

use std::time::{Duration, Instant};

use ns_idmap::{Extent, GidMap, Helper, HelperError, IdKind, IdMap, UidMap};
use ns_testbed::{LONG, Leftovers};

use crate::fixture::{Etc, Folder};
use crate::helper::{DELEGATED, installed, map_of};
use crate::process::{Loss, Target, as_user, without_pidfd_open};

/// Writes its arguments as a map, as newuidmap does, with one write(2).
pub(crate) const WRITES: &str = r#"pid=$1; shift
while [ $# -gt 0 ]; do text="$text$1 $2 $3
"; shift 3; done
printf %s "$text" > /proc/$pid/uid_map
"#;

fn helper(folder: &Folder, body: &str) -> Helper {
    Helper::at(folder.script("helper", body)).expect("absolute")
}

/// One run of `helper`, after which no child but the target is left.
fn run<K: IdKind>(
    loss: Loss,
    map: &IdMap<K>,
    target: &Target,
    helper: &Helper,
) -> (Result<(), HelperError>, usize) {
    let before = Leftovers::snapshot();
    let done = loss.during(|| map.write_by(target, target.pid(), helper));
    // The list of children may still have one whose status can no longer be had.
    before.assert_unchanged_within(LONG);
    done
}

/// The words on stderr of a helper that failed, with or without its status.
fn said(error: HelperError) -> String {
    match error {
        HelperError::Failed { said, .. }
        | HelperError::StatusLost { said, read: None, file: "uid_map", .. } => said,
        other => panic!("{other:?}"),
    }
}

/// Runs until the status was lost: a foreign reaper is not always the first.
fn until_lost(loss: Loss, mut turn: impl FnMut() -> usize) {
    let lost = (0..500).any(|_| turn() > 0 || loss != Loss::Reaper);
    assert!(lost, "the other thread never reaped a helper");
}

/// A helper that wrote the map has succeeded.
#[test]
fn f40_a_written_map_is_a_success() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("lost-written");
        for (loss, code) in Loss::ALL.into_iter().flat_map(|loss| [(loss, 0), (loss, 1)]) {
            // With its status at hand, a failure is one.
            if loss == Loss::Reaper && code == 1 {
                continue;
            }
            let helper = helper(&folder, &format!("{WRITES} exit {code}"));
            until_lost(loss, || {
                let target = Target::new();
                let (done, reaped) = run(loss, &UidMap::current(), &target, &helper);
                done.unwrap_or_else(|error| panic!("{loss:?}, exit {code}: {error}"));
                reaped
            });
        }
    });
}

/// A helper that did not write this map has failed, and its words are kept.
#[test]
fn f40_another_map_or_none_is_a_failure() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("lost-unwritten");
        let own = UidMap::current();
        let other = UidMap::new([Extent { inside: 7, ..own.extents()[0] }]).expect("a map");
        for loss in Loss::ALL {
            let fails = helper(&folder, "echo why >&2; exit 1");
            until_lost(loss, || {
                let (done, reaped) = run(loss, &own, &Target::new(), &fails);
                assert_eq!(said(done.expect_err("exit 1")), "why\n", "{loss:?}");
                reaped
            });
        }
        for body in ["exit 0", &format!("set -- $1 {other}\n{WRITES}")] {
            let helper = helper(&folder, body);
            let (done, _) = run(Loss::Ignored, &own, &Target::new(), &helper);
            let error = done.expect_err(body);
            let words = ": the exit status is lost because SIGCHLD is ignored or another thread \
                         waits for all children, and uid_map does not show the map: no message on stderr";
            assert!(error.to_string().ends_with(words), "{error}");
            assert_eq!(said(error), "");
        }
    });
}

/// A file that cannot be read is an error of its own.
#[test]
fn f40_an_unreadable_map_is_a_failure() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("lost-unreadable");
        let helper = helper(&folder, "exit 0");
        let dir = std::fs::File::open("/").expect("open");
        let (done, _) = Loss::Ignored.during(|| UidMap::current().write_by(&dir, 1, &helper));
        let error = done.expect_err("no uid_map there");
        assert!(error.to_string().contains("could not open uid_map"), "{error}");
        assert!(matches!(error, HelperError::StatusLost { read: Some(_), .. }), "{error:?}");
    });
}

/// The kernel sorts a map of many extents, which is the same map.
#[test]
fn f40_extents_in_another_order() {
    ns_testbed::run_as!([Root], {
        let folder = Folder::new("lost-order");
        let helper = helper(&folder, WRITES);
        for count in [5, 6, 340] {
            let extent = |n| Extent { inside: n, outside: 1000 + 7 * n, length: 2 };
            let map = UidMap::new((0..count).rev().map(|n| extent(2 * n))).expect("a map");
            let target = Target::new();
            run(Loss::Ignored, &map, &target, &helper).0.expect("written");
            assert_eq!(target.rows("uid_map").len(), count as usize);
        }
    });
}

/// newuidmap and newgidmap themselves, with success and without.
#[test]
fn f40_the_real_helpers() {
    ns_testbed::run_as!([Root], {
        let _etc = match Etc::new(DELEGATED, DELEGATED) {
            Some(etc) if installed() => etc,
            _ => ns_testbed::skip!("needs newuidmap, /etc/subuid and /etc/subgid"),
        };
        as_user(|| {
            let (helper, gids) = (Helper::default(), "9 100000 2,0 100100 9".parse::<GidMap>());
            let (uids, gids) = (map_of(7), gids.expect("a map"));
            let foreign: UidMap = "0 200000 3".parse().expect("a map");
            for loss in Loss::ALL {
                until_lost(loss, || {
                    let target = Target::new();
                    let (done, reaped) = run(loss, &uids, &target, &helper);
                    done.unwrap_or_else(|error| panic!("{loss:?}: {error}"));
                    assert_eq!(UidMap::read(&target).expect("read").as_ref(), Some(&uids));
                    run(loss, &gids, &target, &helper).0.expect("newgidmap");
                    reaped
                });
                until_lost(loss, || {
                    let (done, reaped) = run(loss, &foreign, &Target::new(), &helper);
                    let words = said(done.expect_err("not delegated"));
                    assert!(words.starts_with("newuidmap: uid range [0-3)"), "{loss:?}: {words}");
                    reaped
                });
            }
        });
    });
}

/// Neither a pipe that is closed early nor one that stays open says when the helper ends.
#[test]
fn f40_the_end_is_not_the_end_of_stderr() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("lost-end");
        let closed = helper(&folder, &format!("exec 2>&-; sleep 0.2\n{WRITES}"));
        for loss in Loss::ALL {
            let target = Target::new();
            run(loss, &UidMap::current(), &target, &closed).0.expect("written at last");
        }
        let held = helper(&folder, &format!("sleep 30 >&2 &\n{WRITES} exit 0"));
        for loss in [Loss::NoWait, Loss::Ignored] {
            let (begin, target) = (Instant::now(), Target::new());
            run(loss, &UidMap::current(), &target, &held).0.expect("written");
            assert!(begin.elapsed() < Duration::from_secs(30), "waited for a grandchild");
        }
        let (begin, target) = (Instant::now(), Target::new());
        UidMap::current().write_by(&target, target.pid(), &held).expect("ended");
        assert!(begin.elapsed() < Duration::from_secs(30), "waited for a grandchild");
    });
}

/// All of it holds without pidfds, and without poll(2).
#[test]
fn f40_without_pidfd_open() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("lost-no-pidfd");
        let writes = helper(&folder, &format!("exec 2>&-; sleep 0.1\n{WRITES}"));
        let fails = folder.script("fails", "head -c 200000 /dev/zero >&2; exit 1");
        let fails = Helper::at(fails).expect("absolute");
        without_pidfd_open(|| {
            for loss in Loss::ALL {
                run(loss, &UidMap::current(), &Target::new(), &writes).0.expect("written");
                let (done, _) = run(loss, &UidMap::current(), &Target::new(), &fails);
                assert_eq!(said(done.expect_err("exit 1")).len(), 4096);
            }
        });
    });
}
