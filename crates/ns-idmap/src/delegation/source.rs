//! The source of delegated IDs in `nsswitch.conf(5)`.

use std::fs;

/// The source that `/etc/nsswitch.conf` names for delegated IDs, if it is not the files.
pub(super) fn other() -> Option<String> {
    let text = fs::read("/etc/nsswitch.conf").ok()?;
    other_in(&String::from_utf8_lossy(&text)).map(ToOwned::to_owned)
}

/// As shadow reads it: the first source of the first line that names one.
fn other_in(text: &str) -> Option<&str> {
    let mut sources = text.lines().filter_map(|line| {
        let (key, sources) = line.split_once(':')?;
        let is_subid = key.eq_ignore_ascii_case("subid");
        is_subid.then(|| sources.split([' ', '\t']).find(|source| !source.is_empty()))?
    });
    sources.next().filter(|source| *source != "files")
}

#[cfg(test)]
mod tests {
    use super::other_in;

    #[test]
    fn a23_the_first_source_counts() {
        for (text, expected) in [
            ("", None),
            ("passwd: sss\n", None),
            ("subid:\n", None),
            ("subid: files\n", None),
            ("subid:files sss\n", None),
            ("#subid: sss\n", None),
            ("passwd: files\nsubid: sss\n", Some("sss")),
            ("SUBID:\tsss files", Some("sss")),
            ("subid: \nsubid: ldap\nsubid: sss", Some("ldap")),
        ] {
            assert_eq!(other_in(text), expected, "{text:?}");
        }
    }
}
