//! Cases as text.
//!
//! ```text
//! == name of the case
//! ? a condition; the case is skipped if this command fails
//! $ a line of a script for sh(1); a case may have several
//! the standard output that is expected, line by line
//! => the exit status that is expected, if it is not 0
//! ```
//!
//! A line that begins with `#` is a comment.

use anyhow::{Context, Result, bail, ensure};

/// One script, and what it must print and return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) condition: Option<String>,
    pub(super) script: String,
    pub(super) output: String,
    pub(super) status: i32,
}

/// Reads all cases of a file.
pub(super) fn parse(text: &str) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            ensure!(cases.iter().all(|case| case.name != name), "two cases are named `{name}`");
            cases.push(Case { name: name.to_owned(), ..Case::default() });
        } else if !line.starts_with('#') {
            let case = cases.last_mut();
            match case {
                Some(case) => case.add(line).with_context(|| case.name.clone())?,
                None => ensure!(line.is_empty(), "`{line}` stands before the first case"),
            }
        }
    }
    match cases.iter().find(|case| case.script.is_empty()) {
        Some(case) => bail!("the case `{}` has no script", case.name),
        None => Ok(cases),
    }
}

impl Case {
    fn add(&mut self, line: &str) -> Result<()> {
        if let Some(script) = line.strip_prefix("$ ") {
            ensure!(self.output.is_empty(), "`{script}` follows the output");
            self.script.push_str(script);
            self.script.push('\n');
        } else if let Some(condition) = line.strip_prefix("? ") {
            self.condition = Some(condition.to_owned());
        } else if let Some(status) = line.strip_prefix("=> ") {
            self.status = status.parse().with_context(|| status.to_owned())?;
        } else if !line.is_empty() {
            self.output.push_str(line);
            self.output.push('\n');
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_has_a_script_an_output_and_a_status() {
        let text = "# c\n\n== one\n? test -e /\n$ a\n$ b\nx\ny\n=> 3\n\n== two\n$ c\n";
        let cases = parse(text).unwrap();
        let one = Case {
            name: "one".to_owned(),
            condition: Some("test -e /".to_owned()),
            script: "a\nb\n".to_owned(),
            output: "x\ny\n".to_owned(),
            status: 3,
        };
        assert_eq!(cases[0], one);
        assert_eq!((cases[1].script.as_str(), cases[1].status), ("c\n", 0));
    }

    #[test]
    fn a_file_that_says_something_else_is_an_error() {
        for text in ["x", "== a\nx", "== a\n$ a\nx\n$ b", "== a\n$ a\n=> x", "== a\n$ a\n== a\n$ a"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
