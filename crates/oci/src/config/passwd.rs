//! The file /etc/passwd, passwd(5).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ns_fs::resolve_in_root;
use rustix::fs::{CWD, Mode, OFlags, openat};

/// Longer files are cut off: the file belongs to the image.
const MAX: u64 = 1 << 20;

/// The text of /etc/passwd in a root directory; no symbolic link leads out of it.
pub(super) fn read_in(rootfs: &Path) -> io::Result<String> {
    use std::os::fd::AsRawFd;
    let root = File::open(rootfs)?;
    let file = resolve_in_root(&root, "/etc/passwd")?;
    // A FIFO must not block, and a device must not be opened.
    let is_file = File::from(file.try_clone()?).metadata()?.is_file();
    if !is_file {
        return Ok(String::new());
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = Vec::new();
    File::from(file).take(MAX).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The name of a user.
pub(crate) fn name_of(passwd: &str, uid: u32) -> Option<&str> {
    field(passwd, uid, 0)
}

/// The home directory of a user.
pub(super) fn home_of(passwd: &str, uid: u32) -> Option<&str> {
    field(passwd, uid, 5).filter(|home| !home.is_empty())
}

fn field(passwd: &str, uid: u32, index: usize) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let is_it = line.split(':').nth(2)?.parse() == Ok(uid);
        if is_it { line.split(':').nth(index) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::{home_of, name_of};

    #[test]
    fn lines_that_are_too_short_are_skipped() {
        let text = "\nx:y\nroot:x:0:0::/root:/bin/sh\na:x:7:7:::\nlong:x:70:1::/h";
        assert_eq!((name_of(text, 0), home_of(text, 0)), (Some("root"), Some("/root")));
        assert_eq!((name_of(text, 7), home_of(text, 7)), (Some("a"), None));
        assert_eq!((name_of(text, 70), home_of(text, 70)), (Some("long"), Some("/h")));
        assert_eq!(name_of(text, 1), None);
    }
}
