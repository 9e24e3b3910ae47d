//! Values for the files of a controller.

use anyhow::{Error, Result};
use rustix::io::Errno;

use super::directory::Directory;
use super::place::Version;

/// A value for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) file: String,
    pub(super) value: Value,
    pub(super) missing: Missing,
}

/// The text that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// The first word that the file has, and this one.
    KeepFirst(String),
}

/// What a missing file means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Error,
    /// What is asked for holds without the file.
    Ignore,
    /// Another kernel has it under another name or in another unit.
    Instead(Box<Write>),
}

#[expect(clippy::needless_pass_by_value, reason = "callers give numbers and texts")]
impl Write {
    pub(super) fn new(file: impl Into<String>, value: impl ToString) -> Self {
        Self { file: file.into(), value: Value::Text(value.to_string()), missing: Missing::Error }
    }

    pub(super) fn keeping_first(file: &str, second: impl ToString) -> Self {
        Self { value: Value::KeepFirst(second.to_string()), ..Self::new(file, "") }
    }

    pub(super) fn or_ignore(self) -> Self {
        Self { missing: Missing::Ignore, ..self }
    }

    pub(super) fn or_instead(self, other: Self) -> Self {
        Self { missing: Missing::Instead(Box::new(other)), ..self }
    }

    fn perform(&self, directory: &Directory) -> Result<(), Errno> {
        let written = match &self.value {
            Value::Text(text) => directory.write(&self.file, text),
            Value::KeepFirst(second) => directory.read(&self.file).and_then(|text| {
                let first = text.split_whitespace().next().unwrap_or_default();
                directory.write(&self.file, &format!("{first} {second}"))
            }),
        };
        match (written, &self.missing) {
            (Err(Errno::NOENT), Missing::Ignore) => Ok(()),
            (Err(Errno::NOENT), Missing::Instead(other)) => other.perform(directory),
            (written, _) => written,
        }
    }

    fn text(&self) -> &str {
        match &self.value {
            Value::Text(text) | Value::KeepFirst(text) => text,
        }
    }
}

/// The values for one field of `linux.resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The field, below `linux.resources`.
    pub(super) field: &'static str,
    /// Its name in version 1.
    pub(super) controller: &'static str,
    pub(super) version: Version,
    pub(super) writes: Vec<Write>,
}

impl Group {
    /// Writes all values.
    ///
    /// The kernel compares limits with each other, such as memory with memory and swap, and refuses what does not fit
    /// the present value of the other. So what it refuses is written again after the others.
    pub(super) fn apply(&self, directory: &Directory) -> Result<()> {
        let mut left: Vec<&Write> = self.writes.iter().collect();
        loop {
            let before = left.len();
            let mut refused = None;
            let mut again = Vec::new();
            for write in left {
                match write.perform(directory) {
                    Ok(()) => {}
                    Err(errno @ Errno::INVAL) => {
                        refused.get_or_insert((write, errno));
                        again.push(write);
                    }
                    Err(errno) => return Err(self.error(write, errno, directory)),
                }
            }
            match refused {
                None => return Ok(()),
                Some((write, errno)) if again.len() == before => {
                    return Err(self.error(write, errno, directory));
                }
                Some(_) => left = again,
            }
        }
    }

    /// The controllers of version 2 that have the files: those of `unified` begin with the name of theirs.
    pub(super) fn controllers(&self) -> Vec<String> {
        match self.controller {
            "" => self.writes.iter().map(|write| prefix(&write.file).to_owned()).collect(),
            "blkio" => vec!["io".to_owned()],
            name => vec![name.to_owned()],
        }
    }

    fn error(&self, write: &Write, errno: Errno, directory: &Directory) -> Error {
        let hint = self.hint(&write.file, errno, directory);
        let (file, text) = (directory.file(&write.file), write.text());
        let set = format!("set linux.resources.{}: write {text} to {file}: {hint}", self.field);
        Error::new(errno).context(set)
    }

    fn hint(&self, file: &str, errno: Errno, directory: &Directory) -> String {
        let hint = match errno {
            Errno::NOENT | Errno::PERM | Errno::ACCESS if self.version == Version::Two => {
                return hint_of_version_2(file, directory);
            }
            Errno::NOENT => {
                "this kernel has no such file: it was built or booted without the feature"
            }
            Errno::PERM | Errno::ACCESS => "needs permission to write the file",
            Errno::BUSY => "more is in use already; choose a higher limit",
            Errno::NODEV | Errno::NXIO => "no such device, or its driver has no such limit",
            Errno::ROFS => "the cgroup file system is mounted read-only",
            _ => "the kernel, or a limit of the cgroup above, does not allow this value",
        };
        hint.to_owned()
    }
}

fn hint_of_version_2(file: &str, directory: &Directory) -> String {
    let controller = prefix(file);
    let text = directory.read("cgroup.controllers").unwrap_or_default();
    if controller == "cgroup" || text.split_whitespace().any(|name| name == controller) {
        return "this kernel has no such file, or needs permission to write it".to_owned();
    }
    format!(
        "the controller {controller} is not available there; enable it in cgroup.subtree_control of the cgroups above"
    )
}

fn prefix(file: &str) -> &str {
    file.split('.').next().unwrap_or_default()
}
