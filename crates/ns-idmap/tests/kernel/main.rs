//! Maps and the running kernel. The name of a test begins with the hazard that it covers.

mod direct;
mod fixtures;
mod helper;
mod helper_process_id;
mod helper_program;
mod lost_status;
mod oracle;
mod parent;
mod plans;
mod proc_dir;
mod process;
mod random;
mod subid;
mod texts;
mod time_limit;
