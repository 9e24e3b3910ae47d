//! Options for user and group IDs and their maps.

use clap::{Args, ValueEnum};
use ns_process::{Builder, Extent, GidMap, NamespaceFlags, Setgroups, UidMap};
use rustix::process::{getegid, geteuid};

use super::quick::{Quick, Words, flag, once};
use crate::failure::Failure;

const HEADING: &str = "Maps";

/// The IDs of the program.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = HEADING)]
pub(crate) struct Ids {
    /// Set the user ID of the program inside; in a new user namespace without a map, the caller's user gets this ID
    #[arg(long, value_name = "UID", value_parser = id)]
    uid: Option<u32>,
    /// Set the group ID of the program inside, as with --uid
    #[arg(long, value_name = "GID", value_parser = id)]
    gid: Option<u32>,
}

/// The maps of a new user namespace.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = HEADING)]
pub(crate) struct Maps {
    /// Map the caller's user and group to root; without a map, both are nobody in a new user namespace
    #[arg(short = 'z', long, aliases = ["map-zero", "map-root-user"],
          conflicts_with_all = ["uid_map", "gid_map", "map_same"])]
    id: bool,
    /// Map the caller's user and group to root, and the IDs that /etc/subuid and /etc/subgid delegate to 1 and so on
    #[arg(long, conflicts_with_all = ["uid_map", "gid_map", "map_same"])]
    map_auto: bool,
    /// Map the caller's user and group to themselves
    #[arg(long, alias = "map-current-user", conflicts_with_all = ["uid_map", "gid_map"])]
    map_same: bool,
    /// Map user IDs: 'INSIDE OUTSIDE LENGTH' or 'INSIDE:OUTSIDE:LENGTH', several of them separated by commas, or a
    /// list of IDs outside, which become 0, 1 and so on
    #[arg(short = 'M', long, value_name = "MAP")]
    uid_map: Option<UidMap>,
    /// Map group IDs, in the same form
    #[arg(short = 'G', long, value_name = "MAP")]
    gid_map: Option<GidMap>,
    /// Deny setgroups(2) in the namespace if the kernel requires it (auto, the default) or always (deny), or leave
    /// it unchanged (keep)
    #[arg(long, value_name = "MODE", default_value = "auto", hide_default_value = true)]
    setgroups: SetgroupsMode,
}

/// The values of `--setgroups`, as [`Setgroups`].
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SetgroupsMode {
    #[default]
    Auto,
    Deny,
    // The word of unshare(1).
    #[value(alias = "allow")]
    Keep,
}

impl Ids {
    pub(crate) fn apply<Kind>(self, builder: &mut Builder<Kind>) {
        if let Some(uid) = self.uid {
            builder.uid(uid);
        }
        if let Some(gid) = self.gid {
            builder.gid(gid);
        }
    }

    pub(crate) fn are_given(self) -> bool {
        self.uid.is_some() || self.gid.is_some()
    }
}

impl Maps {
    /// Sets the maps and the IDs, after the namespaces.
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>, ids: Ids) -> Result<(), Failure> {
        // --map-auto maps the caller to root too.
        if self.id && !self.map_auto {
            builder.map_zero();
        }
        if self.map_auto {
            builder.map_auto();
        }
        if self.map_same {
            builder.map_same();
        }
        if let Some(map) = &self.uid_map {
            builder.uid_map(map.clone());
        }
        if let Some(map) = &self.gid_map {
            builder.gid_map(map.clone());
        }
        if ids.are_given() && !self.are_given() {
            map_caller(builder, ids)?;
        }
        ids.apply(builder);
        builder.setgroups(match self.setgroups {
            SetgroupsMode::Auto => Setgroups::Auto,
            SetgroupsMode::Deny => Setgroups::Deny,
            SetgroupsMode::Keep => Setgroups::Keep,
        });
        Ok(())
    }

    /// Returns the options that describe the maps of users and groups.
    pub(crate) fn options(&self, ids: Ids) -> [&'static str; 2] {
        let both =
            [(self.map_auto, "--map-auto"), (self.id, "--id"), (self.map_same, "--map-same")];
        if let Some((_, option)) = both.into_iter().find(|(is_given, _)| *is_given) {
            return [option, option];
        }
        let uid = if self.uid_map.is_none() && ids.are_given() { "--uid" } else { "--uid-map" };
        let gid = if self.gid_map.is_none() && ids.are_given() { "--gid" } else { "--gid-map" };
        [uid, gid]
    }

    pub(crate) fn are_given(&self) -> bool {
        let any_map = self.uid_map.is_some() || self.gid_map.is_some();
        any_map || self.id || self.map_auto || self.map_same
    }
}

/// Maps the caller's IDs to the requested ones; an ID that is not requested is mapped to itself.
fn map_caller<Kind>(builder: &mut Builder<Kind>, ids: Ids) -> Result<(), Failure> {
    if !builder.get_namespaces().contains(NamespaceFlags::USER) {
        return Ok(());
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let extent = |inside, outside| [Extent { inside, outside, length: 1 }];
    let uids = UidMap::new(extent(ids.uid.unwrap_or(uid), uid));
    let gids = GidMap::new(extent(ids.gid.unwrap_or(gid), gid));
    builder.uid_map(uids.map_err(|error| Failure::Refused(format!("--uid: {error}")))?);
    builder.gid_map(gids.map_err(|error| Failure::Refused(format!("--gid: {error}")))?);
    Ok(())
}

/// Parses a user or group ID. 4294967295 is the value "no change" of setresuid(2).
fn id(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(number) if number < u32::MAX => Ok(number),
        _ if text.contains([' ', ',', ':']) => Err("not an ID; --uid-map and --gid-map take maps"),
        _ => Err("not an ID"),
    }
}

/// Map options of `inject`, which are parsed only to be rejected with a reason.
#[derive(Debug, Default, Args)]
pub(crate) struct RefusedMaps {
    #[arg(short = 'M', long, hide = true)]
    uid_map: Option<String>,
    #[arg(short = 'G', long, hide = true)]
    gid_map: Option<String>,
    #[arg(short = 'z', long, aliases = ["map-zero", "map-root-user"], hide = true)]
    id: bool,
    #[arg(long, hide = true)]
    map_auto: bool,
    #[arg(long, alias = "map-current-user", hide = true)]
    map_same: bool,
}

impl RefusedMaps {
    /// Returns the first map option on the command line.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [
            (self.uid_map.is_some(), "--uid-map"),
            (self.gid_map.is_some(), "--gid-map"),
            (self.id, "--id"),
            (self.map_auto, "--map-auto"),
            (self.map_same, "--map-same"),
        ];
        options.into_iter().find_map(|(given, option)| given.then_some(option))
    }
}

impl Quick for Ids {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "uid" => once(&mut self.uid, words.parsed(id)),
            "gid" => once(&mut self.gid, words.parsed(id)),
            _ => None,
        }
    }
}

impl Quick for Maps {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "id" | "map-zero" | "map-root-user" => flag(&mut self.id),
            "map-auto" => flag(&mut self.map_auto),
            "map-same" | "map-current-user" => flag(&mut self.map_same),
            "uid-map" => once(&mut self.uid_map, words.parsed(str::parse)),
            "gid-map" => once(&mut self.gid_map, words.parsed(str::parse)),
            "setgroups" => {
                self.setgroups = words.parsed(|mode| SetgroupsMode::from_str(mode, false))?;
                Some(())
            }
            _ => None,
        }
    }
}

impl Maps {
    /// Whether options exclude each other.
    pub(super) fn has_conflict(&self) -> bool {
        let any_map = self.uid_map.is_some() || self.gid_map.is_some();
        let kinds = [self.id || self.map_auto, self.map_same, any_map];
        kinds.iter().filter(|is_given| **is_given).count() > 1
    }
}
