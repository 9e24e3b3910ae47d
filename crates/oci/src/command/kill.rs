//! `kill`: sends a signal to a container.

use anyhow::{Context as _, Result, ensure};
use ns_process::Signal;
use ns_sys::{pidfd_open, pidfd_send_signal};

use super::Context;
use crate::cli;
use crate::init::Init;
use crate::state::Status;

pub(super) fn run(context: &Context<'_>, args: &cli::Kill) -> Result<()> {
    let signal = parse(&args.signal)?;
    let record = context.store.record(&args.id)?;
    if args.all && !record.cgroup.is_none() {
        all(&record.cgroup.pids()?, signal);
        return Ok(());
    }
    let init =
        record.init.filter(|_| record.status().is_ok_and(|status| status != Status::Stopped));
    let is_sent = init.map_or(Ok(false), |init: Init| init.signal(signal))?;
    ensure!(is_sent, "container {} is not running", args.id);
    if signal == Signal::KILL {
        // A frozen process dies only once it is thawed.
        if record.cgroup.is_frozen()? {
            record.cgroup.thaw()?;
        }
    }
    Ok(())
}

fn all(pids: &[u32], signal: Signal) {
    for &pid in pids {
        // A process that has exited in between is no error.
        if let Ok(pidfd) = pidfd_open(pid) {
            let _ = pidfd_send_signal(&pidfd, signal);
        }
    }
}

/// A signal by its number, or by its name with or without `SIG`.
fn parse(text: &str) -> Result<Signal> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let signal = text.parse().ok().and_then(Signal::from_raw).or_else(|| by_name(name));
    signal.with_context(|| format!("{text:?} is no signal"))
}

fn by_name(name: &str) -> Option<Signal> {
    let aliases = [("IOT", "ABRT"), ("CLD", "CHLD"), ("POLL", "IO")];
    let name = aliases.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    real_time(name).and_then(Signal::from_raw).or_else(|| {
        (1..32).filter_map(Signal::from_raw).find(|signal| {
            let shown = signal.to_string();
            shown.strip_prefix("SIG").unwrap_or(&shown) == name
        })
    })
}

/// `RTMIN`, `RTMIN+N`, `RTMAX`, `RTMAX-N`. The C library uses the two signals before `RTMIN`.
fn real_time(name: &str) -> Option<i32> {
    const FIRST: i32 = 34;
    const LAST: i32 = 64;
    let offset = |text: &str, sign| match text {
        "" => Some(0),
        _ => text.strip_prefix(sign)?.parse::<u8>().ok().map(i32::from),
    };
    let number = if let Some(text) = name.strip_prefix("RTMIN") {
        FIRST + offset(text, '+')?
    } else {
        LAST - offset(name.strip_prefix("RTMAX")?, '-')?
    };
    (FIRST..=LAST).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use ns_process::Signal;

    use super::parse;

    #[test]
    fn signals_have_numbers_and_names() {
        for text in ["9", "KILL", "SIGKILL", "sigkill", "kill"] {
            assert_eq!(parse(text).expect(text), Signal::KILL);
        }
        for (text, number) in [("RTMIN", 34), ("SIGRTMIN+3", 37), ("rtmax-1", 63), ("64", 64)] {
            assert_eq!(parse(text).expect(text).as_raw(), number);
        }
        assert_eq!(parse("SIGIOT").expect("alias"), Signal::ABORT);
        for text in ["", "0", "65", "-1", "SIG", "NO", "RTMIN+31", "RTMINX", "RTMAX+1"] {
            parse(text).expect_err(text);
        }
    }
}
