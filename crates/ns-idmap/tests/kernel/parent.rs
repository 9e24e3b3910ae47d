//! Maps below maps.

use std::io::{Read, Write};

use ns_idmap::{ComposeError, GidMap, Reason, Setgroups, UidMap, WritePlan, Writer};
use rustix::process::Uid;
use rustix::thread;

use crate::direct::why;
use crate::process::{Target, in_child, in_namespace, in_namespace_seen, pair};

const PARENT: &str = "0 100000 10\n10 200000 10\n";

/// An extent across the parent's bound is named, and goes through when split.
#[test]
fn a09_split_at_the_parents_bounds() {
    ns_testbed::run_as!([Root], {
        in_namespace(PARENT, PARENT, || {
            let writer = Writer::current().expect("facts");
            let parent = writer.uid_map.clone().expect("its own map");
            let whole: UidMap = "0 0 20".parse().expect("parse");
            let target = Target::new();
            let reason = why(whole.write(&target));
            assert!(reason.to_string().starts_with("entry 1 (0 0 20) lies in two"), "{reason}");
            assert_eq!(whole.plan(&writer), WritePlan::Impossible(reason));

            let split = whole.split_at(&parent).expect("split");
            assert_eq!(split.to_string(), "0 0 10\n10 10 10\n");
            assert_eq!(split.plan(&writer), WritePlan::Direct);
            split.write(&target).expect("write");
            assert_eq!(UidMap::read(&target).expect("read"), Some(split));

            let past: UidMap = "0 0 21".parse().expect("parse");
            let error = past.split_at(&parent).expect_err("past the end");
            assert!(matches!(error, ComposeError::Unmapped { id: 20, .. }), "{error}");
            assert_eq!(why(past.write(Target::new())), Reason::Parent(error));
            let gids: GidMap = "0 5 10".parse().expect("parse");
            let reason = why(gids.write(Target::new(), Setgroups::Auto));
            assert!(matches!(reason, Reason::Spans(_)), "{reason}");
        });
    });
}

/// What the outermost namespace reads of a grandchild is the composition.
#[test]
fn a09_compose_is_what_the_kernel_shows() {
    ns_testbed::run_as!([Root], {
        let child: UidMap = "0 15 5,5 0 10".parse().expect("parse");
        let composed = child.compose(&PARENT.parse().expect("parse")).expect("compose");
        let outside = |pid: u32| {
            let dir = std::fs::File::open(format!("/proc/{pid}")).expect("open");
            assert_eq!(UidMap::read(&dir).expect("read"), Some(composed.clone()));
        };
        with_grandchild(|target| child.write(target).expect("write"), outside);
    });
}

/// Only the namespace itself and its parent may write, not even root further out.
#[test]
fn a13_a_grandchilds_map() {
    ns_testbed::run_as!([Root], {
        let outside = |pid: u32| {
            let dir = std::fs::File::open(format!("/proc/{pid}")).expect("open");
            assert_eq!(why(UidMap::from(100_000).write(&dir)), Reason::NotTheParent);
        };
        with_grandchild(|_| (), outside);
    });
}

/// Runs `inside` where the target's parent is, then `outside` where its grandparent is.
fn with_grandchild(inside: impl FnOnce(&Target), outside: impl FnOnce(u32)) {
    let (mut pid, tell_pid) = pair();
    let (mut done, tell_done) = pair();
    let body = || {
        let target = Target::new();
        inside(&target);
        (&tell_pid).write_all(&target.pid().to_ne_bytes()).expect("tell");
        done.read_exact(&mut [0]).expect("the other has looked");
    };
    let seen = || {
        let mut bytes = [0; 4];
        pid.read_exact(&mut bytes).expect("the pid");
        outside(u32::from_ne_bytes(bytes));
        (&tell_done).write_all(b"!").expect("tell");
    };
    in_namespace_seen(PARENT, PARENT, body, seen);
}

/// Ids that a map does not have cannot be taken inside; those that it has can.
#[test]
fn a24_only_mapped_ids_can_be_taken() {
    ns_testbed::run_as!([Root], {
        let text = "0 100000 2\n5 7 1\n";
        let map: UidMap = text.parse().expect("parse");
        in_namespace(text, text, || {
            for raw in 0..9 {
                in_child(|| {
                    let id = Uid::from_raw(raw);
                    let taken = thread::set_thread_res_uid(id, id, id);
                    assert_eq!(taken.is_ok(), map.contains(raw), "{raw}");
                });
            }
        });
    });
}
