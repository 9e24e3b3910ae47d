//! A process moves itself to cgroups of version 1.

use std::fs::{self, File};
use std::path::PathBuf;

use ns_process::{Container, Namespace};
use ns_testbed::skip;

use crate::common::eventually;

/// A cgroup of version 1, removed on drop.
struct Cgroup {
    path: PathBuf,
    controllers: String,
}

impl Cgroup {
    /// `None` if this process cannot make one.
    fn new() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").expect("cgroups");
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
        let found = own.lines().find_map(|line| {
            let controllers = line.split(':').nth(1).filter(|name| !name.is_empty())?;
            let is_it = |mount: &&str| {
                mount.contains(" cgroup ") && mount.contains(&format!(",{controllers}"))
            };
            let mount = mounts.lines().filter(|_| controllers != "cpuset").find(is_it)?;
            Some((controllers.to_owned(), mount.split(' ').nth(1)?.to_owned()))
        });
        let (controllers, mount) = found?;
        let path = PathBuf::from(mount).join(ns_testbed::own_name());
        fs::create_dir(&path).ok()?;
        Some(Self { path, controllers })
    }

    fn tasks(&self) -> File {
        File::options().write(true).open(self.path.join("tasks")).expect("open")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        eventually("the cgroup is empty", || fs::remove_dir(&self.path).is_ok());
    }
}

/// The cgroup that the program sees, in the hierarchy of `cgroup`.
fn seen(container: &mut Container, cgroup: &Cgroup) -> String {
    let output = container.cgroup_tasks(cgroup.tasks()).output().expect("start");
    let text = String::from_utf8(output.stdout).expect("text");
    let middle = format!(":{}:", cgroup.controllers);
    let line = text.lines().find_map(|line| Some(line.split_once(&middle)?.1));
    line.expect("its hierarchy").to_owned()
}

fn cat() -> Container {
    let mut container = Container::new("cat");
    container.arg("/proc/self/cgroup").stdout(ns_process::Stdio::piped());
    container
}

#[test]
fn a_process_moves_itself_to_a_cgroup() {
    ns_testbed::run_as!([Root], {
        let Some(cgroup) = Cgroup::new() else {
            skip!("no cgroup of version 1 can be made here");
        };
        let name = cgroup.path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(seen(&mut cat(), &cgroup).ends_with(&name));
        let mut user = cat();
        // The permission is that of the process that opened the file.
        user.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        assert!(seen(&mut user, &cgroup).ends_with(&name));
        let mut root = cat();
        root.namespace(Namespace::Cgroup);
        assert_eq!(seen(&mut root, &cgroup), "/");
    });
}
