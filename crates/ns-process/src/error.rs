//! The error of a start or of an operation on a process.

use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use crate::step::{Side, Step};

/// The error of a start, or of an operation on a started process.
///
/// `Display` is one line: the name of the process, the step, the object, the name of the errno, and a hint.
/// [`source`](StdError::source) is the errno with its own text, which `Display` does not repeat.
///
/// ```
/// use ns_process::{Container, Side, Step};
///
/// let error = Container::new("no-such-program").start().unwrap_err();
/// assert_eq!((error.step(), error.side()), (Step::Exec, Side::Child));
/// assert!(error.to_string().contains("no-such-program"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Failure>);

#[derive(Clone)]
struct Failure {
    name: String,
    step: Step,
    errno: Option<Errno>,
    object: Option<String>,
    hint: Option<String>,
}

impl Error {
    pub(crate) fn new(name: &str, step: Step) -> Self {
        let name = name.to_owned();
        Self(Box::new(Failure { name, step, errno: None, object: None, hint: None }))
    }

    pub(crate) fn with_errno(mut self, errno: impl Into<Option<Errno>>) -> Self {
        self.0.errno = errno.into();
        self
    }

    pub(crate) fn with_object(mut self, object: impl Into<String>) -> Self {
        self.0.object = Some(object.into());
        self
    }

    pub(crate) fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.0.hint = hint.map(Into::into);
        self
    }

    /// The step that failed.
    pub fn step(&self) -> Step {
        self.0.step
    }

    /// The process that the step belongs to.
    pub fn side(&self) -> Side {
        self.0.step.side()
    }

    /// The errno; `None` if the error does not come from a system call.
    pub fn errno(&self) -> Option<Errno> {
        self.0.errno
    }

    /// The object of the step: a program, a map, or a setter and its value.
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// What to do about the error, from the state of the machine.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { name, step, errno, object, hint } = &*self.0;
        // The name, the object and the hint may contain line breaks.
        write!(f, "{}: {step}", OneLine(name))?;
        if let Some(object) = object {
            write!(f, ": {}", OneLine(object))?;
        }
        if let Some(errno) = errno {
            match ERRNO_NAMES.iter().find(|(known, _)| known == errno) {
                Some((_, name)) => write!(f, ": {name}")?,
                None => write!(f, ": errno {}", errno.raw_os_error())?,
            }
        }
        if let Some(hint) = hint {
            write!(f, " ({})", OneLine(hint))?;
        }
        Ok(())
    }
}

/// Displays a text on one line, with its control characters escaped.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| {
            if char.is_control() {
                write!(f, "{}", char.escape_default())
            } else {
                f.write_char(char)
            }
        })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `main` prints a returned error by `Debug`.
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.errno.as_ref().map(|errno| errno as &(dyn StdError + 'static))
    }
}

/// The names of errno(3), which users search for.
const ERRNO_NAMES: &[(Errno, &str)] = &[
    (Errno::PERM, "EPERM"),
    (Errno::NOENT, "ENOENT"),
    (Errno::SRCH, "ESRCH"),
    (Errno::INTR, "EINTR"),
    (Errno::IO, "EIO"),
    (Errno::NXIO, "ENXIO"),
    (Errno::TOOBIG, "E2BIG"),
    (Errno::NOEXEC, "ENOEXEC"),
    (Errno::BADF, "EBADF"),
    (Errno::CHILD, "ECHILD"),
    (Errno::AGAIN, "EAGAIN"),
    (Errno::NOMEM, "ENOMEM"),
    (Errno::ACCESS, "EACCES"),
    (Errno::FAULT, "EFAULT"),
    (Errno::FBIG, "EFBIG"),
    (Errno::BUSY, "EBUSY"),
    (Errno::EXIST, "EEXIST"),
    (Errno::XDEV, "EXDEV"),
    (Errno::NODEV, "ENODEV"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::ISDIR, "EISDIR"),
    (Errno::INVAL, "EINVAL"),
    (Errno::NFILE, "ENFILE"),
    (Errno::MFILE, "EMFILE"),
    (Errno::NOTTY, "ENOTTY"),
    (Errno::TXTBSY, "ETXTBSY"),
    (Errno::NOSPC, "ENOSPC"),
    (Errno::ROFS, "EROFS"),
    (Errno::PIPE, "EPIPE"),
    (Errno::RANGE, "ERANGE"),
    (Errno::NAMETOOLONG, "ENAMETOOLONG"),
    (Errno::NOSYS, "ENOSYS"),
    (Errno::LOOP, "ELOOP"),
    (Errno::LIBBAD, "ELIBBAD"),
    (Errno::USERS, "EUSERS"),
    (Errno::OVERFLOW, "EOVERFLOW"),
    (Errno::AFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::PROTO, "EPROTO"),
    (Errno::NOTSOCK, "ENOTSOCK"),
    (Errno::PROTOTYPE, "EPROTOTYPE"),
    (Errno::OPNOTSUPP, "EOPNOTSUPP"),
    (Errno::STALE, "ESTALE"),
    (Errno::CONNRESET, "ECONNRESET"),
    (Errno::CONNREFUSED, "ECONNREFUSED"),
    (Errno::TIMEDOUT, "ETIMEDOUT"),
    (Errno::CANCELED, "ECANCELED"),
];
