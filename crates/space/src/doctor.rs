//! What works here, and what to change for the rest.

use std::io::IsTerminal;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use ns_process::{Diagnosis, Finding, diagnose};
use serde::Serialize;

use crate::cli::Listing;
use crate::print;

#[derive(Debug, Serialize)]
struct Told<'a> {
    topic: &'a str,
    works: bool,
    detail: &'a str,
    advice: Option<&'a str>,
}

pub(crate) fn run(listing: &Listing) -> ExitCode {
    let found = diagnose();
    if listing.json {
        let told: Vec<_> = found.findings().iter().map(Told::new).collect();
        print::json(&told)
    } else if std::io::stdout().is_terminal() {
        print::text(&table(&found))
    } else {
        print::text(&format!("{found}\n"))
    }
}

impl<'a> Told<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            topic: finding.topic(),
            works: finding.works(),
            detail: finding.detail(),
            advice: finding.advice(),
        }
    }
}

/// A line for each finding, and below it what to change.
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
