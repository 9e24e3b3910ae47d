//! The names of containers.

use anyhow::{Result, ensure};

/// The name of a directory is at most that long.
const MAX: usize = 255;

/// Checks a name: it is the name of a directory, and appears in paths of cgroups.
pub(crate) fn check(id: &str) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte);
    ensure!(!id.is_empty(), "the name of a container is empty");
    ensure!(id.len() <= MAX, "the name of the container has more than {MAX} bytes");
    ensure!(
        id.bytes().all(is_allowed) && id != "." && id != "..",
        "{id:?} is no name of a container: use letters, digits, and _ + - ."
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_that_lead_to_another_directory_are_refused() {
        for id in ["", ".", "..", "a/b", "/", "a b", "a\n", "ä", &"a".repeat(256)] {
            check(id).expect_err(id);
        }
        for id in ["a", "A.b-c_d+1", "...", &"a".repeat(255)] {
            check(id).expect(id);
        }
    }
}
