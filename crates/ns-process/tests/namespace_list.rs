//! The list of the machine's namespaces.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use common::target::Target;
use ns_process::{
    Container, Namespace, NamespaceInfo, Namespaces, Told, bind_namespace, namespace_of,
    namespaces, unbind_namespace,
};
use rustix::process::geteuid;

fn number(pid: u32, kind: Namespace) -> u64 {
    let link = fs::read_link(format!("/proc/{pid}/ns/{}", kind.name())).expect("a link");
    let link = link.to_str().expect("text").to_owned();
    link.trim_end_matches(']').rsplit('[').next().expect("a number").parse().expect("a number")
}

fn by_number(found: &Namespaces, number: u64) -> Option<&NamespaceInfo> {
    found.list.iter().find(|namespace| namespace.id.ino == number)
}

/// Each namespace of a container, with its members, owner and parent.
#[test]
fn s5_own_containers_are_listed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut all = Container::new("sleep");
        let target = Target::new(all.arg("1000").all().map_zero().mount_proc());
        // The kernel sets them a moment after the point from which exec does not return.
        let arguments = format!("/proc/{}/cmdline", target.pid());
        common::eventually("its arguments", || {
            fs::read(&arguments).is_ok_and(|text| !text.is_empty())
        });
        let found = namespaces().expect("list");
        let (pid, own) = (target.pid(), std::process::id());
        for kind in Namespace::ALL {
            let namespace = by_number(&found, number(pid, kind)).expect("listed");
            assert_eq!((namespace.kind, &namespace.members[..]), (kind, &[pid][..]));
            let first = namespace.first.as_ref().expect("a member");
            assert_eq!((first.pid, first.command.as_str()), (pid, "sleep 1000"));
            assert_eq!(first.uid, Some(geteuid().as_raw()));
            let user = number(if kind == Namespace::User { own } else { pid }, Namespace::User);
            assert_eq!(namespace.owner.known().map(|owner| owner.ino), Some(user), "{kind}");
            assert_eq!(namespace.owner_uid, Told::Is(geteuid().as_raw()), "{kind}");
            let parent = match kind {
                Namespace::User | Namespace::Pid => Some(number(own, kind)),
                _ => None,
            };
            assert_eq!(namespace.parent.known().map(|parent| parent.ino), parent, "{kind}");
            let shared = by_number(&found, number(own, kind)).expect("the caller's");
            assert!(shared.members.contains(&own) && shared.members.is_sorted());
        }
    });
}

/// What only a file holds, and the owner that has no member either.
#[test]
fn s5_bound_namespaces_are_listed() {
    ns_testbed::run_as!([Root, Nested], {
        let path = common::Output::new();
        let mut net = Container::new("sleep");
        let target = Target::new(net.arg("1000").namespaces(["user", "net"]).map_zero());
        let held = namespace_of(&*target, Namespace::Net).expect("net");
        bind_namespace(&held, path.path()).expect("bind");
        let (net, user) =
            (number(target.pid(), Namespace::Net), number(target.pid(), Namespace::User));
        drop((target, held));
        let found = namespaces().expect("list");
        let namespace = by_number(&found, net).expect("listed");
        assert_eq!((namespace.kind, namespace.members.len()), (Namespace::Net, 0));
        assert_eq!(namespace.first, None);
        let files: Vec<_> =
            namespace.files.iter().map(|file| (file.path.to_str(), file.mnt)).collect();
        assert_eq!(files, [(Some(path.path()), number(std::process::id(), Namespace::Mnt))]);
        assert_eq!(namespace.owner.known().map(|owner| owner.ino), Some(user));
        let owner = by_number(&found, user).expect("the owner");
        assert!(owner.members.is_empty() && owner.files.is_empty());
        assert_eq!(owner.owner_uid, Told::Is(geteuid().as_raw()));
        unbind_namespace(path.path()).expect("unbind");
        assert_eq!(by_number(&namespaces().expect("list"), net), None);
    });
}

/// A namespace between two others, which has no member any more.
#[test]
fn s5_parents_without_members_are_listed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "readlink /proc/self/ns/user; exec unshare -U sleep 1000";
        let mut outer = common::shell(script);
        outer.namespace(Namespace::User).map_zero().stdout(ns_process::Stdio::piped());
        let mut process = outer.start().expect("start");
        let mut stdout = std::io::BufReader::new(process.take_stdout().expect("a pipe"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).expect("read");
        let between = line.trim().trim_start_matches("user:[").trim_end_matches(']');
        let between: u64 = between.parse().expect("a number");
        let pid = process.pid();
        common::eventually("it has left", || number(pid, Namespace::User) != between);
        let found = namespaces().expect("list");
        let inner = by_number(&found, number(pid, Namespace::User)).expect("listed");
        assert_eq!(inner.parent.known().map(|parent| parent.ino), Some(between));
        let parent = by_number(&found, between).expect("listed");
        assert_eq!((parent.kind, parent.members.len()), (Namespace::User, 0));
        let outermost = number(std::process::id(), Namespace::User);
        assert_eq!(parent.parent.known().map(|parent| parent.ino), Some(outermost));
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// Processes that end while they are looked at.
#[test]
fn s5_processes_vanish() {
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
                assert!(by_number(&found, number(std::process::id(), Namespace::Uts)).is_some());
            }
            stop.store(true, Ordering::Relaxed);
            starter.join().expect("a thread");
        });
    });
}

/// What the caller may not see is told apart from what is not there.
#[test]
fn s5_what_is_hidden_is_told() {
    ns_testbed::run_as!([User, Nested], {
        let found = namespaces().expect("list");
        assert!(found.unreadable.contains(&1) && !found.unreadable.contains(&std::process::id()));
        let own = by_number(&found, number(std::process::id(), Namespace::User)).expect("own");
        let initial = own.id.ino == 0xEFFF_FFFD;
        assert_eq!(
            own.parent,
            if initial { Told::None } else { Told::Hidden(ns_process::Errno::PERM) }
        );
        let uts = by_number(&found, number(std::process::id(), Namespace::Uts)).expect("own");
        assert_eq!(uts.parent, Told::None);
        assert_eq!(initial, uts.owner.known().is_some());
    });
}

/// One line of lsns(8).
#[derive(Debug, PartialEq)]
struct Line {
    kind: String,
    members: usize,
    first: u32,
}

/// What lsns(8) sees, by number. It gives up where a process ends under its eyes.
fn lsns() -> Option<BTreeMap<u64, Line>> {
    let mut command = Command::new("lsns");
    command.args(["-rno", "NS,TYPE,NPROCS,PID"]);
    command.output().ok()?;
    let mut tries = (0..100).map(|_| command.output().expect("lsns"));
    let output = tries.find(|output| output.status.success()).expect("one that saw it through");
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

/// What lsns(8) lists before and after is in ours with the same kind, what ours has before and after
/// is in lsns's. How many members is compared where nobody else comes and goes.
#[test]
fn s5_as_lsns_lists() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut all = Container::new("sh");
        let target =
            Target::new(all.args(["-c", "sleep 1000 & sleep 1000 & echo; wait"]).all().map_zero());
        common::eventually("three members", || {
            let found = namespaces().expect("list");
            let uts = by_number(&found, number(target.pid(), Namespace::Uts));
            uts.is_some_and(|uts| uts.members.len() == 3)
        });
        let Some(before) = lsns() else { ns_testbed::skip!("no lsns here") };
        let ours = namespaces().expect("list");
        let after = lsns().expect("lsns again");
        let mut compared = 0;
        for (number, line) in &before {
            // The number of one that is gone is given to the next.
            if after.get(number).is_some_and(|later| later.first == line.first) {
                let kind = by_number(&ours, *number).map(|one| one.kind.name());
                assert_eq!(kind, Some(&line.kind[..]), "{number}: {line:?}");
                compared += 1;
            }
        }
        assert!(compared >= Namespace::ALL.len(), "{compared} of {}", before.len());
        for kind in Namespace::ALL {
            let number = number(target.pid(), kind);
            let line = Line { kind: kind.name().to_owned(), members: 3, first: target.pid() };
            assert_eq!(after.get(&number), Some(&line), "{kind}");
            assert_eq!(by_number(&ours, number).map(|one| one.members.len()), Some(3), "{kind}");
        }
        let later = namespaces().expect("list");
        for one in ours.list.iter().filter(|one| by_number(&later, one.id.ino) == Some(*one)) {
            assert!(one.members.is_empty() || after.contains_key(&one.id.ino), "{one:?}");
        }
    });
}
