//! The names of errnos.

use std::io;

use ns_process::Errno;

/// The errnos of the calls that `space` itself makes. The library names those of a start.
const NAMES: [(Errno, &str); 18] = [
    (Errno::ACCESS, "EACCES"),
    (Errno::AGAIN, "EAGAIN"),
    (Errno::BADF, "EBADF"),
    (Errno::INTR, "EINTR"),
    (Errno::INVAL, "EINVAL"),
    (Errno::IO, "EIO"),
    (Errno::ISDIR, "EISDIR"),
    (Errno::LOOP, "ELOOP"),
    (Errno::MFILE, "EMFILE"),
    (Errno::NAMETOOLONG, "ENAMETOOLONG"),
    (Errno::NFILE, "ENFILE"),
    (Errno::NODEV, "ENODEV"),
    (Errno::NOENT, "ENOENT"),
    (Errno::NOSPC, "ENOSPC"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::NXIO, "ENXIO"),
    (Errno::PERM, "EPERM"),
    (Errno::SRCH, "ESRCH"),
];

/// Returns the name and the text of an errno, such as `ENOENT (No such file or directory)`.
pub(crate) fn text(error: &io::Error) -> String {
    let message = error.to_string();
    let message = without_number(&message);
    let errno = Errno::from_io_error(error);
    match errno.and_then(|errno| NAMES.iter().find(|(known, _)| *known == errno)) {
        Some((_, name)) => format!("{name} ({message})"),
        None => message.to_owned(),
    }
}

/// Removes the number from the text of an errno.
pub(super) fn without_number(text: &str) -> &str {
    text.split_once(" (os error").map_or(text, |(text, _)| text)
}
