//! Maps of nested user namespaces.

use std::io::{Read, Write};

use ns_idmap::{ComposeError, GidMap, Reason, Setgroups, UidMap, WritePlan, Writer};
use rustix::process::Uid;
use rustix::thread;

use crate::direct::refusal;
use crate::process::{Target, in_child, in_namespace, in_namespace_and_outside, socket_pair};

const PARENT: &str = "0 100000 10\n10 200000 10\n";

/// An extent that lies in two extents of the parent is refused, and accepted when it is split.
#[test]
fn a09_split_at_extents_of_parent() {
    ns_testbed::run_as!([Root], {
        in_namespace(PARENT, PARENT, || {
            let writer = Writer::current().expect("read the writer");
            let parent = writer.uid_map.clone().expect("the map of the namespace");
            let whole: UidMap = "0 0 20".parse().expect("parse");
            let target = Target::new();
            let reason = refusal(whole.write(&target));
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
            assert_eq!(refusal(past.write(Target::new())), Reason::Parent(error));
            let gids: GidMap = "0 5 10".parse().expect("parse");
            let reason = refusal(gids.write(Target::new(), Setgroups::Auto));
            assert!(matches!(reason, Reason::Spans(_)), "{reason}");
        });
    });
}

/// The grandparent namespace reads the composition of the two maps.
#[test]
fn a09_compose_agrees_with_kernel() {
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

/// A map can be written only from the namespace and from its parent, not by root in the grandparent.
#[test]
fn a13_grandparent_cannot_write() {
    ns_testbed::run_as!([Root], {
        let outside = |pid: u32| {
            let dir = std::fs::File::open(format!("/proc/{pid}")).expect("open");
            assert_eq!(refusal(UidMap::from(100_000).write(&dir)), Reason::NotTheParent);
        };
        with_grandchild(|_| (), outside);
    });
}

/// Runs `inside` in the parent namespace of a target, then `outside` in the grandparent namespace.
fn with_grandchild(inside: impl FnOnce(&Target), outside: impl FnOnce(u32)) {
    let (mut pid, pid_sender) = socket_pair();
    let (mut finished, finished_sender) = socket_pair();
    let in_parent = || {
        let target = Target::new();
        inside(&target);
        (&pid_sender).write_all(&target.pid().to_ne_bytes()).expect("send the pid");
        finished.read_exact(&mut [0]).expect("wait for the grandparent");
    };
    let in_grandparent = || {
        let mut bytes = [0; 4];
        pid.read_exact(&mut bytes).expect("receive the pid");
        outside(u32::from_ne_bytes(bytes));
        (&finished_sender).write_all(b"!").expect("send");
    };
    in_namespace_and_outside(PARENT, PARENT, in_parent, in_grandparent);
}

/// setresuid(2) accepts the mapped IDs and refuses all others.
#[test]
fn a24_only_mapped_ids_can_be_set() {
    ns_testbed::run_as!([Root], {
        let text = "0 100000 2\n5 7 1\n";
        let map: UidMap = text.parse().expect("parse");
        in_namespace(text, text, || {
            for raw in 0..9 {
                in_child(|| {
                    let id = Uid::from_raw(raw);
                    let result = thread::set_thread_res_uid(id, id, id);
                    assert_eq!(result.is_ok(), map.contains(raw), "{raw}");
                });
            }
        });
    });
}
