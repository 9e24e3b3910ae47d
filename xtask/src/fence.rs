//! The fence: code that runs between clone and exec names only items that neither allocate nor
//! block. Clippy denies types, methods and macros there; this check holds the paths.

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::tools::files;

struct Fence {
    directory: &'static str,
    module: &'static str,
    /// The paths that may be named, with everything below them.
    allowed: &'static [&'static str],
}

const FENCES: [Fence; 2] = [
    Fence {
        directory: "crates/ns-process/src/in_child",
        module: "in_child",
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
        directory: "crates/ns-fs/src/apply",
        module: "apply",
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

/// First segments of paths that need no `use`.
const ROOTS: [&str; 9] =
    ["std", "alloc", "libc", "rustix", "linux_raw_sys", "ns_fs", "ns_idmap", "crate", "super"];

/// Every forbidden path, with its file.
pub(crate) fn findings(sh: &Shell) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for fence in &FENCES {
        let files = files(sh, &[&format!("{}/*.rs", fence.directory)])?;
        ensure!(!files.is_empty(), "no files in {}", fence.directory);
        for file in files {
            let within = file.trim_start_matches(fence.directory).trim_start_matches('/');
            let bad = fence.forbidden(within, &sh.read_file(&file)?);
            findings.extend(bad.iter().map(|path| format!("{file}: {path} is outside the fence")));
        }
    }
    Ok(findings)
}

impl Fence {
    /// The paths in `file` that lead out of the fence.
    fn forbidden(&self, file: &str, text: &str) -> Vec<String> {
        let module = format!("{}/{}", self.module, file.trim_end_matches(".rs"));
        let module: Vec<_> = module.trim_end_matches("/mod").split('/').collect();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or(""));
        let code = code.collect::<Vec<_>>().join("\n");
        let tokens = tokens(&code);
        let modules = tokens.windows(2).filter(|pair| pair[0] == "mod").map(|pair| pair[1]);
        let macros = tokens.windows(3).filter(|words| words[0] == "macro_rules");
        let children: Vec<_> = modules.chain(macros.map(|words| words[2])).collect();
        let is_allowed = |path: &String| {
            let path = absolute(path, &module, &children);
            let mut rests = self.allowed.iter().filter_map(|allowed| path.strip_prefix(allowed));
            rests.any(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        paths(&tokens).into_iter().filter(|path| !is_allowed(path)).collect()
    }
}

/// Words, including the `::` within them, and single characters.
fn tokens(code: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(first.len_utf8());
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

/// Every path of a `use` or `extern crate`, and every other path that starts at one of [`ROOTS`].
fn paths(tokens: &[&str]) -> Vec<String> {
    let (mut paths, mut at) = (Vec::new(), 0);
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1).copied().unwrap_or("");
        let root = token.trim_start_matches("::").split_once("::").map(|(root, _)| root);
        at = match *token {
            "use" if next != "<" => tree(tokens, at + 1, "", &mut paths),
            "extern" if next == "crate" => tree(tokens, at + 2, "", &mut paths),
            path => {
                paths.extend(root.filter(|root| ROOTS.contains(root)).map(|_| path.to_owned()));
                at + 1
            }
        };
    }
    paths
}

/// Reads the tree of a `use` at `at` and returns where it ends.
fn tree(tokens: &[&str], at: usize, prefix: &str, paths: &mut Vec<String>) -> usize {
    let word = tokens.get(at).filter(|token| **token != "{");
    let (path, mut at) =
        (prefix.to_owned() + word.unwrap_or(&""), at + usize::from(word.is_some()));
    if tokens.get(at) != Some(&"{") {
        paths.push(path);
        return match tokens.get(at) {
            Some(&"as") => at + 2,
            Some(&"*") => at + 1,
            _ => at,
        };
    }
    at += 1;
    while let Some(token) = tokens.get(at).filter(|token| **token != "}") {
        at = if *token == "," { at + 1 } else { tree(tokens, at, &path, paths) };
    }
    at + 1
}

/// The path from the root of the crate; `children` are the modules and macros that the file declares.
fn absolute(path: &str, module: &[&str], children: &[&str]) -> String {
    let mut module = module.to_vec();
    let mut parts = path.split("::").filter(|part| !part.is_empty()).peekable();
    let is_relative = |part: &&str| ["self", "super"].contains(part) || children.contains(part);
    if !parts.peek().is_some_and(is_relative) {
        return parts.collect::<Vec<_>>().join("::");
    }
    while let Some(part) = parts.next_if(|part| ["self", "super"].contains(part)) {
        if part == "super" {
            module.pop();
        }
    }
    ["crate"].into_iter().chain(module).chain(parts).collect::<Vec<_>>().join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(file: &str, text: &str) -> Vec<String> {
        FENCES[0].forbidden(file, text)
    }

    #[test]
    fn paths_within_the_fence_are_allowed() {
        let text = "use core::ffi::CStr;\nuse ns_sys::{child, Errno};\nuse ns_fs::apply::*;\n\
            use super::words::Words as W;\nmod exec;\nuse exec::exec;\nuse crate::step::Step;\n\
            use ns_fs::{Step, StepError};\n// std::vec::Vec\n\
            macro_rules! list { () => {} }\npub(crate) use list;\n\
            fn f<'a>() -> impl Sized + use<'a> { core::alloc::x(); }";
        assert_eq!(forbidden("order.rs", text), [""; 0]);
        assert_eq!(forbidden("hooks/exec.rs", "use super::super::handshake::{GO, WAIT};"), [""; 0]);
    }

    #[test]
    fn imports_from_elsewhere_are_forbidden() {
        for import in [
            "use std::fs;",
            "use alloc::vec;",
            "extern crate alloc;",
            "use rustix::io;",
            "use libc::c_int as int;",
            "use ns_fs::{apply, plan::Plan};",
            "use {core::mem, std::fs};",
            "use crate::{step, plan};",
            "use super::super::plan::X;",
            "pub(super) use ns_idmap::Map;",
            "use std;",
            "use ::std::fs;",
            "use crate::steps;",
            "use hooks::exec;",
            "pub(crate) use list;",
        ] {
            assert_eq!(forbidden("order.rs", import).len(), 1, "{import}");
        }
        assert_eq!(forbidden("mod.rs", "use super::plan::Plan;").len(), 1);
    }

    #[test]
    fn paths_without_an_import_are_forbidden() {
        for path in ["std::process::exit(1)", "::std::mem::drop(x)", "super::super::error::f()"] {
            assert_eq!(forbidden("order.rs", &format!("fn f() {{ {path}; }}")).len(), 1, "{path}");
        }
        assert_eq!(forbidden("order.rs", "macro_rules! m { () => { $crate::f() } }").len(), 1);
    }
}
