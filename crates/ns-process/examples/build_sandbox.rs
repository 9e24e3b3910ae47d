//! A build without network: the programs of the host are read-only, one directory is writable, time and output are
//! limited.
//!
//! Needs no privilege, and removes its files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ns_process::{Container, Error, LimitedOutput, Mount, Namespace, Resource};

const SCRIPT: &str =
    "echo built by uid $(id -u) > result; touch /usr/file || echo /usr is read-only";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("build-sandbox-{}", std::process::id()));
    fs::create_dir(&directory)?;
    let output = build(&directory);
    let result = fs::read_to_string(directory.join("result")).unwrap_or_default();
    fs::remove_dir_all(&directory)?;
    let output = output?;
    match output.ended_by {
        Some(limit) => println!("killed by the limit of {limit:?}"),
        None => println!("{}", output.status),
    }
    print!("{result}{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

fn build(work: &Path) -> Result<LimitedOutput, Error> {
    let mut sandbox = Container::new("sh");
    sandbox.args(["-c", SCRIPT]).env_clear().env("PATH", "/usr/bin:/bin").map_zero();
    sandbox.all().without(Namespace::Time).host_root().read_only_root();
    sandbox.mount(Mount::bind(work, "/work").create()).workdir("/work");
    sandbox.rlimit(Resource::Nproc, 512, 512).rlimit(Resource::Core, 0, 0);
    sandbox.no_new_privs().die_with_parent().output_limit(1 << 20);
    sandbox.output_timeout(Duration::from_secs(10))
}
