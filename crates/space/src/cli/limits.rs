//! Options for resource limits, priorities and the cgroup.

use std::fs::File;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;
use ns_process::{Builder, Resource};

use super::number::{octal, within};
use super::quick::{Quick, Words, add, once};
use crate::failure::{Failure, errno};

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Limit a resource of getrlimit(2), such as nofile=64:128; without HARD, both limits are SOFT; limits are
    /// plain numbers, of bytes for sizes, or unlimited
    #[arg(long, value_name = "NAME=SOFT[:HARD]", value_parser = rlimit)]
    rlimit: Vec<Limit>,
    /// Set the nice value, from -20 to 19
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = |text: &str| within(text, -20, 19))]
    nice: Option<i32>,
    /// Set the file mode mask, an octal number
    #[arg(long, value_name = "MODE", value_parser = umask)]
    umask: Option<u32>,
    /// Set the adjustment of the OOM score, from -1000 to 1000
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = |text: &str| within(text, -1000, 1000))]
    oom_score_adj: Option<i32>,
    /// Start the program in the cgroup (version 2) of directory DIR
    #[arg(long, value_name = "DIR")]
    cgroup_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    resource: Resource,
    soft: u64,
    hard: u64,
}

impl Limits {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        for Limit { resource, soft, hard } in &self.rlimit {
            builder.rlimit(*resource, *soft, *hard);
        }
        if let Some(nice) = self.nice {
            builder.nice(nice);
        }
        if let Some(mask) = self.umask {
            builder.umask(mask);
        }
        if let Some(adjustment) = self.oom_score_adj {
            builder.oom_score_adj(adjustment);
        }
        if let Some(path) = &self.cgroup_dir {
            let directory = File::open(path).map_err(|error| {
                Failure::Refused(format!(
                    "--cgroup-dir {}: {}",
                    path.display(),
                    errno::text(&error)
                ))
            })?;
            builder.cgroup(directory);
        }
        Ok(())
    }
}

/// The names are those of getrlimit(2), without `RLIMIT_`.
const RESOURCES: [(&str, Resource); 16] = [
    ("as", Resource::As),
    ("core", Resource::Core),
    ("cpu", Resource::Cpu),
    ("data", Resource::Data),
    ("fsize", Resource::Fsize),
    ("locks", Resource::Locks),
    ("memlock", Resource::Memlock),
    ("msgqueue", Resource::Msgqueue),
    ("nice", Resource::Nice),
    ("nofile", Resource::Nofile),
    ("nproc", Resource::Nproc),
    ("rss", Resource::Rss),
    ("rtprio", Resource::Rtprio),
    ("rttime", Resource::Rttime),
    ("sigpending", Resource::Sigpending),
    ("stack", Resource::Stack),
];

/// Whether a resource has this name.
pub(crate) fn is_resource(name: &str) -> bool {
    RESOURCES.iter().any(|(known, _)| *known == name)
}

fn rlimit(text: &str) -> Result<Limit, String> {
    let (name, limits) = text.split_once('=').ok_or("not of the form NAME=SOFT[:HARD]")?;
    let resource = RESOURCES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, resource) = resource.ok_or_else(|| {
        let known: Vec<_> = RESOURCES.iter().map(|(name, _)| *name).collect();
        format!("{name:?} is none of {}", known.join(", "))
    })?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (limit(soft)?, limit(hard)?);
    if soft > hard {
        return Err("the soft limit is above the hard one".to_owned());
    }
    Ok(Limit { resource: *resource, soft, hard })
}

fn limit(text: &str) -> Result<u64, String> {
    if text == "unlimited" {
        return Ok(u64::MAX);
    }
    text.parse().map_err(|_| format!("{text:?} is neither a number nor unlimited"))
}

fn umask(text: &str) -> Result<u32, String> {
    octal(text, 0o777)
}

impl Quick for Limits {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        let mut number = |range: RangeInclusive<i32>| {
            words.parsed(str::parse).filter(|number| range.contains(number))
        };
        match name {
            "rlimit" => add(&mut self.rlimit, words.parsed(rlimit)),
            "nice" => once(&mut self.nice, number(-20..=19)),
            "umask" => once(&mut self.umask, words.parsed(umask)),
            "oom-score-adj" => once(&mut self.oom_score_adj, number(-1000..=1000)),
            "cgroup-dir" => once(&mut self.cgroup_dir, words.path()),
            _ => None,
        }
    }
}
