//! `ps`: prints the processes of a container.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use ns_process::Container;

use super::{Context, print};
use crate::cli::{self, Format};

pub(super) fn run(context: &Context<'_>, args: &cli::Ps) -> Result<()> {
    let pids = context.store.record(&args.id)?.cgroup.pids()?;
    if args.format == Format::Json {
        return print(&(serde_json::to_string(&pids)? + "\n"));
    }
    let default = ["-ef".to_owned()];
    let options = if args.options.is_empty() { &default[..] } else { &args.options };
    let output = Container::new("ps").args(options).output()?;
    ensure!(output.status.success(), "ps: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    print(&select(&String::from_utf8_lossy(&output.stdout), &pids)?)
}

/// The header, and the lines of these processes.
fn select(table: &str, pids: &[u32]) -> Result<String> {
    let mut lines = table.lines();
    let header = lines.next().context("ps: no output")?;
    let column = header.split_whitespace().position(|name| name == "PID");
    let column = column.context("ps: the output has no column PID; use other options")?;
    let is_inside = |line: &&str| {
        let pid = line.split_whitespace().nth(column).and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| pids.contains(&pid))
    };
    let mut text = format!("{header}\n");
    for line in lines.filter(is_inside) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::select;

    #[test]
    fn the_lines_of_the_container_are_selected() {
        let table = "UID  PID CMD\nroot 1 init\nroot 12 sh\n";
        assert_eq!(select(table, &[12]).expect("PID"), "UID  PID CMD\nroot 12 sh\n");
        select("CMD\n", &[1]).expect_err("no column");
    }
}
