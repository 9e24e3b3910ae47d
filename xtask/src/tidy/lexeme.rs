//! Rust as a flat list of words: comments gone, strings whole, macro bodies included.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// One word or sign, with `::` as one.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    pub(super) text: String,
    pub(super) line: usize,
}

/// What [`all`] gives for a file that is not Rust, so that no rule passes it unread.
const UNREADABLE: &str = "unreadable";

pub(super) fn all(source: &str) -> Vec<Lexeme> {
    let mut lexemes = Vec::new();
    match source.parse::<TokenStream>() {
        Ok(stream) => flatten(stream, &mut lexemes),
        Err(error) => push(&mut lexemes, UNREADABLE, error.span()),
    }
    lexemes
}

/// Whether the file was not Rust.
pub(super) fn is_unreadable(lexemes: &[Lexeme]) -> bool {
    lexemes.first().is_some_and(|lexeme| lexeme.text == UNREADABLE)
}

fn flatten(stream: TokenStream, out: &mut Vec<Lexeme>) {
    let mut in_colons = false;
    for tree in stream {
        let span = tree.span();
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = delimiters(group.delimiter());
                push(out, open, group.span_open());
                flatten(group.stream(), out);
                push(out, close, group.span_close());
            }
            TokenTree::Punct(sign) if sign.as_char() == ':' => {
                if in_colons {
                    out.pop();
                }
                push(out, if in_colons { "::" } else { ":" }, span);
                in_colons = !in_colons && sign.spacing() == Spacing::Joint;
            }
            other => push(out, &other.to_string(), span),
        }
    }
}

fn delimiters(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

fn push(out: &mut Vec<Lexeme>, text: &str, span: Span) {
    out.push(Lexeme { text: text.to_owned(), line: span.start().line });
}

/// The lexemes of each attribute, brackets left out.
pub(super) fn attributes(lexemes: &[Lexeme]) -> impl Iterator<Item = &[Lexeme]> {
    lexemes.iter().enumerate().filter(|(_, lexeme)| lexeme.text == "#").filter_map(|(at, _)| {
        let rest = &lexemes[at + 1..];
        let rest = if starts_with(rest, &["!"]) { &rest[1..] } else { rest };
        starts_with(rest, &["["]).then(|| &rest[1..closing(rest)])
    })
}

/// The names of the functions that are tests.
pub(super) fn tests(lexemes: &[Lexeme]) -> impl Iterator<Item = String> {
    let marks =
        (0..lexemes.len()).filter(|at| starts_with(&lexemes[*at..], &["#", "[", "test", "]"]));
    marks.filter_map(|at| {
        let head = lexemes[at..].iter().position(|lexeme| lexeme.text == "fn")?;
        Some(lexemes.get(at + head + 1)?.text.clone())
    })
}

pub(super) fn starts_with(lexemes: &[Lexeme], texts: &[&str]) -> bool {
    lexemes.len() >= texts.len()
        && lexemes.iter().zip(texts).all(|(lexeme, text)| lexeme.text == *text)
}

pub(super) fn contains(lexemes: &[Lexeme], text: &str) -> bool {
    lexemes.iter().any(|lexeme| lexeme.text == text)
}

/// Where the bracket that `lexemes` starts with is closed.
fn closing(lexemes: &[Lexeme]) -> usize {
    let mut depth = 0;
    let closed = lexemes.iter().position(|lexeme| {
        match lexeme.text.as_str() {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    closed.unwrap_or(lexemes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        all(source).into_iter().map(|lexeme| lexeme.text).collect()
    }

    #[test]
    fn words_and_signs() {
        assert_eq!(
            texts("let a: b::c = ::d; // e::f"),
            ["let", "a", ":", "b", "::", "c", "=", "::", "d", ";"]
        );
        assert_eq!(texts("m! { \"x::y\" }"), ["m", "!", "{", "\"x::y\"", "}"]);
        assert_eq!(all("a\n/* b\n */ c")[1].line, 3);
    }

    #[test]
    fn tests_are_those_with_the_mark() {
        let source =
            "#[test]\n#[ignore]\nfn a() {} fn b() {} #[cfg(test)] fn c() {} #[test] fn d() {}";
        assert!(tests(&all(source)).eq(["a", "d"]));
    }

    #[test]
    fn what_is_not_rust_is_not_passed() {
        assert!(is_unreadable(&all("fn f( {")));
        assert!(!is_unreadable(&all("fn f() {}")));
    }

    #[test]
    fn attributes_inner_and_outer() {
        let lexemes = all("#![a(b)] #[c = [1]] fn f() {}");
        let found: Vec<String> = attributes(&lexemes)
            .map(|words| words.iter().map(|lexeme| lexeme.text.as_str()).collect())
            .collect();
        assert_eq!(found, ["a(b)", "c=[1]"]);
    }
}
