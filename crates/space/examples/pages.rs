//! Writes the manual pages and the shell completions of `space` into a directory.

use std::fs;
use std::io;
use std::path::Path;

use clap_complete::Shell;

#[path = "../recipes/mod.rs"]
mod recipes;

fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).ok_or(io::ErrorKind::InvalidInput)?;
    let (manual, completions) =
        (Path::new(&directory).join("man"), Path::new(&directory).join("completions"));
    fs::create_dir_all(&manual)?;
    fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(space::command(), &manual)?;
    fs::write(manual.join("space-recipes.7"), recipes::page())?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut space::command(), "space", &completions)?;
    }
    Ok(())
}
