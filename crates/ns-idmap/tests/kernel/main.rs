//! Maps against the running kernel; a test is named after the hazard that it shows handled.

mod count;
mod direct;
mod fixture;
mod helper;
mod lost_status;
mod oracle;
mod parent;
mod plans;
mod proc_dir;
mod process;
mod subid;
mod texts;
mod time_limit;
