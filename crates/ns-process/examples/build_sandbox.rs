//! A build without network: the programs of the host are read-only, one directory is writable, and time is limited.
//!
//! Needs no privilege, and removes its files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ns_process::{Container, Mount, Namespace, Resource, Stdio};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("build-sandbox-{}", std::process::id()));
    fs::create_dir(&directory)?;
    let built = build(&directory);
    println!("result: {:?}", fs::read_to_string(directory.join("result")).unwrap_or_default());
    fs::remove_dir_all(&directory)?;
    built
}

fn build(work: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let script =
        "echo built by uid $(id -u) > result; ! touch /usr/no 2>/dev/null; ls /sys 2>/dev/null";
    let mut sandbox = Container::new("sh");
    sandbox.args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin").map_zero();
    sandbox.all().without(Namespace::Time).host_root().read_only_root();
    sandbox.mount(Mount::bind(work, "/work").create()).workdir("/work");
    sandbox.stdin(Stdio::null()).no_new_privs();
    sandbox.rlimit(Resource::Nproc, 512, 512).rlimit(Resource::Core, 0, 0).die_with_parent();

    let process = sandbox.start()?;
    match process.join_timeout(Duration::from_secs(10))? {
        Some(status) => println!("status {}", status.code().unwrap_or(-1)),
        None => {
            println!("killed: {}", process.terminate_timeout(Duration::from_secs(1))?);
        }
    }
    Ok(())
}
