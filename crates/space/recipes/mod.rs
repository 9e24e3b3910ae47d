//! Everyday jobs: a line for each, and the line of the command that it replaces.
//!
//! The manual page space-recipes(7) is made of this list, and `tests/jobs.rs` runs it: both lines of a job have the
//! same result.
#![allow(dead_code, reason = "the test and the page use different parts")]

mod existing;
mod files;
mod ids;
mod new;
mod page;
mod program;

pub(crate) use page::page;

/// Jobs of one kind.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) jobs: &'static [Job],
}

/// The sections of the page, in order.
pub(crate) const SECTIONS: [Section; 5] =
    [ids::SECTION, new::SECTION, existing::SECTION, files::SECTION, program::SECTION];

/// Each line is one of sh(1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// The effect, as a heading.
    pub(crate) title: &'static str,
    pub(crate) line: &'static str,
    /// The line of another command.
    pub(crate) other: &'static str,
    /// A line that shows the result, if the line itself does not print it.
    pub(crate) shown_by: Option<&'static str>,
    /// The output, in which the shell expands variables and commands.
    pub(crate) prints: &'static str,
    pub(crate) status: i32,
    /// Whether an ordinary user cannot do it.
    pub(crate) needs_root: bool,
}

const fn job(
    title: &'static str,
    line: &'static str,
    other: &'static str,
    prints: &'static str,
) -> Job {
    Job { title, line, other, shown_by: None, prints, status: 0, needs_root: false }
}

impl Job {
    const fn status(self, status: i32) -> Self {
        Self { status, ..self }
    }

    const fn shown_by(self, line: &'static str) -> Self {
        Self { shown_by: Some(line), ..self }
    }

    const fn needs_root(self) -> Self {
        Self { needs_root: true, ..self }
    }
}
