//! A function in new namespaces of every kind. Its value is the exit code.

use std::fs;

use ns_process::Container;

fn count_processes() -> i32 {
    let entries = fs::read_dir("/proc").expect("proc").flatten();
    let pids = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let count = pids.count();
    println!("inside: process {}, {count} process in /proc", std::process::id());
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn main() -> Result<(), ns_process::Error> {
    let mut container = Container::from_fn(count_processes);
    let status = container.all().map_zero().mount_proc().status()?;
    println!("outside: its value is {:?}", status.code());
    Ok(())
}
