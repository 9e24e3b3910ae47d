//! Why a step failed, and the options to add.

use ns_process::{Errno, Error, Namespace, NamespaceFlags, Step};

use super::Origin;
use super::rewording::reword;

/// Returns the hint of an error, in the words of the command line.
pub(super) fn reason(error: &Error, origin: &Origin) -> Option<String> {
    if lacks_map(error, origin) {
        return Some("no user is mapped, so no file can be created there".to_owned());
    }
    let is_denied = error.step() == Step::Workdir && error.errno() == Some(Errno::ACCESS);
    if is_denied && origin.typed.has("create-workdir") {
        return Some("this user may not create it".to_owned());
    }
    let hint = error.hint()?;
    // A hint about a program may contain its path.
    if error.step() == Step::Exec {
        return Some(hint.to_owned());
    }
    Some(reword(&with_optional_mount(hint, &origin.subject(error))))
}

/// Returns the options to add or to remove, after a colon.
pub(super) fn advice(error: &Error, origin: &Origin) -> String {
    if lacks_map(error, origin) {
        return ": add --id".to_owned();
    }
    error.hint().map_or_else(String::new, |hint| missing_options(hint, origin))
}

/// Whether a file cannot be created because the new user namespace has no map.
fn lacks_map(error: &Error, origin: &Origin) -> bool {
    let creates = [Step::MountTarget, Step::MountSource, Step::Mount, Step::Workdir];
    let creates = creates.contains(&error.step()) && error.errno() == Some(Errno::OVERFLOW);
    creates && !origin.has_maps && !origin.joins
}

/// Names the option for a mount whose source need not exist.
fn with_optional_mount(hint: &str, subject: &str) -> String {
    let option = subject.split(' ').next().unwrap_or_default();
    let has_optional = ["--bind", "--ro-bind", "--dev-bind"].contains(&option);
    let instead = if has_optional { format!("use {option}-try") } else { "leave it out".into() };
    hint.replace("make the mount optional", &instead)
}

/// Returns the options that create the namespaces which `reason` names as needed: those to add, and those that exclude
/// them, to remove.
pub(super) fn missing_options(reason: &str, origin: &Origin) -> String {
    // The verb may only join namespaces.
    if origin.joins && !reason.contains("joined") {
        return String::new();
    }
    let kinds = needed(reason);
    let Origin { excluded, selected, .. } = *origin;
    let options = |dashes: &str, kinds: NamespaceFlags| -> Vec<String> {
        kinds.kinds().map(|kind| format!("{dashes}{}", kind.name())).collect()
    };
    let mut add = options("--", kinds - excluded - selected);
    let remove = options("--no-", kinds & excluded);
    // Without a map, no mount can create a file.
    let mounts = (selected | kinds).contains(NamespaceFlags::MNT);
    if mounts && !origin.has_maps && add.iter().any(|option| option == "--user") {
        add.push("--id".to_owned());
    }
    let parts = [("add", add), ("remove", remove)].into_iter().filter(|(_, all)| !all.is_empty());
    let parts: Vec<_> = parts.map(|(verb, all)| format!("{verb} {}", all.join(" "))).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", and ")) }
}

/// Whether a setting needs namespaces that are new.
pub(super) fn is_of_new_namespaces(reason: &str) -> bool {
    !needed(reason).is_empty() && !reason.contains("joined")
}

/// Returns the kinds of namespaces that `reason` names as needed, such as `needs CAP_X, or a new user namespace`. Those
/// that exist, such as `the initial user namespace`, are not needed.
fn needed(reason: &str) -> NamespaceFlags {
    let words = reason.split_once("needs ").map_or("", |(_, words)| words).split(' ');
    let mut kinds = NamespaceFlags::empty();
    let mut is_list = true;
    for word in words {
        let name = word.trim_end_matches([',', ';']);
        match name.parse::<Namespace>() {
            Ok(kind) if is_list => kinds.insert(kind.flag()),
            _ => {
                let continues = ["a", "new", "its"].contains(&name) && is_list;
                is_list = continues || name != word || ["and", "or"].contains(&name);
            }
        }
    }
    kinds
}
