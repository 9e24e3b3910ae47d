//! The `space` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    space::main(std::env::args_os())
}
