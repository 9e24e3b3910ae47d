//! The plot and the table in the README of the repository.

use std::path::{Path, PathBuf};
use std::{fs, io};

use benches::machine::Machine;

use crate::plot;
use crate::table::Table;

/// The lines of the README around the generated section.
const BEGIN: &str = "<!-- written by: cargo xtask bench --scaling --check-in -->\n";
const END: &str = "<!-- end -->\n";

const PLOT: &str = "benches/plots/memory.svg";

/// Draws the plot in the repository, and writes the plot and the table into the README.
pub(crate) fn update(table: &Table) -> io::Result<()> {
    let plot = root().join(PLOT);
    fs::create_dir_all(plot.parent().expect("a parent directory"))?;
    plot::draw(table, &plot)?;
    let readme = root().join("README.md");
    let section = format!(
        "\n![start latency against memory of the caller]({PLOT})\n\n{}\nMeasured on {}.\n\n",
        table.markdown(),
        Machine::current().line()
    );
    let text = replaced(&fs::read_to_string(&readme)?, &section)?;
    fs::write(readme, text)
}

fn replaced(text: &str, section: &str) -> io::Result<String> {
    let replaced = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}{section}{END}{after}"))
    });
    replaced.ok_or_else(|| io::Error::other("README.md has no section for the table"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_changes() {
        let text = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&text, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}new\n{END}after\n"));
        assert!(replaced("no section", "new").is_err());
    }

    #[test]
    fn the_readme_has_the_section() {
        let readme = fs::read_to_string(root().join("README.md")).unwrap();
        assert!(replaced(&readme, "").is_ok());
    }
}
