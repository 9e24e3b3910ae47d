//! No file knows where somebody works.

use super::Finding;
use super::source::Source;
use super::text::numbered_lines;

/// Written in two halves, because this file is looked at as well.
const FOLDERS: [&str; 4] =
    [concat!("/", "home/"), concat!("/", "root/"), concat!("/", "work/"), concat!("/", "Users/")];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(of_file).collect()
}

fn of_file(source: &Source) -> impl Iterator<Item = Finding> {
    numbered_lines(&source.text).filter_map(|(number, line)| {
        let folder = FOLDERS.iter().find(|folder| is_named(line, folder))?;
        Some(Finding::new(source, number, format!("a path below {folder}")))
    })
}

/// Whether an absolute path below `folder` is there; `/proc/self` and `{dir}` may come before it.
fn is_named(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || "})]._-$".contains(c))
            && after.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::places;
    use super::*;

    #[test]
    fn a_folder_of_somebody_is_found() {
        for folder in FOLDERS {
            let line = format!("a\ninclude \"{folder}me/x\"\n");
            assert_eq!(places(findings, "a.toml", &line), ["a.toml:2"], "{folder}");
        }
        assert_eq!(places(findings, "a.md", &format!("{}me\n", FOLDERS[0])), ["a.md:1"]);
    }

    #[test]
    fn a_path_below_something_else_passes() {
        for line in [format!("/proc/self{}etc", FOLDERS[1]), format!("{{dir}}{}a", FOLDERS[2])] {
            assert!(places(findings, "a.rs", &line).is_empty(), "{line}");
        }
        assert!(places(findings, "a.md", &format!("mount over {}\n", FOLDERS[0])).is_empty());
    }
}
