//! The paths that a file names, in `use` items and elsewhere.

use super::lexeme::{Lexeme, starts_with};

/// A path and where it starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) text: String,
    pub(super) line: usize,
}

/// Each path that a `use` or `extern crate` brings in, groups taken apart.
pub(super) fn imports(lexemes: &[Lexeme]) -> Vec<Path> {
    let mut paths = Vec::new();
    for (at, lexeme) in lexemes.iter().enumerate() {
        let rest = &lexemes[at + 1..];
        if is_use(&lexemes[at..]) {
            tree(rest, "", &mut paths);
        } else if lexeme.text == "extern" && starts_with(rest, &["crate"]) {
            tree(&rest[1..], "", &mut paths);
        }
    }
    paths
}

/// All but the `use` items.
pub(super) fn without_imports(lexemes: &[Lexeme]) -> Vec<Lexeme> {
    let mut in_use = false;
    let mut others = Vec::new();
    for (at, lexeme) in lexemes.iter().enumerate() {
        in_use = is_use(&lexemes[at..]) || in_use && lexeme.text != ";";
        if !in_use {
            others.push(lexeme.clone());
        }
    }
    others
}

/// Whether a `use` item starts here: `use<'a>` names what a return type captures.
fn is_use(lexemes: &[Lexeme]) -> bool {
    starts_with(lexemes, &["use"]) && !starts_with(&lexemes[1..], &["<"])
}

/// Reads one tree of a `use` below `prefix` and gives what follows it.
fn tree<'a>(mut rest: &'a [Lexeme], prefix: &str, paths: &mut Vec<Path>) -> &'a [Lexeme] {
    let mut path = prefix.to_owned();
    let mut line = 0;
    while let Some((lexeme, after)) = rest.split_first() {
        match lexeme.text.as_str() {
            "," | ";" | "}" | "as" => break,
            "{" => return group(after, &path, paths),
            "::" if path.is_empty() => {}
            text => {
                path.push_str(text);
                line = lexeme.line;
            }
        }
        rest = after;
    }
    paths.push(Path { text: path, line });
    if starts_with(rest, &["as"]) { &rest[2..] } else { rest }
}

fn group<'a>(mut rest: &'a [Lexeme], prefix: &str, paths: &mut Vec<Path>) -> &'a [Lexeme] {
    while let Some((lexeme, after)) = rest.split_first() {
        match lexeme.text.as_str() {
            "}" => return after,
            "," => rest = after,
            _ => rest = tree(rest, prefix, paths),
        }
    }
    rest
}

/// Each path with at least two parts whose first part is one of `roots`.
pub(super) fn paths_from(lexemes: &[Lexeme], roots: &[&str]) -> Vec<Path> {
    let starts = (0..lexemes.len()).filter(|&at| {
        roots.contains(&lexemes[at].text.as_str())
            && starts_with(&lexemes[at + 1..], &["::"])
            && !continues_a_path(&lexemes[..at])
    });
    starts.map(|at| Path { text: path_at(&lexemes[at..]), line: lexemes[at].line }).collect()
}

fn path_at(lexemes: &[Lexeme]) -> String {
    let parts = lexemes.iter().take_while(|lexeme| lexeme.text == "::" || is_word(&lexeme.text));
    let text: String = parts.map(|part| part.text.as_str()).collect();
    text.trim_end_matches("::").to_owned()
}

/// Whether these lexemes end with `word::` or `>::`, so that no path starts after them.
fn continues_a_path(before: &[Lexeme]) -> bool {
    let [.., last, colons] = before else { return false };
    colons.text == "::" && (is_word(&last.text) || last.text == ">")
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

#[cfg(test)]
mod tests {
    use super::super::lexeme;
    use super::*;

    fn texts(paths: Vec<Path>) -> Vec<String> {
        paths.into_iter().map(|path| format!("{}:{}", path.line, path.text)).collect()
    }

    #[test]
    fn imports_are_taken_apart() {
        let source =
            "use a;\nuse ::b::c as d;\npub(crate) use {e::{f, g::*},\n h as _};\nextern crate i;";
        let found = texts(imports(&lexeme::all(source)));
        assert_eq!(found, ["1:a", "2:b::c", "3:e::f", "3:e::g::*", "4:h", "5:i"]);
    }

    #[test]
    fn a_capture_is_no_import() {
        assert!(imports(&lexeme::all("fn f<'a>() -> impl Sized + use<'a> {}")).is_empty());
    }

    #[test]
    fn paths_outside_of_imports() {
        let source = "use alloc::{\nalloc::A\n}; core::alloc::x(); ::alloc::y::<T>(); <T>::alloc::z; alloc(); alloc::w!()";
        let found = texts(paths_from(&without_imports(&lexeme::all(source)), &["alloc"]));
        assert_eq!(found, ["3:alloc::y", "3:alloc::w"]);
    }
}
