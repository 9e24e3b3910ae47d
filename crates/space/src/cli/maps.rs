//! Options for user and group ID maps.

use clap::{Args, ValueEnum};
use ns_process::{Builder, GidMap, Setgroups, UidMap};

const HEADING: &str = "Maps";

/// The maps of a new user namespace.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub(crate) struct Maps {
    /// Map user IDs: 'INSIDE OUTSIDE LENGTH' or 'INSIDE:OUTSIDE:LENGTH', several of them separated by commas, or a
    /// list of IDs outside, which become 0, 1 and so on
    #[arg(short = 'M', long, value_name = "MAP")]
    uid: Option<UidMap>,
    /// Map group IDs, in the same form
    #[arg(short = 'G', long, value_name = "MAP")]
    gid: Option<GidMap>,
    /// Map the caller's user and group to root; without a map, both are nobody in a new user namespace
    #[arg(short = 'z', long, conflicts_with_all = ["uid", "gid"])]
    id: bool,
    /// Deny setgroups(2) in the namespace if the kernel requires it (auto, the default) or always (deny), or leave
    /// it unchanged (keep)
    #[arg(long, value_name = "MODE", default_value = "auto", hide_default_value = true)]
    setgroups: SetgroupsMode,
}

/// The values of `--setgroups`, as [`Setgroups`].
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SetgroupsMode {
    Auto,
    Deny,
    Keep,
}

impl Maps {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        if let Some(map) = &self.uid {
            builder.uid_map(map.clone());
        }
        if let Some(map) = &self.gid {
            builder.gid_map(map.clone());
        }
        if self.id {
            builder.map_zero();
        }
        builder.setgroups(match self.setgroups {
            SetgroupsMode::Auto => Setgroups::Auto,
            SetgroupsMode::Deny => Setgroups::Deny,
            SetgroupsMode::Keep => Setgroups::Keep,
        });
    }
}

/// Map options of `inject`, which are parsed only to be rejected with a reason.
#[derive(Debug, Args)]
pub(crate) struct RefusedMaps {
    #[arg(short = 'M', long, hide = true)]
    uid: Option<String>,
    #[arg(short = 'G', long, hide = true)]
    gid: Option<String>,
    #[arg(short = 'z', long, hide = true)]
    id: bool,
}

impl RefusedMaps {
    /// Returns the first map option on the command line.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options =
            [(self.uid.is_some(), "--uid"), (self.gid.is_some(), "--gid"), (self.id, "--id")];
        options.into_iter().find_map(|(given, option)| given.then_some(option))
    }
}
