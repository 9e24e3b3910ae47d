//! The similarity of words, for suggestions.

/// Whether a word may be a mistyped `known` one: it is its start, or a third of its letters differ at most.
pub(crate) fn is_close(word: &str, known: &str) -> bool {
    let (word, known) = (word.trim_start_matches('-'), known.trim_start_matches('-'));
    let is_start = !word.is_empty() && known.starts_with(word);
    is_start || distance(word, known) * 3 <= word.chars().count()
}

/// Returns how many letters must be inserted, removed or replaced.
fn distance(word: &str, known: &str) -> usize {
    let known: Vec<_> = known.chars().collect();
    let mut row: Vec<_> = (0..=known.len()).collect();
    for (count, letter) in (1..).zip(word.chars()) {
        let mut diagonal = std::mem::replace(&mut row[0], count);
        for (at, other) in known.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[known.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_is_close() {
        for (word, known, expected) in
            [("kitten", "sitting", 3), ("", "abc", 3), ("user", "user", 0)]
        {
            assert_eq!(distance(word, known), expected, "{word} {known}");
        }
        for (word, known) in [("--usr", "--user"), ("--host", "--hostname"), ("--mout", "--mount")]
        {
            assert!(is_close(word, known), "{word} {known}");
        }
        for (word, known) in
            [("--read-only", "--personality"), ("--rm", "--rlimit"), ("-", "--all")]
        {
            assert!(!is_close(word, known), "{word} {known}");
        }
    }
}
