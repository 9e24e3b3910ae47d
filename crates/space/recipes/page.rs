//! The manual page space-recipes(7).

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{Job, SECTIONS};

const OTHERS: [&str; 11] = [
    "bwrap(1)",
    "env(1)",
    "ip-netns(8)",
    "lsns(8)",
    "nsenter(1)",
    "prlimit(1)",
    "setsid(1)",
    "space(1)",
    "space-execute(1)",
    "timeout(1)",
    "unshare(1)",
];

/// Returns the page in roff.
pub(crate) fn page() -> String {
    let mut page = Roff::new();
    page.control("TH", ["space-recipes", "7"]);
    heading(&mut page, "NAME");
    page.text([roman("space-recipes - everyday jobs with "), bold("space")]);
    heading(&mut page, "DESCRIPTION");
    page.text(description());
    for section in &SECTIONS {
        heading(&mut page, &section.title.to_uppercase());
        section.jobs.iter().for_each(|job| add(&mut page, job));
    }
    heading(&mut page, "SEE ALSO");
    page.text([roman(OTHERS.join(", "))]);
    page.render()
}

fn description() -> Vec<Inline> {
    let text = |text: &str| roman(text);
    vec![
        text("For each job, the line of "),
        bold("space"),
        text(" is followed by that of the command that it replaces. An ordinary user needs "),
        bold("--user"),
        text(" for most other namespaces; root may leave it out. The variable "),
        italic("PID"),
        text(" is the process ID of a process in other namespaces, "),
        italic("CGROUP"),
        text(" is the directory of a cgroup, and "),
        italic("rootfs"),
        text(" is a directory that contains an image. The other files are examples."),
    ]
}

fn heading(page: &mut Roff, title: &str) {
    page.control("SH", [title]);
}

fn add(page: &mut Roff, job: &Job) {
    let who = if job.needs_root { " (as root)" } else { "" };
    page.control("TP", []).text([roman(format!("{}{who}", job.title))]);
    page.control("nf", []).text([bold(job.line)]);
    page.text([roman(job.other)]).control("fi", []);
}
