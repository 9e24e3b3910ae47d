//! A rootless container: 65536 IDs, and a root whose changes go to another directory.
//!
//! Without an argument the root consists of the programs of the host; with one, it is that root file system. Needs no
//! privilege. Without delegated IDs only the caller's own ID is mapped. Removes its files.

use std::path::{Path, PathBuf};
use std::{env, error, fs};

use ns_process::{Container, Mount, Namespace, Step};

const SCRIPT: &str = "
    echo \"uid $(id -u) on $(stat -f -c %T /), host $(hostname)\"
    cat /proc/self/uid_map
    touch /new && chown 1000:1000 /new 2>/dev/null
    stat -c '%n belongs to uid %u' /new";

fn main() -> Result<(), Box<dyn error::Error>> {
    let scratch = env::temp_dir().join(format!("rootless-overlay-{}", std::process::id()));
    for name in ["base", "changes", "work"] {
        fs::create_dir_all(scratch.join(name))?;
    }
    let root = env::args_os().nth(1).map(PathBuf::from);
    let ran = run(&scratch, root.as_deref());
    // The kernel creates this directory without permissions.
    let _ = fs::remove_dir(scratch.join("work/work"));
    fs::remove_dir_all(&scratch)?;
    ran
}

fn run(scratch: &Path, root: Option<&Path>) -> Result<(), Box<dyn error::Error>> {
    let mut container = container(scratch, root);
    let output = match container.map_auto().output() {
        Err(error) if matches!(error.step(), Step::UidMap | Step::GidMap) => {
            println!("one ID only: {error}");
            self::container(scratch, root).map_zero().output()
        }
        other => other,
    }?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    let is_in_changes = fs::exists(scratch.join("changes/new"))?;
    println!("{}; the new file is among the changes: {is_in_changes}", output.status);
    Ok(())
}

/// A shell without maps, in a root that is an overlay.
fn container(scratch: &Path, root: Option<&Path>) -> Container {
    let mut container = Container::new("sh");
    container.args(["-c", SCRIPT]).all().without(Namespace::Time).hostname("box");
    container.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let base = root.map_or_else(|| scratch.join("base"), Path::to_owned);
    container.mount(Mount::overlay("/", [base], scratch.join("changes"), scratch.join("work")));
    if root.is_some() {
        container.mount(Mount::dev("/dev")).mount_proc();
    } else {
        // The first mount of a host root is the root itself, a tmpfs.
        Mount::host_root().into_iter().skip(1).fold(&mut container, ns_process::Builder::mount);
    }
    container
}
