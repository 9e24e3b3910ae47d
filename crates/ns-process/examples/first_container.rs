//! A shell as pid 1 of its own pid namespace, root of its own user namespace, with its own mounts.
//!
//! Works as root and as an ordinary user, and leaves no mount behind.

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
