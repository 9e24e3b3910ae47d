//! Flags as text: parse and print lists of names.

use core::fmt;

use bitflags::Flags;

use crate::Namespace;

/// The error from parsing a list of flags or namespaces: an entry is not a known name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownFlag {
    /// The position of the entry in the list, counted from 1.
    pub entry: usize,
}

impl fmt::Display for UnknownFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of the list is not the name of a flag or namespace", self.entry)
    }
}

impl core::error::Error for UnknownFlag {}

/// `text` without a leading `CLONE_`, in either case.
pub(crate) fn without_prefix(text: &str) -> &str {
    match text.split_at_checked("CLONE_".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("CLONE_") => rest,
        _ => text,
    }
}

pub(super) fn parse_list<F: Flags>(
    text: &str,
    parse_entry: impl Fn(&str) -> Option<F>,
) -> Result<F, UnknownFlag> {
    let mut all = F::empty();
    for (index, entry) in text.split(['|', ',']).map(str::trim).enumerate() {
        all.insert(parse_entry(entry).ok_or(UnknownFlag { entry: index + 1 })?);
    }
    Ok(all)
}

pub(super) fn parse_entry<F: Flags<Bits = u64>>(entry: &str) -> Option<F> {
    parse_number(entry)
        .and_then(F::from_bits)
        .or_else(|| by_name(without_prefix(entry)))
        .or_else(|| entry.parse().ok().and_then(|kind: Namespace| F::from_bits(kind.flag().bits())))
}

/// A number: `0x…`, or `0`, which `Display` prints for an empty set.
fn parse_number(entry: &str) -> Option<u64> {
    let digits = entry.strip_prefix("0x").or((entry == "0").then_some(entry))?;
    // `from_str_radix` would accept a sign.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    u64::from_str_radix(digits, 16).ok()
}

fn by_name<F: Flags<Bits = u64>>(name: &str) -> Option<F> {
    // One name of pyspaces differs from the man page.
    let name = if name.eq_ignore_ascii_case("settid") { "PARENT_SETTID" } else { name };
    let flag =
        F::FLAGS.iter().find(|flag| flag.is_named() && name.eq_ignore_ascii_case(flag.name()))?;
    Some(F::from_bits_retain(flag.value().bits()))
}

pub(super) fn write<F: Flags<Bits = u64>>(flags: &F, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut names = flags.iter_names();
    let mut separator = "";
    for (name, _) in names.by_ref() {
        write!(f, "{separator}CLONE_{name}")?;
        separator = " | ";
    }
    match names.remaining().bits() {
        0 if separator.is_empty() => f.write_str("0"),
        0 => Ok(()),
        unnamed => write!(f, "{separator}{unnamed:#x}"),
    }
}

/// Implement `Display` and `FromStr` for a type that uses the names of clone flags.
macro_rules! as_text {
    ($flags:ident) => {
        impl core::fmt::Display for $flags {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                crate::flags::text::write(self, f)
            }
        }

        impl core::str::FromStr for $flags {
            type Err = crate::flags::text::UnknownFlag;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                crate::flags::text::parse_list(text, crate::flags::text::parse_entry)
            }
        }
    };
}

pub(super) use as_text;
