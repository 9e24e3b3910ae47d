//! `space doctor`: what works on this machine, and how to enable the rest.

use std::io::IsTerminal;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use ns_process::{Diagnosis, Finding, diagnose};
use serde::Serialize;

use crate::cli::Listing;
use crate::print;

/// A finding, as `--json` prints it.
#[derive(Debug, Serialize)]
struct JsonFinding<'a> {
    topic: &'a str,
    works: bool,
    detail: &'a str,
    advice: Option<&'a str>,
}

pub(crate) fn run(listing: &Listing) -> ExitCode {
    let found = diagnose();
    if listing.json {
        let findings: Vec<_> = found.findings().iter().map(JsonFinding::new).collect();
        print::json(&findings)
    } else if std::io::stdout().is_terminal() {
        print::text(&table(&found))
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
