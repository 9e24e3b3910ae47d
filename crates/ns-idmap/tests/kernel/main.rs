//! Maps against the running kernel; a test is named after the hazard that it shows handled.

mod count;
mod oracle;
mod process;
mod texts;
