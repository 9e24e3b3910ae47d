//! User and group id maps.

use clap::{Args, ValueEnum};
use ns_process::{Builder, GidMap, Setgroups, UidMap};

const HEADING: &str = "Maps";

/// Those of a new user namespace.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub(crate) struct Maps {
    /// Which user ids are which inside: '0 1000 1', '1000' (which becomes 0), '0 1000 1,1 100000 65536'
    #[arg(short = 'M', long, value_name = "MAP")]
    uid: Option<UidMap>,
    /// Which group ids are which inside
    #[arg(short = 'G', long, value_name = "MAP")]
    gid: Option<GidMap>,
    /// The caller becomes root inside: user and group; without any map it is nobody there
    #[arg(short = 'z', long, conflicts_with_all = ["uid", "gid"])]
    id: bool,
    /// Whether setgroups(2) is denied inside: where the kernel demands it, always, or as it is
    #[arg(long, value_name = "WORD", default_value = "auto", hide_default_value = true)]
    setgroups: Wish,
}

/// As [`Setgroups`], by its words.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wish {
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
            Wish::Auto => Setgroups::Auto,
            Wish::Deny => Setgroups::Deny,
            Wish::Keep => Setgroups::Keep,
        });
    }
}

/// Known to `inject` only to be refused with the reason.
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
    /// The option that was given all the same.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options =
            [(self.uid.is_some(), "--uid"), (self.gid.is_some(), "--gid"), (self.id, "--id")];
        options.into_iter().find_map(|(given, option)| given.then_some(option))
    }
}
