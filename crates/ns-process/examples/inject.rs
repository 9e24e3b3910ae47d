//! A second program in the namespaces of a running container.
//!
//! Needs no privilege.

use ns_process::{Container, Inject, Namespace, Stdio};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut container = Container::new("sleep");
    container.arg("1000").all().without(Namespace::Time).map_zero().mount_proc();
    let container = container.hostname("box").stdin(Stdio::null()).start()?;

    // In all its namespaces, with the files of the container.
    let script = "echo on $(uname -n) there are:; ps -o pid,args ax";
    let output = Inject::new(&container, "sh").args(["-c", script]).output()?;
    print!("{}", String::from_utf8_lossy(&output.stdout));

    // In its network namespace, with the programs and files of the caller.
    let mut inject = Inject::new(&container, "cat");
    inject.arg("/proc/self/net/dev").namespace(Namespace::User).namespace(Namespace::Net);
    let devices = String::from_utf8(inject.output()?.stdout)?;
    println!("network devices: {}", devices.lines().count() - 2);

    container.kill()?;
    container.join()?;
    Ok(())
}
