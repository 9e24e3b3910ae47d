//! The `space` command.

mod allocator;

use std::process::ExitCode;

use allocator::Arena;

#[global_allocator]
static HEAP: Arena = Arena::new();

fn main() -> ExitCode {
    space::main(std::env::args_os())
}
