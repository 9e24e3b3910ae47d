//! How the lines of any text file end.

use super::Finding;
use super::source::Source;

/// What a fuzzer found is text by accident.
const INPUTS: &str = "fuzz/corpus/";

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let written = sources.iter().filter(|source| !source.path.starts_with(INPUTS));
    written.flat_map(of_file).collect()
}

fn of_file(source: &Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = numbered_lines(&source.text)
        .filter(|(_, line)| line.ends_with(char::is_whitespace))
        .map(|(number, _)| Finding::new(source, number, "trailing whitespace"))
        .collect();
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        let last = source.text.split('\n').count();
        findings.push(Finding::new(source, last, "no newline at the end"));
    }
    findings
}

/// Lines from 1, a carriage return left in them.
pub(super) fn numbered_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.split('\n'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::places;
    use super::*;

    #[test]
    fn a_line_that_ends_badly_is_found() {
        assert_eq!(places(findings, "a.md", "a\nb \n"), ["a.md:2"]);
        assert_eq!(places(findings, "a.md", "\t\na\r\n"), ["a.md:1", "a.md:2"]);
        assert_eq!(places(findings, "a.md", "a\nb"), ["a.md:2"]);
    }

    #[test]
    fn an_input_is_as_it_was_found() {
        assert!(places(findings, "fuzz/corpus/idmap_parse/1f", "0 0 1 ").is_empty());
    }

    #[test]
    fn a_clean_file_passes() {
        assert!(places(findings, "a.md", "a\n\nb\n").is_empty());
        assert!(places(findings, "a.md", "").is_empty());
    }
}
