//! Makes the caller root in a new user namespace: `cargo run --example map_current_user`.
//!
//! unshare(1) creates the namespace, and this crate writes its maps. Needs no privilege.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use ns_idmap::{GidMap, Setgroups, UidMap};

/// Waits for a line on stdin, then prints its IDs and its map.
const SCRIPT: &str = "echo ready; read line; id; cat /proc/self/uid_map";

fn main() -> Result<(), Box<dyn Error>> {
    let mut child = Command::new("unshare")
        .args(["--user", "sh", "-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no stdin")?;
    let mut output = BufReader::new(child.stdout.take().ok_or("no stdout")?);
    output.read_line(&mut String::new())?;

    let proc_dir = File::open(format!("/proc/{}", child.id()))?;
    UidMap::current().write(&proc_dir)?;
    GidMap::current().write(&proc_dir, Setgroups::Auto)?;

    input.write_all(b"mapped\n")?;
    for line in output.lines() {
        println!("{}", line?);
    }
    child.wait()?;
    Ok(())
}
