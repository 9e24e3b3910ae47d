//! Options for capabilities and other restrictions.

use std::ffi::OsString;

use clap::Args;
use ns_process::{BpfInstruction, Builder, CapabilitySet};

use super::quick::{Quick, Words, flag, once};
use crate::descriptor;
use crate::failure::Failure;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Privileges")]
pub(crate) struct Privileges {
    /// Set the supplementary groups, numbers inside, separated by commas
    #[arg(long, value_name = "GID", value_delimiter = ',', value_parser = group)]
    groups: Vec<u32>,
    /// Run the program without supplementary groups
    #[arg(long, conflicts_with = "groups")]
    clear_groups: bool,
    /// Let no program gain privileges from its file, such as set-user-ID programs
    #[arg(long)]
    no_new_privs: bool,
    /// Drop capabilities, such as net_raw,sys_admin, or all; also from the bounding set
    #[arg(long, value_name = "CAP", alias = "cap-drop", value_delimiter = ',',
          value_parser = dropped)]
    drop_cap: Vec<CapabilitySet>,
    /// Keep capabilities, also for a program that is not root; with --drop-cap all, only these are left
    #[arg(long, value_name = "CAP", alias = "cap-add", value_delimiter = ',', value_parser = kept)]
    keep_cap: Vec<CapabilitySet>,
    /// Install the compiled seccomp filter that descriptor FD contains; implies --no-new-privs
    #[arg(long, value_name = "FD")]
    seccomp: Option<String>,
    /// Set the security label: an AppArmor profile or an SELinux context
    #[arg(long, value_name = "LABEL")]
    exec_label: Option<OsString>,
}

impl Privileges {
    /// Sets the restrictions. Reads the descriptor of `--seccomp`.
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        if self.no_new_privs || self.seccomp.is_some() {
            builder.no_new_privs();
        }
        if self.clear_groups || !self.groups.is_empty() {
            builder.groups(self.groups.iter().copied());
        }
        if let Some(label) = &self.exec_label {
            builder.exec_label(label);
        }
        let union = |sets: &[CapabilitySet]| {
            sets.iter().fold(CapabilitySet::empty(), |all, set| all | *set)
        };
        let (dropped, kept) = (union(&self.drop_cap), union(&self.keep_cap));
        let both = dropped & kept;
        if dropped == CapabilitySet::all() {
            builder.keep_only(kept);
        } else if both.is_empty() {
            builder.drop_capabilities(dropped).keep_capabilities(kept);
        } else {
            let names: Vec<_> = both.iter_names().map(|(name, _)| name.to_lowercase()).collect();
            let reason = format!("--keep-cap: {} is dropped as well", names.join(","));
            return Err(Failure::Refused(reason));
        }
        if let Some(number) = &self.seccomp {
            let filter = filter(number)
                .map_err(|reason| Failure::Refused(format!("--seccomp: {reason}")))?;
            builder.seccomp(filter);
        }
        Ok(())
    }
}

fn group(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number < u32::MAX);
    number.ok_or_else(|| format!("{text:?} is not a group ID; write a number"))
}

fn dropped(text: &str) -> Result<CapabilitySet, String> {
    if text.eq_ignore_ascii_case("all") { Ok(CapabilitySet::all()) } else { kept(text) }
}

/// Parses the name of a capability, with or without `CAP_`.
fn kept(text: &str) -> Result<CapabilitySet, String> {
    let name = text.to_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    CapabilitySet::from_name(name)
        .ok_or_else(|| format!("{text:?} is not a capability; see capabilities(7)"))
}

/// Reads a program of `struct sock_filter` in the byte order of the machine.
fn filter(number: &str) -> Result<Vec<BpfInstruction>, String> {
    let bytes = descriptor::contents(number.as_ref())?;
    let instructions = bytes.chunks(8).map(instruction).collect::<Option<Vec<_>>>();
    let instructions = instructions.filter(|all| !all.is_empty());
    instructions.ok_or_else(|| {
        format!(
            "descriptor {number} contains {} bytes, which is not a compiled filter",
            bytes.len()
        )
    })
}

fn instruction(bytes: &[u8]) -> Option<BpfInstruction> {
    let [c0, c1, jt, jf, k @ ..]: [u8; 8] = bytes.try_into().ok()?;
    let code = u16::from_ne_bytes([c0, c1]);
    Some(BpfInstruction { code, jt, jf, k: u32::from_ne_bytes(k) })
}

impl Quick for Privileges {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        let list = |text: &str, parse: fn(&str) -> Result<CapabilitySet, String>| {
            text.split(',').map(parse).collect::<Result<Vec<_>, _>>()
        };
        match name {
            "groups" => {
                let list = |text: &str| {
                    text.split(',').map(str::parse::<u32>).collect::<Result<Vec<_>, _>>()
                };
                self.groups.extend(words.parsed(list)?);
                Some(())
            }
            "clear-groups" => flag(&mut self.clear_groups),
            "exec-label" => once(&mut self.exec_label, words.value().map(OsString::from)),
            "no-new-privs" => flag(&mut self.no_new_privs),
            "drop-cap" | "cap-drop" => {
                self.drop_cap.extend(words.parsed(|text| list(text, dropped))?);
                Some(())
            }
            "keep-cap" | "cap-add" => {
                self.keep_cap.extend(words.parsed(|text| list(text, kept))?);
                Some(())
            }
            "seccomp" => once(&mut self.seccomp, words.parsed(str::parse)),
            _ => None,
        }
    }
}

impl Privileges {
    /// Whether options exclude each other.
    pub(super) fn has_conflict(&self) -> bool {
        self.clear_groups && !self.groups.is_empty()
    }
}
