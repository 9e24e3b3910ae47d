//! What runs between clone and exec may name only what can neither allocate nor block.

use super::Finding;
use super::lexeme::{Lexeme, starts_with};
use super::source::Source;
use super::uses::{Path, imports, paths_from, without_imports};

struct Fence {
    /// The module's file or folder.
    module: &'static str,
    /// The same as a path of its crate.
    inside: &'static str,
    /// Paths it may name, with all that lies below them.
    allowed: &'static [&'static str],
}

const FENCES: [Fence; 2] = [
    Fence {
        module: "crates/ns-process/src/in_child",
        inside: "crate::in_child",
        allowed: &[
            "core",
            "ns_sys",
            "ns_fs::apply",
            "ns_fs::Step",
            "ns_fs::StepError",
            "crate::in_child",
            "crate::step",
        ],
    },
    Fence {
        module: "crates/ns-fs/src/apply",
        inside: "crate::apply",
        allowed: &[
            "core",
            "ns_sys",
            "crate::apply",
            "crate::step",
            "crate::Propagation",
            "crate::Step",
            "crate::StepError",
        ],
    },
];

/// Roots that lead out of a file without a `use`.
const ROOTS: [&str; 12] = [
    "alloc",
    "bitflags",
    "crate",
    "libc",
    "linux_raw_sys",
    "ns_fs",
    "ns_idmap",
    "rustix",
    "self",
    "std",
    "super",
    "thiserror",
];

const TYPES: [&str; 9] =
    ["Arc", "BTreeMap", "Box", "CString", "HashMap", "PathBuf", "Rc", "String", "Vec"];

const MACROS: [&str; 12] = [
    "dbg",
    "eprint",
    "eprintln",
    "format",
    "panic",
    "print",
    "println",
    "thread_local",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
];

/// They panic as well, but are fine in a `const`, that is after a `=`.
const ASSERTIONS: [&str; 6] =
    ["assert", "assert_eq", "assert_ne", "debug_assert", "debug_assert_eq", "debug_assert_ne"];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let fenced = sources.iter().filter(|source| source.is_rust()).filter_map(|source| {
        let fence = FENCES.iter().find(|fence| source.is_in(fence.module))?;
        Some((fence, source))
    });
    fenced
        .flat_map(|(fence, source)| [bad_paths(fence, source), bad_words(source)].concat())
        .chain(FENCES.iter().filter_map(|fence| nothing_behind(fence, sources)))
        .collect()
}

/// A folder that was renamed must not leave its fence behind, around nothing.
fn nothing_behind(fence: &Fence, sources: &[Source]) -> Option<Finding> {
    let (krate, _) = fence.module.rsplit_once('/')?;
    let is_placeholder = sources.iter().filter(|source| source.is_in(krate)).count() <= 1;
    let holds = is_placeholder || sources.iter().any(|source| source.is_in(fence.module));
    let message = "no file is behind this fence".to_owned();
    (!holds).then(|| Finding { path: fence.module.to_owned(), line: 1, message })
}

fn bad_paths(fence: &Fence, source: &Source) -> Vec<Finding> {
    let module = module_of(fence, source);
    let mut paths = imports(&source.lexemes);
    paths.extend(paths_from(&without_imports(&source.lexemes), &ROOTS));
    let children = modules(&source.lexemes);
    let bad = |path: &&Path| !fence.allows(&absolute(&path.text, &module, &children));
    let message = |path: &Path| format!("`{}` is not allowed between clone and exec", path.text);
    paths.iter().filter(bad).map(|path| Finding::new(source, path.line, message(path))).collect()
}

impl Fence {
    fn allows(&self, path: &str) -> bool {
        self.allowed.iter().any(|allowed| {
            path.strip_prefix(allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    }
}

/// The path of the file's module from the root of its crate.
fn module_of(fence: &Fence, source: &Source) -> Vec<String> {
    let below = source.path.strip_prefix(fence.module).unwrap_or_default();
    let below = below.trim_end_matches(".rs").trim_end_matches("/mod");
    let below = below.split('/').filter(|part| !part.is_empty());
    fence.inside.split("::").chain(below).map(str::to_owned).collect()
}

/// The modules that a file declares.
fn modules(lexemes: &[Lexeme]) -> Vec<&str> {
    lexemes
        .windows(2)
        .filter(|pair| pair[0].text == "mod")
        .map(|pair| pair[1].text.as_str())
        .collect()
}

/// Replaces `self` and each `super`; `children` are what the module declares.
fn absolute(path: &str, module: &[String], children: &[&str]) -> String {
    let mut module = module.to_vec();
    let mut parts = path.split("::").peekable();
    let relative = |first: &&str| ["self", "super"].contains(first) || children.contains(first);
    if !parts.peek().is_some_and(relative) {
        return path.to_owned();
    }
    while let Some(part) = parts.next_if(|part| ["self", "super"].contains(part)) {
        if part == "super" {
            module.pop();
        }
    }
    module.extend(parts.map(str::to_owned));
    module.join("::")
}

fn bad_words(source: &Source) -> Vec<Finding> {
    let lexemes = &source.lexemes;
    let bad = (0..lexemes.len()).filter(|&at| is_bad_word(lexemes, at));
    bad.map(|at| {
        let message = format!("`{}` allocates, locks or panics", lexemes[at].text);
        Finding::new(source, lexemes[at].line, message)
    })
    .collect()
}

fn is_bad_word(lexemes: &[Lexeme], at: usize) -> bool {
    let word = lexemes[at].text.as_str();
    let is_call = starts_with(&lexemes[at + 1..], &["!"]);
    let in_const = at > 0 && lexemes[at - 1].text == "=";
    TYPES.contains(&word)
        || is_call && MACROS.contains(&word)
        || is_call && ASSERTIONS.contains(&word) && !in_const
}

#[cfg(test)]
mod tests {
    use super::super::tests::places;
    use super::*;

    const CHILD: &str = "crates/ns-process/src/in_child/steps.rs";
    const APPLY: &str = "crates/ns-fs/src/apply.rs";

    fn count(path: &str, text: &str) -> usize {
        places(findings, path, text).len()
    }

    #[test]
    fn what_is_allowed_passes() {
        let text = "use core::ffi::CStr;\nuse ns_sys::{child, Errno};\nuse ns_fs::apply::*;\n\
            use super::record::Record;\nmod exec;\nuse exec::exec;\nuse crate::step::Step;\nuse ns_fs::StepError;\n\
            const _: () = assert!(true);\n// std::vec::Vec panic!()\n\
            fn f() { core::alloc::x(); \"std::x panic!\"; }";
        assert_eq!(count(CHILD, text), 0, "{:?}", places(findings, CHILD, text));
    }

    #[test]
    fn an_import_from_elsewhere_is_found() {
        for import in [
            "use std::fs;",
            "use alloc::vec;",
            "extern crate alloc;",
            "use rustix::io;",
            "use libc::c_int;",
            "use ns_fs::plan::Plan;",
            "use ns_fs::{apply, plan};",
            "use crate::error::Error;",
            "use crate::{step, plan};",
            "use super::super::plan::X;",
            "pub(super) use ns_idmap::Map;",
            "use std;",
            "use ::std::fs;",
            "use crate::steps;",
        ] {
            assert_eq!(
                places(findings, CHILD, &format!("\n{import}")),
                [format!("{CHILD}:2")],
                "{import}"
            );
        }
        assert_eq!(count(CHILD, "mod exec;\nuse hooks::exec;"), 1);
        assert_eq!(count(APPLY, "use super::plan::Plan;"), 1);
        assert_eq!(count(APPLY, "use rustix::mount::MountFlags;"), 1);
        assert_eq!(count(APPLY, "use ns_fs::apply::X;"), 1);
    }

    #[test]
    fn a_path_without_an_import_is_found() {
        for path in
            ["std::process::exit(1)", "::std::mem::drop(x)", "crate::error::f()", "rustix::io::x()"]
        {
            assert_eq!(count(CHILD, &format!("fn f() {{ {path}; }}")), 1, "{path}");
        }
        assert_eq!(count(CHILD, "macro_rules! m { () => { std::mem::drop(1) } }"), 1);
        assert_eq!(count(CHILD, "fn f() { super::super::error::f() }"), 1);
    }

    #[test]
    fn an_allocating_or_panicking_word_is_found() {
        for word in [
            "Vec::<u8>::new()",
            "format!(\"\")",
            "panic!()",
            "println!()",
            "assert!(x)",
            "Box::new(1)",
        ] {
            assert_eq!(count(CHILD, &format!("fn f() {{ {word}; }}")), 1, "{word}");
        }
        assert_eq!(count(CHILD, "fn f(s: &String) {}"), 1);
    }

    #[test]
    fn a_fence_around_nothing_is_found() {
        let source = |path| Source::new(path, "");
        let moved = ["crates/ns-fs/src/lib.rs", "crates/ns-fs/src/applied/mod.rs"].map(source);
        assert_eq!(findings(&moved).len(), 1);
        assert!(findings(&moved[..1]).is_empty());
    }

    #[test]
    fn outside_the_fence_all_is_free() {
        assert_eq!(count("crates/ns-process/src/in_child_plan.rs", "use std::fs;"), 0);
    }
}
