//! A program needs no crate but ns-process: this file uses no other one.

use ns_process::{
    Clock, CloneFlags, ComposeError, Container, Description, Descriptors, DeviceKind, Diagnosis,
    Errno, Error, Extent, FdError, Finding, Gid, GidMap, Helper, HelperError, HookContext, IdKind,
    IdMap, Init, Member, Memory, Mount, MountAttrs, MountFlags, Namespace, NamespaceFd,
    NamespaceFile, NamespaceFlags, NamespaceId, NamespaceInfo, Namespaces, ParseError, Plan,
    Process, Propagation, Resource, RuleError, Setgroups, Side, Signal, Stdio, Step, SubIds, Tree,
    TreeError, Uid, UidMap, UnknownFlag, UnknownNamespace, WaitingChild, ns_fs, ns_idmap, ns_sys,
};

/// What a program writes that makes maps, mounts, filters and sets, and handles each error.
#[test]
fn the_types_of_every_signature_are_exported() {
    let map = |outside| [Extent { inside: 0, outside, length: 1 }];
    let uids: Result<UidMap, RuleError> = UidMap::new(map(1000));
    let gids: Result<GidMap, ParseError> = "1000".parse();
    let (uids, gids) = (uids.expect("a map"), gids.expect("a map"));
    assert_eq!((extents::<Uid>(&uids), extents::<Gid>(&gids)), (1, 1));
    let composed: Result<UidMap, ComposeError> = uids.compose(&UidMap::from(1000));
    assert!(composed.is_err());
    let helper: Result<Helper<Uid>, HelperError> = Helper::at("/usr/bin/newuidmap");
    let filter = ns_process::BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 };
    let mut container = Container::new("true");
    container.namespaces(NamespaceFlags::USER).uid_map(uids).gid_map(gids);
    container.setgroups(Setgroups::Auto).uid_map_helper(helper.expect("absolute"));
    container.seccomp([filter]).keep_capabilities(ns_process::CapabilitySet::all());
    container.mount(Mount::device("/null", DeviceKind::Character, 1, 3).set(MountAttrs::NOEXEC));
    container.mount(Mount::tmpfs("/tmp").flags(MountFlags::NOSUID)).flags(CloneFlags::IO);
    container.propagation(Propagation::Slave).parent_death_signal(Signal::TERM);
    container.rlimit(Resource::Core, 0, 0).time_offset(Clock::Boottime, 1, 0);
    container.memory(Memory::Auto).init(Init::builtin()).stdin(Stdio::null());
    let checked: Result<(), FdError> = container.get_descriptors().check();
    checked.expect("valid descriptors");
    let kind: Result<Namespace, UnknownNamespace> = "net".parse();
    let flag: Result<CloneFlags, UnknownFlag> = "vfork".parse();
    assert!(kind.is_ok() && flag.is_ok());
    let tree: Result<Tree, TreeError> = Tree::open("/no such path");
    assert!(tree.is_err());
    let plan: Result<Plan, Error> = container.namespace("mnt").plan();
    let error = plan.expect_err("a time offset without a time namespace");
    assert_eq!((error.step(), error.side(), error.errno()), (Step::Check, Side::Parent, None));
}

fn extents<K: IdKind>(map: &IdMap<K>) -> usize {
    map.extents().len()
}

/// The other types can be named, in the fields and signatures of a program.
#[expect(dead_code, reason = "the fields are named only")]
struct Named<'a> {
    from_start: (Process, WaitingChild<'a>, &'a HookContext),
    from_plan: (Description, &'a Descriptors),
    from_list: (Namespaces, NamespaceInfo, NamespaceFile, Member, NamespaceId, NamespaceFd),
    from_diagnose: (Diagnosis, &'a Finding),
    from_errors: (Errno, SubIds),
    of_the_crates: (ns_idmap::Side, ns_fs::Description),
    of_ns_sys: ns_sys::WaitStatus,
}
