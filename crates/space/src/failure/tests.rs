//! Each text that the library can print, in the words of the command line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ns_process::NamespaceFlags;

use super::*;

const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Texts that `space` does not print: reasons of lints, and errors of settings without an option.
const NOT_PRINTED: [&str; 5] = [
    "Attempt::new takes a stack for it",
    "hooks with the contract of CommandExt::pre_exec",
    "not possible with a join, a closure, hooks in the child, or Memory::Copied",
    "setsid() unless 0, 1 or 2 is a terminal",
    "stdin(Stdio::piped()) makes the pipe to which the input is written",
];

/// Setters that `space` calls for every program.
const ALWAYS_CALLED: [&str; 2] = ["inherit_ignored", "open_paths"];

/// Returns the names of the setters of a builder whose names are no English words.
fn setters() -> BTreeSet<String> {
    let api =
        fs::read_to_string(Path::new(CRATES).join("ns-process/public-api.txt")).expect("read");
    let of_builder =
        api.lines().filter(|line| line.contains("Builder<") && line.contains("(&mut self"));
    let names = of_builder.filter_map(|line| {
        let (before, _) = line.split_once("(&mut self")?;
        let (_, name) = before.split('<').next_back()?.rsplit_once("::").or(Some(("", before)))?;
        Some(name.to_owned())
    });
    let names: BTreeSet<_> =
        names.filter(|name| name.contains('_') && !name.contains('<')).collect();
    assert!(names.contains("map_zero") && names.contains("follow_root"), "{names:?}");
    names
}

/// Returns the source files of crates.
fn sources(crates: &[&str]) -> Vec<PathBuf> {
    let source = |name: &&str| Path::new(CRATES).join(name).join("src");
    let mut directories: Vec<_> = crates.iter().map(source).collect();
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Returns the string literals of a source file, without those of its tests.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n").replace("'\"'", "").replace("\\\"", "'");
    // Every second part is between quotes.
    let literals = code.split('"').skip(1).step_by(2);
    let join = |literal: &str| literal.split("\\\n").map(str::trim_start).collect();
    literals.map(join).collect()
}

/// A text of a message has several words, and is no documentation.
fn is_text(literal: &str) -> bool {
    literal.split(' ').count() > 2 && !literal.contains(['\n', '`'])
}

/// Returns the words of a text that belong to the interface of the library.
fn rust_names(text: &str, setters: &BTreeSet<String>) -> Vec<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || "_:(/".contains(letter);
    let is_rust = |word: &&str| {
        let is_setter = setters.contains(word.trim_end_matches([':', '(']));
        let is_path = word.contains("::") && word.starts_with(char::is_alphabetic);
        let is_method = word.ends_with('(') && text.contains(&format!("{word})"));
        let is_type = ["Inject", "Container", "Chroot", "Tree"].contains(word);
        is_setter || is_path || is_method || is_type
    };
    text.split(|letter| !is_part(letter)).filter(is_rust).map(ToOwned::to_owned).collect()
}

#[test]
fn no_text_of_the_library_comes_through_with_rust_names() {
    let (setters, mut reworded, mut wrong) = (setters(), 0, Vec::new());
    let uncalled = &setters - &called(&setters);
    for path in sources(&["ns-process", "ns-fs", "ns-idmap"]) {
        let source = fs::read_to_string(&path).expect("read");
        for literal in literals(&source).iter().filter(|literal| is_text(literal)) {
            // The setter at the start of an invalid setting is replaced by its option.
            let text = match literal.split_once(": ") {
                Some((setter, reason)) if !setter.contains([' ', '{']) => reason,
                _ => literal,
            };
            reworded += rust_names(text, &setters).len();
            let after = reword(text);
            let mut left = rust_names(&after, &setters);
            left.retain(|name| !uncalled.contains(name));
            if !left.is_empty() && !NOT_PRINTED.iter().any(|text| after.contains(text)) {
                wrong.push(format!("{}: {text}: {after}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(reworded > 10, "only {reworded} names were found");
}

#[test]
fn no_step_has_the_name_of_a_setter() {
    let setters = setters();
    for step in Step::ALL {
        let name = Origin::default().step(*step);
        // The names of files in proc.
        let is_file = [Step::UidMap, Step::GidMap].contains(step);
        assert!(!setters.contains(&name) || is_file, "{step:?} is printed as {name}");
    }
}

/// Returns the setters that `space` calls.
fn called(setters: &BTreeSet<String>) -> BTreeSet<String> {
    let own = sources(&["space"]);
    let own: String = own.iter().map(|path| fs::read_to_string(path).expect("read")).collect();
    setters.iter().filter(|setter| own.contains(&format!(".{setter}("))).cloned().collect()
}

/// Returns the long options of all verbs.
fn long_options() -> BTreeSet<String> {
    let mut options = BTreeSet::new();
    for mut verb in crate::command().get_subcommands().cloned() {
        verb.build();
        let names = verb.get_arguments().filter_map(clap::Arg::get_long);
        options.extend(names.map(|name| format!("--{name}")));
    }
    options
}

#[test]
fn each_option_that_a_message_names_exists() {
    let of_steps = |step| [steps::options(step), steps::possible_options(step)].concat();
    let of_steps = Step::ALL.iter().flat_map(|step| of_steps(*step));
    let options = long_options();
    for name in of_steps.chain(typed::VALUED.iter().map(|names| names[0])) {
        assert!(options.contains(&format!("--{name}")), "{name}");
    }
}

#[test]
fn every_setter_that_is_called_has_an_option() {
    let mut options = long_options();
    options.insert("--KIND".to_owned());
    let mut lacking = called(&setters());
    lacking.retain(|setter| !options.contains(&rewording::option(setter)));
    assert_eq!(lacking, ALWAYS_CALLED.map(ToOwned::to_owned).into());
}

#[test]
fn hints_name_options_instead_of_setters() {
    // The real hint appears only if the root is the initramfs.
    let hint = reword("pivot_root cannot replace the initramfs: use by_chroot");
    assert_eq!(hint, "pivot_root cannot replace the initramfs: --no-mnt uses chroot(2)");
    assert_eq!(reword("/proc/self/uid_map, uid_map"), "/proc/self/uid_map, --uid-map");
    assert_eq!(
        reword("x_uid_map uid_map_helper a.uid_map uid_map.x"),
        "x_uid_map uid_map_helper a.uid_map --uid-map.x"
    );
}

#[test]
fn missing_namespaces_are_options_to_add_and_to_remove() {
    let reason = "needs new pid and mnt namespaces";
    let origin = |selected, excluded| {
        let mut origin = Origin::default();
        (origin.selected, origin.excluded) = (selected, excluded);
        origin
    };
    let (none, pid) = (NamespaceFlags::empty(), NamespaceFlags::PID);
    assert_eq!(missing_options(reason, &origin(none, none)), ": add --mnt --pid");
    assert_eq!(missing_options(reason, &origin(none, pid)), ": add --mnt, and remove --no-pid");
    assert_eq!(missing_options(reason, &origin(pid, none)), ": add --mnt");
    assert_eq!(missing_options(reason, &origin(NamespaceFlags::all(), pid)), ": remove --no-pid");
    let hint = "a user namespace mounts proc with a pid namespace";
    assert_eq!(missing_options(hint, &origin(none, none)), "");
}

#[test]
fn only_namespaces_to_create_are_options_to_add() {
    let advice = |reason| missing_options(reason, &Origin::default());
    assert_eq!(advice("needs CAP_SYS_ADMIN, or a user namespace"), ": add --user");
    assert_eq!(advice("needs CAP_SETUID; a new user namespace gives it"), ": add --user");
    assert_eq!(advice("needs CAP_SYS_NICE in the initial user namespace or a higher limit"), "");
    let mounts = "needs CAP_SYS_ADMIN, and a file system that a user namespace may mount";
    assert_eq!(advice(mounts), "");
    let proc = "in a user namespace, proc needs a new pid namespace, and no mount may hide /proc";
    assert_eq!(advice(proc), ": add --pid");
}

#[test]
fn a_user_who_mounts_needs_a_map() {
    let mut origin = Origin::default();
    (origin.selected, origin.has_maps) = (NamespaceFlags::MNT, false);
    let reason = "needs CAP_SYS_ADMIN, or a user namespace";
    assert_eq!(missing_options(reason, &origin), ": add --user --id");
    origin.has_maps = true;
    assert_eq!(missing_options(reason, &origin), ": add --user");
}

#[test]
fn inject_adds_only_namespaces_that_it_joins() {
    let mut origin = Origin::default();
    (origin.joins, origin.has_maps) = (true, false);
    assert_eq!(missing_options("needs CAP_SETUID, or a new user namespace", &origin), "");
    let names = "needs a uts namespace that is new or joined";
    assert_eq!(missing_options(names, &origin), ": add --uts");
    let own = "needs CAP_SYS_ADMIN over the caller's own user namespace, or its user namespace joined as well";
    assert_eq!(missing_options(own, &origin), ": add --user");
}
