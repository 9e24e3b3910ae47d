//! The names of the tests and the rows of `HAZARDS.md` agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

const LIST: &str = "HAZARDS.md";

/// Rows below this heading are not cited by any test.
const UNTESTED: &str = "## Rows without a test";

/// The rows of `HAZARDS.md`, in order.
#[derive(Debug, Default)]
struct Rows {
    tested: Vec<String>,
    untested: Vec<String>,
}

impl Rows {
    fn parse(text: &str) -> Self {
        let mut rows = Self::default();
        let mut is_untested = false;
        for line in text.lines() {
            if line.starts_with("## ") {
                is_untested = line == UNTESTED;
            }
            let Some(row) = row(line) else { continue };
            let rows = if is_untested { &mut rows.untested } else { &mut rows.tested };
            rows.push(row.to_owned());
        }
        rows
    }

    /// The rows that the name of a test cites: `a17_a19_helpers` cites a17 and a19. A name that begins with `s`
    /// and a digit cites one row: the longest with which it begins, or its first word if there is none.
    fn cited<'a>(&'a self, test: &'a str) -> Vec<&'a str> {
        let words = test.split('_');
        let first = words.clone().next().unwrap_or_default();
        if is_feature(first) {
            let begins = |row: &&str| test == *row || test.starts_with(&format!("{row}_"));
            let longest = self.all().filter(begins).max_by_key(|row| row.len());
            return vec![longest.unwrap_or(first)];
        }
        words.take_while(|word| is_hazard(word)).collect()
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.tested.iter().chain(&self.untested).map(String::as_str)
    }

    /// The tests of each row, also of rows that are not listed.
    fn tests<'a>(&'a self, names: &'a BTreeSet<String>) -> BTreeMap<&'a str, Vec<&'a str>> {
        let mut tests: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names {
            for row in self.cited(name) {
                tests.entry(row).or_default().push(name);
            }
        }
        tests
    }

    /// One line for each row or test that does not agree with the other side.
    fn disagreements(&self, names: &BTreeSet<String>) -> Vec<String> {
        let tests = self.tests(names);
        let mut found = Vec::new();
        for row in self.tested.iter().filter(|row| !tests.contains_key(row.as_str())) {
            found.push(format!("{row}: no test cites this row, and {LIST} gives no reason"));
        }
        for (row, names) in &tests {
            let names = names.join(", ");
            if self.untested.iter().any(|untested| untested == row) {
                found.push(format!("{row}: {LIST} says that no test cites it, but {names} does"));
            } else if !self.all().any(|known| known == *row) {
                found.push(format!("{row}: not in {LIST}, but {names} cites it"));
            }
        }
        found
    }
}

/// The first cell of a line of a table, if it is a row's name.
fn row(line: &str) -> Option<&str> {
    let (first, rest) = line.strip_prefix("| ")?.split_once(" |")?;
    let word = first.split('_').next()?;
    // Both further cells have text.
    let is_whole = rest.split('|').filter(|cell| !cell.trim().is_empty()).count() == 2;
    (is_whole && (is_hazard(word) || is_feature(word))).then_some(first)
}

fn is_hazard(word: &str) -> bool {
    matches!(word.as_bytes(), [b'a'..=b'g', tens, ones]
        if tens.is_ascii_digit() && ones.is_ascii_digit())
}

fn is_feature(word: &str) -> bool {
    matches!(word.as_bytes(), [b's', digit] if digit.is_ascii_digit())
}

/// The names of the functions that are marked as tests.
fn tests_in(source: &str) -> Vec<String> {
    let mut lines = source.lines().map(str::trim);
    let mut tests = Vec::new();
    while lines.by_ref().any(|line| line == "#[test]") {
        tests.extend(lines.find_map(function));
    }
    tests
}

/// The name of the function that begins in this line.
fn function(line: &str) -> Option<String> {
    let rest = line.strip_prefix("fn ").or_else(|| Some(line.split_once(" fn ")?.1))?;
    let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_')?;
    Some(rest[..end].to_owned())
}

/// The names of all tests of the crates.
fn tests_of_the_crates(crates: &Path) -> BTreeSet<String> {
    let parts = list(crates).into_iter().flat_map(|krate| [krate.join("src"), krate.join("tests")]);
    let mut directories: Vec<PathBuf> = parts.filter(|part| part.is_dir()).collect();
    let mut tests = BTreeSet::new();
    while let Some(directory) = directories.pop() {
        for path in list(&directory) {
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                tests.extend(tests_in(&fs::read_to_string(&path).expect("read a source file")));
            }
        }
    }
    tests
}

fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("list a directory");
    entries.map(|entry| entry.expect("read an entry").path()).collect()
}

fn testbed() -> PathBuf {
    // At run time: two clones that share a target directory share this program as well.
    env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo").into()
}

/// Prints each row with its tests.
#[test]
fn tests_and_rows_agree() {
    let text = fs::read_to_string(testbed().join(LIST)).expect("read the list");
    let rows = Rows::parse(&text);
    let names = tests_of_the_crates(testbed().parent().expect("the directory of the crates"));
    let tests = rows.tests(&names);
    for row in rows.all() {
        println!("{row}  {}", tests.get(row).map_or_else(String::new, |tests| tests.join(", ")));
    }
    let disagreements = rows.disagreements(&names);
    assert!(disagreements.is_empty(), "\n{}\n", disagreements.join("\n"));
}

#[test]
fn rows_are_sorted_and_unique() {
    let text = fs::read_to_string(testbed().join(LIST)).expect("read the list");
    let rows = Rows::parse(&text);
    assert!(rows.tested.is_sorted_by(|one, next| one < next), "{:?}", rows.tested);
    let mut seen = BTreeSet::new();
    assert!(rows.all().all(|row| seen.insert(row)), "a row is listed twice");
}

#[test]
fn a_row_has_a_hazard_and_an_expectation() {
    assert_eq!(row("| f13 | a failed exec | an error |"), Some("f13"));
    assert_eq!(row("| s1_all | all namespaces | all |"), Some("s1_all"));
    for line in ["| f13 | a failed exec | |", "| f13 |", "| h01 | a | b |", "|---|---|---|", "f13"]
    {
        assert_eq!(row(line), None, "{line}");
    }
}

#[test]
fn a_name_begins_with_its_rows() {
    let rows = Rows::parse("| s1 | a | b |\n| s1_all | a | b |\n");
    assert_eq!(rows.cited("a17_a19_helpers"), ["a17", "a19"]);
    assert_eq!(rows.cited("s1_all_but_one"), ["s1_all"]);
    assert_eq!(rows.cited("s1_all"), ["s1_all"]);
    assert_eq!(rows.cited("s1_allowed"), ["s1"]);
    assert_eq!(rows.cited("s9_anything"), ["s9"]);
    assert_eq!(rows.cited("start_within_a_start"), [""; 0]);
    assert_eq!(rows.cited("add_a01"), [""; 0]);
}

#[test]
fn tests_are_the_marked_functions() {
    let source = "#[test]\n#[should_panic]\nfn a01_a() {}\nfn a02_b() {}\n    #[test]\n    \
                  pub fn a03_c(x in 0..9) {\n// #[test]\nfn a04_d() {}\n";
    assert_eq!(tests_in(source), ["a01_a", "a03_c"]);
}

#[test]
fn each_disagreement_is_found() {
    let rows = Rows::parse(&format!(
        "| a01 | a | b |\n| a02 | a | b |\n{UNTESTED}\n| b01 | a | b |\n| b02 | a | b |\n"
    ));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(rows.disagreements(&names(&["a01_a02_x", "plain"])), [""; 0]);
    let found = rows.disagreements(&names(&["a01_x", "b01_x", "f99_x"]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("a02: no test cites this row"), "{found:?}");
    assert!(found[1].starts_with("b01: HAZARDS.md says that no test cites it"), "{found:?}");
    assert!(found[2].starts_with("f99: not in HAZARDS.md, but f99_x cites it"), "{found:?}");
}
