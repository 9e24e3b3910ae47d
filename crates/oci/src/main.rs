//! The `ns-oci` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ns_oci::main(std::env::args_os())
}
