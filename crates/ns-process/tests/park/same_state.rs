//! A program has the same state whether it was parked or not.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;

use crate::common::Directory;
use crate::common::receiver::Receiver;
use crate::common::target::Target;
use crate::setters::{self, Context, NOT_COMPARED, OF_INJECT};
use crate::state_print::{Printed, SCRIPT, State};
use ns_process::{Builder, Container, Init, Inject, Namespace};
use ns_testbed::{Role, role};

/// The setters in the list of the public interface: methods that return the builder.
fn listed() -> BTreeSet<String> {
    // At run time: two clones that share a target directory share this program as well.
    let crate_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let text = fs::read_to_string(crate_dir.join("public-api.txt")).expect("read the list");
    let setters: BTreeSet<_> = text.lines().filter_map(setter).collect();
    assert!(setters.len() > 80, "{setters:?}");
    setters
}

/// The name of the setter in a line of the list.
fn setter(line: &str) -> Option<String> {
    let (_, method) = line.split_once("fn ns_process::Builder<")?;
    let (_, method) = method.split_once(">::")?;
    let is_setter = line.contains("(&mut self") && line.contains("&mut Self");
    let end = method.find(['<', '('])?;
    is_setter.then(|| method[..end].to_owned())
}

/// Compares the state of the program of `builder` in both ways; whether it started.
fn assert_same<Kind>(what: &str, builder: &mut Builder<Kind>) -> bool {
    let mut printed = Printed::new();
    printed.give(builder);
    let (plain, parked) = (printed.by(builder, false), printed.by(builder, true));
    let empty = State::new();
    let (one, other) = (plain.as_ref().unwrap_or(&empty), parked.as_ref().unwrap_or(&empty));
    for section in one.keys().chain(other.keys()) {
        assert_eq!(one.get(section), other.get(section), "{what}: {section}");
    }
    assert_eq!(plain.as_ref().err(), parked.as_ref().err(), "{what}");
    plain.is_ok()
}

fn printing() -> Container {
    let mut container = Container::new("sh");
    container.args(["-c", SCRIPT, "zero"]);
    container
}

/// Adds an init to a container that may have other namespaces and maps.
fn add_init(container: &mut Container) {
    if container.get_init().is_some() {
        return;
    }
    let is_mapped = container.get_uid_map().is_some()
        || container.get_gid_map().is_some()
        || container.get_map_auto()
        || container.get_map_same();
    container.namespaces([Namespace::User, Namespace::Pid]).init(Init::builtin());
    if !is_mapped {
        container.map_zero();
    }
}

/// Each setter gives the program the same state when it is started and when it is parked and
/// released, with an init and without. A new setter needs a use in `setters.rs`, or a reason.
#[test]
fn f47_each_setter_has_the_same_effect_on_a_parked_process() {
    ns_testbed::run_as!([Root, User, Nested], {
        let directory = Directory::new("setters");
        let target = Target::in_all();
        let context = Context { directory: &directory, target: &target, receiver: Receiver::new() };
        let (mut compared, mut refused) = (0, Vec::new());
        for setter in listed() {
            let is_compared = NOT_COMPARED.iter().all(|(name, _)| *name != setter);
            if !is_compared || OF_INJECT.contains(&setter.as_str()) {
                continue;
            }
            for with_init in [false, true] {
                let mut container = printing();
                let is_known = setters::call(&setter, &mut container, &context);
                assert!(is_known, "{setter} has no use in setters.rs, and no reason");
                if with_init {
                    add_init(&mut container);
                }
                let what = format!("{setter}, with an init: {with_init}");
                compared += 1;
                if !assert_same(&what, &mut container) {
                    refused.push(what);
                }
            }
        }
        // As root they are compared by their states.
        let known = ["exec_label", "map_auto", "terminal"];
        let is_known = |what: &String| {
            what.ends_with("true") || known.iter().any(|setter| what.starts_with(setter))
        };
        assert!(role() != Role::Root || refused.iter().all(is_known), "{refused:?}");
        println!("shown: {compared} compared as {:?}, of which refused: {refused:?}", role());
    });
}

/// The same for the setters of an `Inject`.
#[test]
fn f47_an_injected_program_has_the_same_state() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::in_all();
        for setter in OF_INJECT.iter().chain([&"none"]) {
            let mut inject = Inject::new(&*target, "sh");
            inject.args(["-c", SCRIPT, "zero"]);
            match *setter {
                "follow_root" => inject.follow_root(),
                "join_cgroup" => inject.join_cgroup(),
                "match_privileges" => inject.match_privileges(),
                _ => &mut inject,
            };
            let has_started = assert_same(setter, &mut inject);
            assert!(has_started || *setter == "join_cgroup", "{setter}");
        }
        assert!(OF_INJECT.iter().all(|setter| listed().contains(*setter)));
    });
}

/// Several settings together, as a sandbox has them.
#[test]
fn f47_a_sandbox_has_the_same_state() {
    ns_testbed::run_as!([Root, User, Nested], {
        let directory = Directory::new("sandbox");
        let target = Target::in_all();
        let context = Context { directory: &directory, target: &target, receiver: Receiver::new() };
        let groups: [&[&str]; 3] = [
            &["mount_proc", "mount", "hostname", "rlimit", "umask", "env_clear", "workdir", "fd"],
            &["all", "read_only_root", "drop_capabilities", "seccomp", "die_with_parent", "nice"],
            &["keep_only", "personality", "affinity", "scheduler", "io_priority", "stdin", "args"],
        ];
        for (group, with_init) in
            groups.into_iter().flat_map(|group| [(group, false), (group, true)])
        {
            let mut container = printing();
            for setter in group {
                assert!(setters::call(setter, &mut container, &context), "{setter}");
            }
            if with_init {
                add_init(&mut container);
            }
            assert!(assert_same(&group.join(", "), &mut container), "{group:?}");
        }
    });
}
