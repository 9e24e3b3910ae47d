//! The plot and the table of the front page.

use std::path::{Path, PathBuf};
use std::{fs, io};

use benches::machine::Machine;

use crate::plot;
use crate::table::Table;

/// Between these two lines of the README stands what this writes.
const BEGIN: &str = "<!-- written by: cargo xtask bench --scaling --check-in -->\n";
const END: &str = "<!-- end -->\n";

const PLOT: &str = "benches/plots/memory.svg";

/// Draws the plot that is checked in, and puts the table beside it.
pub(crate) fn show(table: &Table) -> io::Result<()> {
    let plot = root().join(PLOT);
    fs::create_dir_all(plot.parent().expect("it has one"))?;
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
    let place = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}{section}{END}{after}"))
    });
    place.ok_or_else(|| io::Error::other("README.md has no place for the table"))
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
        assert!(replaced("no place", "new").is_err());
    }

    #[test]
    fn the_front_page_has_the_place() {
        let readme = fs::read_to_string(root().join("README.md")).unwrap();
        assert!(replaced(&readme, "").is_ok());
    }
}
