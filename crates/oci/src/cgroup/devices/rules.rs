//! The rules in one form.

use std::fmt;
use std::ops::BitOr;

use anyhow::{Context, Result, bail};
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

/// Read, write and mknod, as bits of the kernel (`BPF_DEVCG_ACC_…`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Access(pub(crate) u8);

impl Access {
    pub(crate) const MKNOD: Self = Self(1);
    pub(crate) const READ: Self = Self(2);
    pub(crate) const WRITE: Self = Self(4);
    pub(crate) const ALL: Self = Self(7);
    pub(crate) const OPEN: Self = Self(6);

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.and(other) == other
    }

    /// Parses `rwm`, in any order.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let access = text.chars().try_fold(Self(0), |access, letter| {
            Some(access | Self::LETTERS.iter().find(|(other, _)| *other == letter)?.1)
        });
        access.filter(|access| !access.is_empty())
    }

    const LETTERS: [(char, Self); 3] = [('r', Self::READ), ('w', Self::WRITE), ('m', Self::MKNOD)];
}

impl BitOr for Access {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = Self::LETTERS.iter().filter(|(_, access)| self.has(*access));
        letters.map(|(letter, _)| letter).try_for_each(|letter| write!(f, "{letter}"))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Block,
    Char,
}

/// The devices that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern {
    pub(crate) kind: Kind,
    /// `None` for all.
    pub(crate) major: Option<u32>,
    pub(crate) minor: Option<u32>,
}

impl Pattern {
    /// The devices of both.
    pub(crate) fn overlap(&self, other: &Self) -> Option<Self> {
        let both = |a: Option<u32>, b: Option<u32>| match (a, b) {
            (Some(a), Some(b)) if a != b => None,
            (a, b) => Some(a.or(b)),
        };
        let (major, minor) = (both(self.major, other.major)?, both(self.minor, other.minor)?);
        (self.kind == other.kind).then_some(Self { kind: self.kind, major, minor })
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.overlap(other) == Some(*other)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Block { 'b' } else { 'c' };
        let text = |number: Option<u32>| number.map_or("*".to_owned(), |number| number.to_string());
        write!(f, "{kind} {}:{}", text(self.major), text(self.minor))
    }
}

/// A rule of the configuration for one kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) allow: bool,
    pub(crate) pattern: Pattern,
    pub(crate) access: Access,
}

/// What holds for all devices, and the rules after that, none of which is without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) allow: bool,
    pub(crate) rules: Vec<Rule>,
}

impl Rules {
    pub(crate) fn new(devices: &[LinuxDeviceCgroup]) -> Result<Self> {
        let mut all = Self { allow: false, rules: Vec::new() };
        for (index, device) in devices.iter().enumerate() {
            all.add(device).with_context(|| format!("linux.resources.devices[{index}]"))?;
        }
        all.drop_hidden();
        Ok(all)
    }

    fn add(&mut self, device: &LinuxDeviceCgroup) -> Result<()> {
        let allow = device.allow();
        let (major, minor) = (number(device.major())?, number(device.minor())?);
        let access = device.access().as_deref().unwrap_or_default();
        let Some(access) = Access::parse(access) else {
            bail!("the access {access:?} is not made of the letters r, w and m");
        };
        let kinds: &[Kind] = match device.typ().unwrap_or(LinuxDeviceType::A) {
            LinuxDeviceType::A if (major, minor, access) == (None, None, Access::ALL) => {
                *self = Self { allow, rules: Vec::new() };
                return Ok(());
            }
            LinuxDeviceType::A => &[Kind::Block, Kind::Char],
            LinuxDeviceType::B => &[Kind::Block],
            LinuxDeviceType::C | LinuxDeviceType::U => &[Kind::Char],
            LinuxDeviceType::P => bail!("the type p is no device; use a, b, c or u"),
        };
        let rule =
            |kind: &Kind| Rule { allow, pattern: Pattern { kind: *kind, major, minor }, access };
        self.rules.extend(kinds.iter().map(rule));
        Ok(())
    }

    /// Drops what later rules decide, and what says the same as before.
    fn drop_hidden(&mut self) {
        let mut kept: Vec<Rule> = Vec::new();
        for mut rule in self.rules.drain(..).rev() {
            for later in kept.iter().filter(|later| later.pattern.contains(&rule.pattern)) {
                rule.access = rule.access.without(later.access);
            }
            if !rule.access.is_empty() {
                kept.push(rule);
            }
        }
        let opposite = |rule: &Rule| rule.allow != self.allow;
        let first = kept.iter().rev().position(opposite).unwrap_or(kept.len());
        self.rules = kept.into_iter().rev().skip(first).collect();
    }
}

/// `None` for all numbers: the field is missing or -1.
fn number(number: Option<i64>) -> Result<Option<u32>> {
    match number {
        None | Some(-1) => Ok(None),
        Some(number) => {
            let valid = u32::try_from(number);
            Ok(Some(valid.with_context(|| format!("{number} is no device number"))?))
        }
    }
}
