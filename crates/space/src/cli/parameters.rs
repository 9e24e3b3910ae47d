//! Options for what belongs to a namespace: host name, loopback device, kernel parameters, clocks.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use ns_process::{Builder, Clock, Propagation};

use super::number::seconds;
use super::quick::{Quick, Words, add, flag, once};

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Parameters of namespaces")]
pub(crate) struct Parameters {
    /// Set the host name; requires --uts
    #[arg(long, value_name = "NAME")]
    hostname: Option<OsString>,
    /// Set the NIS domain name; requires --uts
    #[arg(long, value_name = "NAME")]
    domainname: Option<OsString>,
    /// Set the propagation of the mounts; by default they are private; requires --mnt
    #[arg(long, value_name = "MODE")]
    propagation: Option<PropagationMode>,
    /// Start the loopback device; requires --net
    #[arg(long)]
    loopback: bool,
    /// Set a kernel parameter of a namespace, such as net.ipv4.ip_forward=1; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = sysctl)]
    sysctl: Vec<Sysctl>,
    /// Shift a clock, monotonic or boottime, by seconds that may be negative; requires --time
    #[arg(long, value_name = "CLOCK=SECS", value_parser = offset)]
    time_offset: Vec<Offset>,
}

/// The values of `--propagation`, as [`Propagation`].
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PropagationMode {
    Private,
    Slave,
    Shared,
    Unbindable,
}

impl From<PropagationMode> for Propagation {
    fn from(mode: PropagationMode) -> Self {
        match mode {
            PropagationMode::Private => Self::Private,
            PropagationMode::Slave => Self::Slave,
            PropagationMode::Shared => Self::Shared,
            PropagationMode::Unbindable => Self::Unbindable,
        }
    }
}

#[derive(Clone, Debug)]
struct Sysctl(String, String);

#[derive(Clone, Copy, Debug)]
struct Offset(Clock, i64, u32);

impl Parameters {
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) {
        if let Some(name) = &self.hostname {
            builder.hostname(name);
        }
        if let Some(name) = &self.domainname {
            builder.domainname(name);
        }
        if let Some(mode) = self.propagation {
            builder.propagation(mode.into());
        }
        if self.loopback {
            builder.loopback();
        }
        for Sysctl(name, value) in &self.sysctl {
            builder.sysctl(name, value);
        }
        for Offset(clock, seconds, nanoseconds) in &self.time_offset {
            builder.time_offset(*clock, *seconds, *nanoseconds);
        }
    }
}

impl Parameters {
    /// Returns the first option that needs a new namespace.
    pub(super) fn needs_new(&self) -> Option<&'static str> {
        let options = [
            (self.propagation.is_some(), "--propagation"),
            (!self.time_offset.is_empty(), "--time-offset"),
        ];
        options.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
    }
}

fn sysctl(text: &str) -> Result<Sysctl, &'static str> {
    let (name, value) = text.split_once('=').ok_or("not of the form NAME=VALUE")?;
    Ok(Sysctl(name.to_owned(), value.to_owned()))
}

fn offset(text: &str) -> Result<Offset, &'static str> {
    let (clock, text) = text.split_once('=').ok_or("not of the form CLOCK=SECS")?;
    let clock = match clock {
        "monotonic" => Clock::Monotonic,
        "boottime" => Clock::Boottime,
        _ => return Err("the clock is neither monotonic nor boottime"),
    };
    let (seconds, nanoseconds) = seconds(text).ok_or("not a number of seconds")?;
    Ok(Offset(clock, seconds, nanoseconds))
}

impl Quick for Parameters {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "hostname" => once(&mut self.hostname, words.value().map(OsString::from)),
            "domainname" => once(&mut self.domainname, words.value().map(OsString::from)),
            "propagation" => {
                let mode = |text: &str| PropagationMode::from_str(text, false);
                once(&mut self.propagation, words.parsed(mode))
            }
            "loopback" => flag(&mut self.loopback),
            "sysctl" => add(&mut self.sysctl, words.parsed(sysctl)),
            "time-offset" => add(&mut self.time_offset, words.parsed(offset)),
            _ => None,
        }
    }
}
