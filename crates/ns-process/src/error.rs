//! What failed, where, on what, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use crate::errno;
use crate::step::{Side, Step};

/// A start, or something done with a started process, that failed.
///
/// One line of text: the process by name, the step, the object, the errno's name and a hint. The
/// errno's own text is [`source`](StdError::source), so that neither repeats the other.
///
/// ```
/// use ns_process::{Container, Side, Step};
///
/// let error = Container::new("no-such-program").start().unwrap_err();
/// assert_eq!((error.step(), error.side()), (Step::Exec, Side::Child));
/// assert!(error.to_string().contains("no-such-program"));
/// ```
pub struct Error(Box<Failure>);

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

    pub(crate) fn with_errno(mut self, errno: Errno) -> Self {
        self.0.errno = Some(errno);
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

    /// The process whose step that is.
    pub fn side(&self) -> Side {
        self.0.step.side()
    }

    /// What the kernel said; `None` where it was not asked.
    pub fn errno(&self) -> Option<Errno> {
        self.0.errno
    }

    /// What the step was about: a program, a map, a setter and what was given to it.
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// What to do about it, as far as the machine's own state tells.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { name, step, errno, object, hint } = &*self.0;
        write!(f, "{name}: {step}")?;
        if let Some(object) = object {
            write!(f, ": {object}")?;
        }
        if let Some(errno) = errno {
            write!(f, ": {}", errno::name(*errno))?;
        }
        if let Some(hint) = hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("message", &self.to_string())
            .field("step", &self.0.step)
            .field("side", &self.side())
            .field("errno", &self.0.errno)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.errno.as_ref().map(|errno| errno as &(dyn StdError + 'static))
    }
}
