//! Bound namespaces in the text of mountinfo.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::str;

use ns_sys::{Namespace, NamespaceId};
use rustix::fs::makedev;

/// A mount of a namespace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) kind: Namespace,
    pub(super) id: NamespaceId,
    pub(super) path: PathBuf,
}

/// Those of a mountinfo; lines that are none are passed over.
pub(super) fn bound(mountinfo: &[u8]) -> Vec<Bound> {
    mountinfo.split(|byte| *byte == b'\n').filter_map(of_line).collect()
}

/// `36 35 0:4 net:[4026532272] /run/netns/a rw shared:1 - nsfs nsfs rw`.
fn of_line(line: &[u8]) -> Option<Bound> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = str::from_utf8(fields.nth(2)?).ok()?;
    let root = str::from_utf8(fields.next()?).ok()?;
    let path = unescaped(fields.next()?);
    let mut after = fields.skip_while(|field| *field != b"-");
    if after.nth(1)? != b"nsfs" {
        return None;
    }
    let (major, minor) = device.split_once(':')?;
    let dev = makedev(major.parse().ok()?, minor.parse().ok()?);
    let (kind, number) = root.split_once(":[")?;
    let ino = number.strip_suffix(']')?.parse().ok()?;
    let path = PathBuf::from(OsString::from_vec(path));
    Some(Bound { kind: kind.parse().ok()?, id: NamespaceId { dev, ino }, path })
}

/// Blanks, newlines and backslashes are three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, behind @ ..] = rest {
        let octal = behind.get(..3).and_then(|digits| str::from_utf8(digits).ok());
        let octal = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal.filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_found_among_mounts() {
        let text = b"22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
            36 22 0:4 net:[4026532272] /run/ns/a\\040b rw shared:9 master:2 - nsfs nsfs rw\n\
            37 22 0:4 mnt:[7] /run/m\\134\\012 rw - nsfs nsfs rw\n\
            38 22 0:4 what:[8] /run/what rw - nsfs nsfs rw\n\
            nonsense\n";
        let found = bound(text);
        assert_eq!(found.len(), 2);
        let id = NamespaceId { dev: makedev(0, 4), ino: 4_026_532_272 };
        let path = PathBuf::from("/run/ns/a b");
        assert_eq!(found[0], Bound { kind: Namespace::Net, id, path });
        assert_eq!(
            (found[1].kind, found[1].path.as_os_str()),
            (Namespace::Mnt, "/run/m\\\n".as_ref())
        );
    }

    #[test]
    fn a_backslash_that_escapes_nothing_stays() {
        assert_eq!(unescaped(br"a\04\x\0409"), b"a\\04\\x 9");
        assert_eq!(unescaped(b"\\"), b"\\");
    }
}
