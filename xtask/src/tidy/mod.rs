//! The rules of the source tree that no lint can hold.

mod banned;
mod fence;
mod lexeme;
mod paths;
mod shape;
mod source;
mod text;
mod unsafe_code;
mod uses;

use std::fmt;

use anyhow::{Result, bail};

use crate::outcome::Outcome;
use source::Source;

/// A place that breaks a rule.
#[derive(Clone, Debug)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

type Rule = fn(&[Source]) -> Vec<Finding>;

const RULES: [Rule; 6] = [
    fence::findings,
    unsafe_code::findings,
    banned::findings,
    shape::findings,
    text::findings,
    paths::findings,
];

pub(crate) fn run() -> Result<Outcome> {
    let sources = source::tracked()?;
    let findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&sources)).collect();
    for finding in &findings {
        eprintln!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings in {} files", findings.len(), sources.len());
    }
    Ok(Outcome::Passed)
}

/// The names of all tests.
pub(crate) fn tests_of_the_tree() -> Result<Vec<String>> {
    Ok(source::tracked()?.iter().flat_map(|source| lexeme::tests(&source.lexemes)).collect())
}

impl Finding {
    fn new(source: &Source, line: usize, message: impl Into<String>) -> Self {
        Self { path: source.path.clone(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `path:line` of each finding of `rule` in one file.
    pub(super) fn places(rule: Rule, path: &str, text: &str) -> Vec<String> {
        let findings = rule(&[Source::new(path, text)]);
        findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }

    #[test]
    fn a_finding_can_be_jumped_to() {
        let finding = Finding::new(&Source::new("a/b.rs", ""), 7, "wrong");
        assert_eq!(finding.to_string(), "a/b.rs:7: wrong");
    }
}
