//! What is not finished, not run or not Rust, in any file.

use super::Finding;
use super::lexeme::{Lexeme, attributes, contains, is_unreadable, starts_with};
use super::source::Source;

/// Clippy knows them as well, but not behind a `cfg` that is off here.
const MACROS: [&str; 3] = ["dbg", "todo", "unimplemented"];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .flat_map(|source| [macros(source), ignored(source), unread(source)].concat())
        .collect()
}

fn macros(source: &Source) -> Vec<Finding> {
    let lexemes = source.lexemes.iter().enumerate();
    let calls = lexemes.filter(|(at, lexeme)| {
        MACROS.contains(&lexeme.text.as_str()) && starts_with(&source.lexemes[at + 1..], &["!"])
    });
    calls
        .map(|(_, word)| Finding::new(source, word.line, format!("`{}!` is for drafts", word.text)))
        .collect()
}

fn ignored(source: &Source) -> Vec<Finding> {
    let ignored = attributes(&source.lexemes).filter(|words| is_ignored(words));
    ignored.map(|words| Finding::new(source, words[0].line, "a test that nobody runs")).collect()
}

/// A test, or an example in documentation.
fn is_ignored(words: &[Lexeme]) -> bool {
    let fence = concat!("``", "`ignore");
    contains(words, "ignore")
        || starts_with(words, &["doc", "="]) && words.iter().any(|word| word.text.contains(fence))
}

fn unread(source: &Source) -> Vec<Finding> {
    let line = source.lexemes.first().map_or(1, |lexeme| lexeme.line);
    let finding = || Finding::new(source, line, "cannot be read as Rust");
    is_unreadable(&source.lexemes).then(finding).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::places;
    use super::*;

    #[test]
    fn offending_samples_are_found() {
        for text in [
            "todo!()",
            "dbg!(1)",
            "std::unimplemented!()",
            "m! { fn f() { todo!() } }",
            "#[ignore] fn f() {}",
            "#[ignore = \"slow\"] fn f() {}",
            "#[cfg_attr(x, ignore)] fn f() {}",
            "ns_testbed::test! { #[ignore] fn f() as [Root] {} }",
            "/// ```ignore",
            "fn f( {",
        ] {
            assert_eq!(places(findings, "a.rs", &format!("\n{text}\n")), ["a.rs:2"], "{text}");
        }
    }

    #[test]
    fn words_in_strings_and_comments_pass() {
        let text = "// todo!()\nfn ignore() { \"todo!() #[ignore]\"; let todo = !true; }";
        assert!(places(findings, "a.rs", text).is_empty());
    }
}
