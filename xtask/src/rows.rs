//! What the tests show, row by row: every row has a test that names it, and every name a row.

mod table;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use table::ROWS;

use crate::outcome::Outcome;
use crate::tidy::tests_of_the_tree;

/// Prints each row with its tests; a row without one fails, and a name without a row.
pub(crate) fn run() -> Result<Outcome> {
    let tests = tests_of_the_tree()?;
    let shown = by_row(&tests);
    for (row, about) in ROWS {
        println!("{row}  {about}");
        for test in shown.get(row).into_iter().flatten() {
            println!("     {test}");
        }
    }
    let findings = findings(&shown);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings in {} rows", findings.len(), ROWS.len());
    }
    Ok(Outcome::Passed)
}

/// The tests that name each row.
fn by_row(tests: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut shown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for test in tests {
        for row in rows_of(test) {
            shown.entry(row).or_default().push(test);
        }
    }
    shown
}

fn findings(shown: &BTreeMap<&str, Vec<&str>>) -> Vec<String> {
    let bare = ROWS.iter().filter(|(row, _)| !shown.contains_key(row));
    let bare = bare.map(|(row, about)| format!("{row}: no test begins with it: {about}"));
    let strange = shown.iter().filter(|(row, _)| !ROWS.iter().any(|(known, _)| known == *row));
    let strange = strange
        .map(|(row, tests)| format!("{row}: is no row, but {} begins with it", tests.join(", ")));
    bare.chain(strange).collect()
}

/// The rows at the beginning of a test's name: `a17_a19_helpers` names a17 and a19; of the contract the
/// one row that it begins with, or its section where there is none.
fn rows_of(test: &str) -> Vec<&str> {
    let mut words = test.split('_');
    if words.clone().next().is_some_and(is_section) {
        let begins = |row: &str| format!("{test}_").starts_with(&format!("{row}_"));
        let rows = ROWS.iter().map(|(row, _)| *row).filter(|row| begins(row));
        let row = rows.max_by_key(|row| row.len());
        return words.next().map(|section| row.unwrap_or(section)).into_iter().collect();
    }
    words.take_while(|word| is_hazard(word)).collect()
}

fn is_section(word: &str) -> bool {
    matches!(word.as_bytes(), [b's', number] if number.is_ascii_digit())
}

fn is_hazard(word: &str) -> bool {
    matches!(word.as_bytes(), [b'a'..=b'f', tens, ones]
        if tens.is_ascii_digit() && ones.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_with_its_rows() {
        assert_eq!(rows_of("a17_a19_helpers"), ["a17", "a19"]);
        assert_eq!(rows_of("s1_all_but_one"), ["s1_all"]);
        assert_eq!(rows_of("s1_all"), ["s1_all"]);
        assert_eq!(rows_of("s1_anything"), ["s1"]);
        assert_eq!(rows_of("s9_anything"), ["s9"]);
        assert_eq!(rows_of("start_within_a_start"), [""; 0]);
        assert_eq!(rows_of("add_a01"), [""; 0]);
    }

    #[test]
    fn what_is_missing_on_either_side_is_found() {
        let all: Vec<String> = ROWS.iter().map(|(row, _)| format!("{row}_shown")).collect();
        assert_eq!(findings(&by_row(&all)), [""; 0]);
        let strange = [&all[1..], &["z99_shown".to_owned(), "f99_shown".to_owned()]].concat();
        let found = findings(&by_row(&strange));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with(ROWS[0].0) && found[1].starts_with("f99: is no row"));
    }

    #[test]
    fn rows_are_in_order_and_once() {
        assert!(ROWS.is_sorted_by(|one, other| one.0 < other.0));
    }
}
