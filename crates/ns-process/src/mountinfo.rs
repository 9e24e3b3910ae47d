//! The lines of `/proc/PID/mountinfo`. All fields are bytes.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::str;

/// The fields that are used of `36 35 0:4 /root /where rw shared:1 - type source options`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mount<'a> {
    pub(crate) device: &'a [u8],
    root: &'a [u8],
    path: &'a [u8],
    /// The type of the file system.
    pub(crate) kind: &'a [u8],
    options: &'a [u8],
}

/// The mounts; skips lines that are not valid.
pub(crate) fn mounts(text: &[u8]) -> impl Iterator<Item = Mount<'_>> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let (device, root, path) = (fields.nth(2)?, fields.next()?, fields.next()?);
        let mut after = fields.skip_while(|field| *field != b"-");
        let (kind, options) = (after.nth(1)?, after.nth(1).unwrap_or_default());
        Some(Mount { device, root, path, kind, options })
    })
}

impl Mount<'_> {
    /// The directory of the file system that is mounted.
    pub(crate) fn root(&self) -> PathBuf {
        unescaped(self.root).into()
    }

    /// The mount point.
    pub(crate) fn path(&self) -> PathBuf {
        unescaped(self.path).into()
    }

    /// Whether it is mounted on the caller's root.
    pub(crate) fn is_root(&self) -> bool {
        self.path == b"/"
    }

    /// Whether the file system has these options, which are separated by commas and adjacent.
    pub(crate) fn has_option(&self, wanted: &str) -> bool {
        let options = [b",", self.options, b","].concat();
        let wanted = [b",", wanted.as_bytes(), b","].concat();
        options.windows(wanted.len()).any(|part| part == wanted)
    }
}

/// Decodes blanks, newlines and backslashes, which are escaped as three octal digits.
fn unescaped(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, behind @ ..] = rest {
        let octal = behind.get(..3).and_then(|digits| str::from_utf8(digits).ok());
        let octal = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = octal.filter(|_| *first == b'\\') {
            bytes.push(byte);
            rest = behind.get(3..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn lines_are_parsed() {
        let text =
            b"36 22 0:4 net:[402] /run/ns/a\\040b rw shared:9 master:2 - nsfs nsfs rw\nnonsense\n\
            4 1 0:4 /x /y rw - cgroup cgroup rw,name=one,cpu\n";
        let found: Vec<_> = mounts(text).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].device, found[0].kind), (&b"0:4"[..], &b"nsfs"[..]));
        assert_eq!((found[0].root(), found[0].path()), ("net:[402]".into(), "/run/ns/a b".into()));
        assert!(["name=one,cpu", "cpu", "rw"].iter().all(|option| found[1].has_option(option)));
        assert!(
            ["cp", "one", "w,name", "rw,cpu"].iter().all(|option| !found[1].has_option(option))
        );
    }

    #[test]
    fn a_backslash_that_escapes_nothing_stays() {
        assert_eq!(unescaped(br"a\04\x\0409").as_bytes(), b"a\\04\\x 9");
        assert_eq!(unescaped(b"\\"), OsStr::new("\\"));
    }
}
