//! Rules of the source tree that no lint holds.

use anyhow::{Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::fence;
use crate::tools::{ANY_OWNER, Outcome, files, succeeds};

/// A pattern that is forbidden in certain files: no line of them may match it.
struct Rule {
    message: &'static str,
    /// A POSIX extended regular expression.
    pattern: &'static str,
    /// Pathspecs of git; `:!` excludes.
    files: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        message: "unsafe code is not allowed here",
        pattern: r"(allow|expect|warn)\(.*unsafe_code|^ *unsafe_code,",
        files: &[
            "*.rs",
            ":!benches",
            ":!fuzz",
            ":!*/examples/*",
            ":!*/tests/*",
            ":!crates/ns-fs/src/apply",
            ":!crates/ns-process/src/in_child",
            ":!crates/ns-process/src/setns/unchecked.rs",
            ":!crates/ns-process/src/settings/child_hooks.rs",
            ":!crates/ns-process/src/settings/unchecked.rs",
            ":!crates/ns-process/src/start",
            ":!crates/ns-sys/src",
            ":!crates/space/src/allocator.rs",
            ":!crates/space/src/descriptor.rs",
            ":!crates/space/src/run/group.rs",
            ":!crates/space/src/run/orphans.rs",
            ":!crates/space/src/run/queued.rs",
            ":!crates/space/src/run/signals.rs",
            ":!crates/space/src/run/timer.rs",
            ":!crates/testbed/src",
        ],
    },
    Rule {
        message: "a test that is never run",
        pattern: r"#!?\[(cfg_attr\(.*)?ignore\b|```.*\bignore\b",
        files: &["*.rs", "*.md"],
    },
    Rule {
        message: "a path of one machine",
        pattern: r"(^|[^]A-Za-z0-9)}._$-])/(home|root|work|Users)/[A-Za-z0-9._-]",
        files: &["."],
    },
    Rule { message: "trailing whitespace", pattern: r"[[:space:]]$", files: &[":!fuzz/corpus"] },
];

/// The names at the top level, besides dot-files and licenses.
const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "benches",
    "crates",
    "fuzz",
    "xtask",
];

/// For a source file.
const MAX_LINES: usize = 400;

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let mut findings = fence::findings(sh)?;
    for rule in RULES {
        findings.extend(rule.findings(sh)?);
    }
    findings.extend(layout(sh)?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    ensure!(findings.is_empty(), "{} findings", findings.len());
    if !succeeds(sh, "typos --version") {
        return Ok(Outcome::Skipped("spelling; no typos: cargo install typos-cli".to_owned()));
    }
    cmd!(sh, "typos").run()?;
    Ok(Outcome::Passed)
}

impl Rule {
    fn findings(&self, sh: &Shell) -> Result<Vec<String>> {
        let (pattern, files) = (self.pattern, self.files);
        let grep =
            cmd!(sh, "git {ANY_OWNER...} grep --untracked -nIE {pattern} -- {files...}").quiet();
        let output = grep.ignore_status().output()?;
        match output.status.code() {
            Some(0) => {}
            Some(1) => return Ok(Vec::new()),
            _ => bail!("git grep: {}", String::from_utf8_lossy(&output.stderr)),
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().map(|line| format!("{line}: {}", self.message)).collect())
    }
}

/// Checks the names at the top, the length of source files, and that ns-idmap forbids unsafe code.
fn layout(sh: &Shell) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in files(sh, &["."])? {
        let top = path.split('/').next().unwrap_or_default();
        if !TOP.contains(&top) && !top.starts_with('.') && !top.starts_with("LICENSE-") {
            findings.push(format!("{path}: not in the list of names at the top level"));
        }
    }
    for path in files(sh, &["crates/*/src/*.rs", "xtask/src/*.rs"])? {
        let lines = sh.read_file(&path)?.lines().count();
        if lines > MAX_LINES {
            findings.push(format!("{path}: {lines} lines, at most {MAX_LINES}"));
        }
    }
    if !sh.read_file("crates/ns-idmap/src/lib.rs")?.contains("\n#![forbid(unsafe_code)]\n") {
        findings.push("crates/ns-idmap/src/lib.rs: no #![forbid(unsafe_code)]".to_owned());
    }
    Ok(findings)
}
