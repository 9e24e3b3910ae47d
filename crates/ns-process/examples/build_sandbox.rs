//! A build without network: the programs of the host are read-only, one directory is writable, and time is limited.
//!
//! Needs no privilege, and removes its files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ns_process::{Chroot, Mount, Namespace, Resource, Stdio};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("build-sandbox-{}", std::process::id()));
    let (root, work) = (directory.join("root"), directory.join("work"));
    fs::create_dir_all(&root)?;
    fs::create_dir_all(&work)?;
    let built = build(&root, &work);
    println!("result: {:?}", fs::read_to_string(work.join("result")).unwrap_or_default());
    fs::remove_dir_all(&directory)?;
    built
}

fn build(root: &Path, work: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let script =
        "echo built by uid $(id -u) > result; ! touch /usr/no 2>/dev/null; ls /sys 2>/dev/null";
    let mut sandbox = Chroot::new(root, "sh");
    sandbox.args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin").map_zero();
    sandbox.namespaces([Namespace::Pid, Namespace::Net, Namespace::Ipc, Namespace::Uts]);
    for system in
        ["/usr", "/bin", "/lib", "/lib64"].into_iter().filter(|path| Path::new(path).exists())
    {
        sandbox.mount(Mount::bind(system, system).recursive().read_only().create());
    }
    sandbox.mount(Mount::bind(work, "/work").create()).mount(Mount::tmpfs("/tmp").create());
    sandbox.mount(Mount::proc("/proc").create()).mount(Mount::dev("/dev").create());
    sandbox.read_only_root().workdir("/work").stdin(Stdio::null()).no_new_privs();
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
