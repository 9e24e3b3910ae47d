//! A shell as process 1 of a new pid namespace and root of a new user namespace, with its own mounts.
//!
//! Needs no privilege, and leaves no mount behind.

use ns_process::{Container, Namespace};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut container = Container::new("sh");
    container
        .arg("-c")
        .arg("mount -t proc proc /proc && ps ax; exit $?")
        .namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt])
        .map_zero();
    let process = container.start()?;
    println!("child {}", process.pid());
    let status = process.join()?;
    println!("status {}", status.code().unwrap_or(-1));
    Ok(())
}
