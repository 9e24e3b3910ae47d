//! The forms in which kinds of namespace are given.
#![allow(clippy::needless_borrows_for_generic_args, reason = "references are among the forms")]

use std::collections::{BTreeSet, HashSet, VecDeque};

use crate::common::assert_refused;
use ns_process::{
    CloneFlags, Container, Inject, IntoNamespaces, Namespace, NamespaceFlags, Step, setns,
    setns_process,
};

const USER_NET: NamespaceFlags = NamespaceFlags::USER.union(NamespaceFlags::NET);

/// What the setter selects.
fn selected<Marker>(kinds: impl IntoNamespaces<Marker>) -> NamespaceFlags {
    Container::new("true").namespaces(kinds).get_namespaces()
}

/// One kind, by its type or by a name.
#[test]
fn one_kind_is_given_by_type_or_name() {
    let name = String::from("newnet");
    let all = [
        selected(Namespace::Net),
        selected(&Namespace::Net),
        selected("net"),
        selected("CLONE_NEWNET"),
        selected(&"Net"),
        selected(&name),
        selected(name.clone()),
        selected(name.as_str()),
        selected(Some(Namespace::Net)),
        selected(NamespaceFlags::NET),
        selected(("net",)),
        Container::new("true").namespace("net").get_namespaces(),
        Container::new("true").namespace(Namespace::Net).get_namespaces(),
    ];
    assert!(all.iter().all(|flags| *flags == NamespaceFlags::NET), "{all:?}");
}

/// Several kinds, in each kind of collection and by an iterator.
#[test]
fn several_kinds_are_given_by_any_collection() {
    let kinds = [Namespace::User, Namespace::Net];
    let names = [String::from("user"), String::from("net")];
    let all = [
        selected(kinds),
        selected(&kinds),
        selected(&kinds[..]),
        selected(kinds.to_vec()),
        selected(&kinds.to_vec()),
        selected(kinds.iter()),
        selected(kinds.iter().copied()),
        selected(["user", "net"]),
        selected(&["user", "net"]),
        selected("user,net".split(',')),
        selected(names.iter()),
        selected(names.iter().map(String::as_str)),
        selected(&names[..]),
        selected(names.to_vec()),
        selected(names),
        selected(BTreeSet::from(kinds)),
        selected(&HashSet::from(kinds)),
        selected(VecDeque::from(kinds)),
        selected(USER_NET),
        selected(USER_NET.kinds()),
    ];
    assert!(all.iter().all(|flags| *flags == USER_NET), "{all:?}");
    assert_eq!(selected([Namespace::User; 0]), NamespaceFlags::empty());
    assert_eq!(selected(NamespaceFlags::empty()), NamespaceFlags::empty());
}

/// A tuple of up to eight elements of any form, tuples included.
#[test]
fn a_mix_of_kinds_is_given_by_a_tuple() {
    assert_eq!(selected(("user", Namespace::Net)), USER_NET);
    assert_eq!(selected((["user"], NamespaceFlags::NET, Some("net"))), USER_NET);
    assert_eq!(selected((("user", "net"), Namespace::User)), USER_NET);
    let eight = ("user", "net", "uts", "ipc", "mnt", "pid", Namespace::Cgroup, vec!["time"]);
    assert_eq!(selected(eight), Namespace::ALL.into_iter().collect());
}

/// "all" is what the running kernel supports, as `all()`.
#[test]
fn all_is_a_name() {
    let all = Container::new("true").all().get_namespaces();
    assert!(all.contains(USER_NET));
    assert_eq!(selected("all"), all);
    assert_eq!(selected(["user", "ALL"]), all);
}

/// `without` takes the same forms.
#[test]
fn without_takes_each_form() {
    let mut container = Container::new("true");
    container.namespaces(("user", "net", "uts", "ipc")).without("uts").without(["ipc"]);
    assert_eq!(container.get_namespaces(), USER_NET);
    container.without(USER_NET);
    assert_eq!(container.get_namespaces(), NamespaceFlags::empty());
}

/// An unknown name is an error with the name of the setter or of the function.
#[test]
fn an_unknown_name_is_refused() {
    let list = "not a namespace; one of cgroup, ipc, mnt, net, pid, time, user, uts";
    assert_refused(
        Container::new("true").namespaces("nets"),
        &format!("namespaces: \"nets\": {list}"),
    );
    assert_refused(
        Container::new("true").namespaces((Namespace::User, ["net", ""])),
        &format!("namespaces: \"\": {list}"),
    );
    assert_refused(
        Container::new("true").namespace("nets"),
        &format!("namespace: \"nets\": {list}"),
    );
    assert_refused(Inject::new(1, "true").without("nets"), &format!("without: \"nets\": {list}"));
    for error in [
        setns(1, "nets").expect_err("an unknown name"),
        setns_process(1, ("user", "nets")).expect_err("an unknown name"),
    ] {
        assert_eq!(error.step(), Step::Check);
        assert_eq!(error.object(), Some(&*format!("\"nets\": {list}")));
    }
    // A flag of clone(2) that selects no namespace.
    let other = NamespaceFlags::from_bits_retain(CloneFlags::VM.bits()) | USER_NET;
    assert_refused(Container::new("true").namespaces(other), "namespaces: 0x100: not a namespace");
    assert_eq!(setns(1, NamespaceFlags::empty()).expect_err("none").step(), Step::Check);
}

/// Every set of kinds is the same as types, as names, as flags and as a tuple of both.
#[test]
fn each_form_selects_the_same() {
    for bits in 0_u16..256 {
        let chosen = |(at, _): &(usize, Namespace)| bits & (1 << at) != 0;
        let kinds = Namespace::ALL.into_iter().enumerate().filter(chosen).map(|(_, kind)| kind);
        let kinds: Vec<_> = kinds.collect();
        let flags: NamespaceFlags = kinds.iter().copied().collect();
        assert_eq!(selected(&kinds), flags);
        assert_eq!(selected(flags), flags);
        assert_eq!(selected(kinds.iter().map(|kind| kind.name())), flags);
        for split in 0..=kinds.len() {
            let (left, right) = kinds.split_at(split);
            let right: Vec<_> = right.iter().map(ToString::to_string).collect();
            assert_eq!(selected((left, right)), flags);
        }
    }
}
