//! `space doctor`: what works on this machine, and how to enable the rest.

use std::io::IsTerminal;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use ns_process::{Diagnosis, Finding, diagnose};
use serde::Serialize;

use crate::cli::Listing;
use crate::{exit, print, proc};

/// A finding, as `--json` prints it.
#[derive(Debug, Serialize)]
struct JsonFinding<'a> {
    topic: &'a str,
    works: bool,
    detail: &'a str,
    advice: Option<&'a str>,
}

pub(crate) fn run(listing: &Listing) -> ExitCode {
    if let Err(message) = proc::check() {
        print::error(&format!("doctor: {message}"));
        return ExitCode::from(exit::FAILED);
    }
    let found = diagnose();
    let printed = output(listing, &found);
    let lacks_something =
        found.findings().iter().any(|finding| matters(finding) && !finding.works());
    if printed == ExitCode::SUCCESS && lacks_something { ExitCode::FAILURE } else { printed }
}

/// Whether a start of a program in new namespaces depends on this.
fn matters(finding: &Finding) -> bool {
    let topic = finding.topic();
    topic.ends_with(" namespace") || topic == "new user namespaces" || topic == "new proc"
}

fn output(listing: &Listing, found: &Diagnosis) -> ExitCode {
    if listing.json {
        let findings: Vec<_> = found.findings().iter().map(JsonFinding::new).collect();
        print::json(&findings)
    } else if std::io::stdout().is_terminal() {
        print::text(&table(found))
    } else {
        print::text(&format!("{found}\n"))
    }
}

impl<'a> JsonFinding<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            topic: finding.topic(),
            works: finding.works(),
            detail: finding.detail(),
            advice: finding.advice(),
        }
    }
}

/// Formats one line for each finding, with the advice on a line below.
fn table(found: &Diagnosis) -> String {
    let width = found.findings().iter().map(|finding| finding.topic().len()).max().unwrap_or(0);
    found.findings().iter().map(|finding| line(finding, width)).collect()
}

fn line(finding: &Finding, width: usize) -> String {
    let (mark, color) =
        if finding.works() { ("✓", AnsiColor::Green) } else { ("✗", AnsiColor::Red) };
    let style = Style::new().fg_color(Some(color.into()));
    let (topic, detail) = (finding.topic(), finding.detail());
    let advice = finding.advice().map(|advice| format!("  {:width$}  → {advice}\n", ""));
    let advice = advice.unwrap_or_default();
    format!("{style}{mark}{style:#} {topic:width$}  {detail}\n{advice}")
}
