//! The list of the namespaces of the machine.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::target::{Target, sleep};
use crate::common::{Output, eventually, shell};
use ns_process::{
    Container, Namespace, NamespaceInfo, Namespaces, bind_namespace, namespace_of, namespaces,
    unbind_namespace,
};
use rustix::process::geteuid;

/// The inode number of a namespace.
fn inode(pid: u32, kind: Namespace) -> u64 {
    let link = fs::read_link(format!("/proc/{pid}/ns/{}", kind.name())).expect("a link");
    let link = link.to_str().expect("text").to_owned();
    link.trim_end_matches(']').rsplit('[').next().expect("a number").parse().expect("a number")
}

fn by_inode(found: &Namespaces, inode: u64) -> Option<&NamespaceInfo> {
    found.list.iter().find(|namespace| namespace.id.ino == inode)
}

/// The namespaces of a container are listed with their members, owner and parent.
#[test]
fn s5_the_namespaces_of_a_container_are_listed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new(sleep().all().map_zero().mount_proc());
        // The kernel sets them a moment after the start has returned.
        let arguments = format!("/proc/{}/cmdline", target.pid());
        eventually("the arguments are set", || {
            fs::read(&arguments).is_ok_and(|text| !text.is_empty())
        });
        let found = namespaces().expect("list");
        let (pid, own) = (target.pid(), std::process::id());
        for kind in Namespace::ALL {
            let namespace = by_inode(&found, inode(pid, kind)).expect("listed");
            assert_eq!((namespace.kind, &namespace.members[..]), (kind, &[pid][..]));
            let first = namespace.first.as_ref().expect("a member");
            assert_eq!((first.pid, first.command.as_str()), (pid, "sleep 1000"));
            assert_eq!(first.uid, Some(geteuid().as_raw()));
            let user = inode(if kind == Namespace::User { own } else { pid }, Namespace::User);
            assert_eq!(namespace.owner.ok().flatten().map(|owner| owner.ino), Some(user), "{kind}");
            assert_eq!(namespace.owner_uid, Ok(Some(geteuid().as_raw())), "{kind}");
            let parent = match kind {
                Namespace::User | Namespace::Pid => Some(inode(own, kind)),
                _ => None,
            };
            assert_eq!(namespace.parent.ok().flatten().map(|parent| parent.ino), parent, "{kind}");
            let shared = by_inode(&found, inode(own, kind)).expect("that of the caller");
            assert!(shared.members.contains(&own) && shared.members.is_sorted());
        }
    });
}

/// A namespace that only a bind mount keeps is listed, and so is its owner without members.
#[test]
fn s5_bound_namespaces_are_listed() {
    ns_testbed::run_as!([Root, Nested], {
        let path = Output::new();
        let target = Target::new(sleep().namespaces(["user", "net"]).map_zero());
        let held = namespace_of(&*target, Namespace::Net).expect("net");
        bind_namespace(&held, path.path()).expect("bind");
        let (net, user) =
            (inode(target.pid(), Namespace::Net), inode(target.pid(), Namespace::User));
        drop((target, held));
        let found = namespaces().expect("list");
        let namespace = by_inode(&found, net).expect("listed");
        assert_eq!((namespace.kind, namespace.members.len()), (Namespace::Net, 0));
        assert_eq!(namespace.first, None);
        let files: Vec<_> =
            namespace.files.iter().map(|file| (file.path.to_str(), file.mnt)).collect();
        assert_eq!(files, [(Some(path.path()), inode(std::process::id(), Namespace::Mnt))]);
        assert_eq!(namespace.owner.ok().flatten().map(|owner| owner.ino), Some(user));
        let owner = by_inode(&found, user).expect("the owner");
        assert!(owner.members.is_empty() && owner.files.is_empty());
        assert_eq!(owner.owner_uid, Ok(Some(geteuid().as_raw())));
        unbind_namespace(path.path()).expect("unbind");
        // Another namespace, which has members, may already have the inode number.
        let found = namespaces().expect("list");
        assert!(by_inode(&found, net).is_none_or(|other| !other.members.is_empty()));
    });
}

/// A user namespace without members is listed as the parent of another.
#[test]
fn s5_parents_without_members_are_listed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "readlink /proc/self/ns/user; exec unshare -U sleep 1000";
        let mut outer = shell(script);
        outer.namespace(Namespace::User).map_zero().stdout(ns_process::Stdio::piped());
        let mut process = outer.start().expect("start");
        let mut stdout = std::io::BufReader::new(process.take_stdout().expect("a pipe"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).expect("read");
        let parent = line.trim().trim_start_matches("user:[").trim_end_matches(']');
        let parent: u64 = parent.parse().expect("a number");
        let pid = process.pid();
        eventually("the member has left", || inode(pid, Namespace::User) != parent);
        let found = namespaces().expect("list");
        let inner = by_inode(&found, inode(pid, Namespace::User)).expect("listed");
        assert_eq!(inner.parent.ok().flatten().map(|parent| parent.ino), Some(parent));
        let parent = by_inode(&found, parent).expect("listed");
        assert_eq!((parent.kind, parent.members.len()), (Namespace::User, 0));
        let outermost = inode(std::process::id(), Namespace::User);
        assert_eq!(parent.parent.ok().flatten().map(|parent| parent.ino), Some(outermost));
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// Processes may exit while the list is made.
#[test]
fn s5_processes_may_exit_during_the_list() {
    ns_testbed::run_as!([Root, User], {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let starter = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let mut short = Container::new("true");
                    short.namespaces(["user", "net", "uts"]).map_zero();
                    short.status().expect("start");
                }
            });
            for _ in 0..50 {
                let found = namespaces().expect("list");
                assert!(by_inode(&found, inode(std::process::id(), Namespace::Uts)).is_some());
            }
            stop.store(true, Ordering::Relaxed);
            starter.join().expect("a thread");
        });
    });
}

/// What the caller may not read is distinguished from what does not exist.
#[test]
fn s5_hidden_values_are_distinguished_from_missing_ones() {
    ns_testbed::run_as!([User, Nested], {
        let found = namespaces().expect("list");
        assert!(found.unreadable.contains(&1) && !found.unreadable.contains(&std::process::id()));
        let own = by_inode(&found, inode(std::process::id(), Namespace::User)).expect("own");
        let initial = own.id.ino == 0xEFFF_FFFD;
        assert_eq!(own.parent, if initial { Ok(None) } else { Err(ns_process::Errno::PERM) });
        let uts = by_inode(&found, inode(std::process::id(), Namespace::Uts)).expect("own");
        assert_eq!(uts.parent, Ok(None));
        assert_eq!(initial, uts.owner.ok().flatten().is_some());
    });
}

/// One line of lsns(8).
#[derive(Debug, PartialEq)]
struct Line {
    kind: String,
    members: usize,
    first: u32,
}

/// The list of lsns(8), by inode number. lsns fails if a process exits meanwhile.
fn lsns() -> Option<BTreeMap<u64, Line>> {
    let mut command = Command::new("lsns");
    command.args(["-rno", "NS,TYPE,NPROCS,PID"]);
    command.output().ok()?;
    let mut tries = (0..100).map(|_| command.output().expect("lsns"));
    let output = tries.find(|output| output.status.success()).expect("lsns succeeds");
    let text = String::from_utf8(output.stdout).ok()?;
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let [number, kind, members, first] = words[..] else { panic!("{line}") };
        let members = members.parse().expect("a number");
        let first = first.parse().expect("a pid");
        (number.parse().expect("a number"), Line { kind: kind.to_owned(), members, first })
    });
    Some(lines.collect())
}

/// Namespaces that lsns(8) lists before and after are in our list with the same kind, and the reverse. The number of
/// members is compared for the target only, because others may change.
#[test]
fn s5_the_list_agrees_with_lsns() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut three = shell("sleep 1000 & sleep 1000 & echo; wait");
        let target = Target::new(three.all().map_zero());
        eventually("three members", || {
            let found = namespaces().expect("list");
            let uts = by_inode(&found, inode(target.pid(), Namespace::Uts));
            uts.is_some_and(|uts| uts.members.len() == 3)
        });
        let Some(before) = lsns() else { ns_testbed::skip!("no lsns here") };
        let ours = namespaces().expect("list");
        let after = lsns().expect("lsns again");
        let mut compared = 0;
        for (number, line) in &before {
            // An inode number may be reused.
            if after.get(number).is_some_and(|later| later.first == line.first) {
                let kind = by_inode(&ours, *number).map(|one| one.kind.name());
                assert_eq!(kind, Some(&line.kind[..]), "{number}: {line:?}");
                compared += 1;
            }
        }
        assert!(compared >= Namespace::ALL.len(), "{compared} of {}", before.len());
        for kind in Namespace::ALL {
            let number = inode(target.pid(), kind);
            let line = Line { kind: kind.name().to_owned(), members: 3, first: target.pid() };
            assert_eq!(after.get(&number), Some(&line), "{kind}");
            assert_eq!(by_inode(&ours, number).map(|one| one.members.len()), Some(3), "{kind}");
        }
        let later = namespaces().expect("list");
        for one in ours.list.iter().filter(|one| by_inode(&later, one.id.ino) == Some(*one)) {
            assert!(one.members.is_empty() || after.contains_key(&one.id.ino), "{one:?}");
        }
    });
}

/// The list is iterated by reference and by value. An entry prints as its link in proc.
#[test]
fn s5_the_list_is_iterated() {
    ns_testbed::run_as!([User], {
        let found = namespaces().expect("list");
        let by_reference: Vec<_> = (&found).into_iter().map(ToString::to_string).collect();
        assert!(found.iter().map(|namespace| &namespace.id).is_sorted_by_key(|id| id.ino));
        let own = fs::read_link("/proc/self/ns/net").expect("a link");
        assert!(by_reference.contains(&own.display().to_string()), "{own:?}");
        let by_value: Vec<_> = found.into_iter().map(|namespace| namespace.to_string()).collect();
        assert_eq!(by_reference, by_value);
    });
}
