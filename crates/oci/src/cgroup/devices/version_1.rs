//! Writes the rules to a cgroup of version 1.

use anyhow::{Context, Result};
use rustix::io::Errno;

use super::super::directory::Directory;
use super::exceptions::Exceptions;
use super::rules::{Access, Kind, Pattern};

/// Changes what the cgroup has to what is asked for.
///
/// A container that runs keeps the access that it has before and after.
pub(super) fn write(directory: &Directory, wanted: &Exceptions) -> Result<()> {
    let list = directory.read("devices.list").context("read devices.list")?;
    for (file, line) in changes(&list, wanted) {
        directory.write(file, &line).map_err(|errno| {
            let hint = match errno {
                Errno::PERM => {
                    "the cgroup above does not allow the device, or CAP_SYS_ADMIN is missing"
                }
                Errno::INVAL => "the cgroup has others below, which keeps it from a new default",
                _ => "the kernel refuses the rule",
            };
            anyhow::Error::new(errno).context(format!("write {line:?} to {file}: {hint}"))
        })?;
    }
    Ok(())
}

const ALLOW: &str = "devices.allow";
const DENY: &str = "devices.deny";

/// The lines to write, each with its file. `list` is `devices.list`, which does not show exceptions from `a *:* rwm`.
pub(super) fn changes(list: &str, wanted: &Exceptions) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut present: Vec<_> = list.lines().filter_map(parse).collect();
    if wanted.allow || list.lines().any(|line| line.starts_with('a')) {
        lines.push((if wanted.allow { ALLOW } else { DENY }, "a".to_owned()));
        present.clear();
    }
    let (add, take) = if wanted.allow { (DENY, ALLOW) } else { (ALLOW, DENY) };
    for (pattern, access) in &present {
        let gone = access.without(of(&wanted.list, pattern));
        lines.extend((!gone.is_empty()).then(|| (take, format!("{pattern} {gone}"))));
    }
    for (pattern, access) in &wanted.list {
        let new = access.without(of(&present, pattern));
        lines.extend((!new.is_empty()).then(|| (add, format!("{pattern} {new}"))));
    }
    lines
}

fn of(list: &[(Pattern, Access)], pattern: &Pattern) -> Access {
    list.iter().find(|(other, _)| other == pattern).map_or(Access(0), |(_, access)| *access)
}

/// Parses `c 1:* rw`.
fn parse(line: &str) -> Option<(Pattern, Access)> {
    let mut fields = line.split(' ');
    let kind = match fields.next()? {
        "b" => Kind::Block,
        "c" => Kind::Char,
        _ => return None,
    };
    let (major, minor) = fields.next()?.split_once(':')?;
    let number = |text: &str| if text == "*" { Some(None) } else { text.parse().ok().map(Some) };
    let (major, minor) = (number(major)?, number(minor)?);
    Some((Pattern { kind, major, minor }, Access::parse(fields.next()?)?))
}
