//! A machine with version 2 alone, as most are.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use ns_testbed::{USER, skip};
use rustix::fs::statfs;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::Uid;
use rustix::thread::set_thread_res_uid;
use serde_json::json;

use super::super::directory::CGROUP2_SUPER_MAGIC;
use super::super::{Cgroup, CgroupMounts};
use super::{Made, Sleeper, expect_error, nothing, resources};

const USUAL: &str = "/sys/fs/cgroup";
const GIVEN: &str = "/sys/fs/cgroup/cgroup.subtree_control";

/// Version 2 at the usual place, in the mount namespace of this test.
struct Unified {
    is_mounted: bool,
    /// The controllers for the cgroups below, before the test.
    given: String,
    /// The cgroup of this process.
    own: PathBuf,
}

impl Unified {
    /// `None` if this machine does not allow it.
    fn new() -> Option<Self> {
        let is_mounted = statfs(USUAL).ok()?.f_type != CGROUP2_SUPER_MAGIC;
        if is_mounted {
            mount("none", USUAL, "cgroup2", MountFlags::empty(), None).ok()?;
        }
        let text = fs::read_to_string("/proc/self/cgroup").expect("read");
        let own = text.lines().find_map(|line| line.strip_prefix("0::/")).expect("version 2");
        let given = fs::read_to_string(GIVEN).ok()?;
        let unified = Self { is_mounted, given, own: Path::new(USUAL).join(own) };
        let probe = Path::new(USUAL).join(ns_testbed::own_name());
        fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).ok()?;
        Some(unified)
    }
}

impl Drop for Unified {
    fn drop(&mut self) {
        let given = fs::read_to_string(GIVEN).expect("read");
        for name in given.split_whitespace().filter(|name| !self.given.contains(name)) {
            // Another test may need it meanwhile.
            let _ = fs::write(GIVEN, format!("-{name}"));
        }
        if self.is_mounted {
            unmount(USUAL, UnmountFlags::DETACH).expect("unmount");
        }
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[test]
fn there_is_one_directory_beside_the_cgroup_of_the_runtime() {
    ns_testbed::run_as!([Root], {
        let Some(unified) = Unified::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let name = ns_testbed::own_name();
        let cgroup = Made(Cgroup::plan(None, &name, false).expect("plan"));
        let beside =
            unified.own.parent().filter(|above| above.starts_with(USUAL)).unwrap_or(&unified.own);
        let path = beside.join(&name);
        assert_eq!(cgroup.mounts(), CgroupMounts::Version2(path.clone()));
        cgroup.create(None).expect("create");
        assert!(path.is_dir());
        let sleeper = Sleeper::new();
        cgroup.add(sleeper.pid()).expect("add");
        assert_eq!(cgroup.pids().expect("pids"), [sleeper.pid()]);
        cgroup.freeze().expect("freeze");
        assert!(cgroup.is_frozen().expect("state"));
    });
}

/// The controllers that the machine has are enabled, also without a limit, so that use is counted.
#[test]
fn controllers_are_enabled_in_the_cgroups_above() {
    ns_testbed::run_as!([Root], {
        let Some(_unified) = Unified::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let path = Path::new("/").join(ns_testbed::own_name()).join("deep/er");
        let cgroup = Made(Cgroup::plan(Some(&path), "id", false).expect("plan"));
        cgroup.create(None).expect("create");
        let read = |path: &Path| fs::read_to_string(path).expect("read");
        let path = cgroup.places[0].path();
        let available = read(&Path::new(USUAL).join("cgroup.controllers"));
        assert_eq!(read(&path.join("cgroup.controllers")), available);
        assert_eq!(read(&path.join("cgroup.subtree_control")).trim(), "");
        cgroup.remove().expect("remove");
        for above in path.ancestors().skip(1).take(2) {
            fs::remove_dir(above).expect("remove");
        }
    });
}

#[test]
fn a_limit_of_a_controller_that_is_missing_is_an_error() {
    ns_testbed::run_as!([Root], {
        let Some(_unified) = Unified::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let cgroup = Made(Cgroup::plan(None, &ns_testbed::own_name(), false).expect("plan"));
        let available =
            fs::read_to_string(Path::new(USUAL).join("cgroup.controllers")).expect("read");
        for (controller, json) in [
            ("memory", json!({"memory": {"limit": 1 << 30}})),
            ("pids", json!({"pids": {"limit": 99}})),
            ("cpu", json!({"cpu": {"shares": 99}})),
            (
                "io",
                json!({"blockIO": {"throttleReadBpsDevice": [{"major": 1, "minor": 0, "rate": 1}]}}),
            ),
            ("hugetlb", json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]})),
        ] {
            if available.split_whitespace().any(|name| name == controller) {
                continue;
            }
            let missing = format!("the controller {controller} is not available");
            expect_error(
                cgroup.create(Some(&resources(json))),
                &[&missing, "cgroup.subtree_control"],
            );
            assert!(!cgroup.places[0].path().exists());
        }
    });
}

/// An init system in the container makes cgroups below and gives them controllers.
#[test]
fn g11_a_process_joins_where_the_kernel_allows_it() {
    ns_testbed::run_as!([Root], {
        let Some(_unified) = Unified::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let cgroup = Made(Cgroup::plan(None, &ns_testbed::own_name(), false).expect("plan"));
        cgroup.create(None).expect("create");
        let path = cgroup.places[0].path();
        let init = Sleeper::new();
        cgroup.add(init.pid()).expect("add");
        let joined = || {
            let directory =
                cgroup.directory_to_join(init.pid()).expect("directory").expect("version 2");
            let mut container = ns_process::Container::new("cat");
            container.arg("/proc/self/cgroup").cgroup(directory).stdout(ns_process::Stdio::piped());
            let output = container.output().expect("start");
            String::from_utf8(output.stdout).expect("text")
        };
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(joined().lines().any(|line| line.starts_with("0::") && line.ends_with(&name)));
        fs::create_dir(path.join("init.scope")).expect("make");
        write(&path.join("init.scope/cgroup.procs"), &init.pid().to_string());
        let controllers = fs::read_to_string(path.join("cgroup.controllers")).expect("read");
        let Some(controller) = controllers.split_whitespace().next() else {
            skip!("version 2 has no controller");
        };
        write(&path.join("cgroup.subtree_control"), &format!("+{controller}"));
        assert!(joined().contains(&format!("{name}/init.scope")), "{}", joined());
    });
}

#[test]
fn a_container_that_owns_its_cgroup_can_make_others_but_not_change_limits() {
    ns_testbed::run_as!([Root], {
        let Some(_unified) = Unified::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let cgroup = Made(Cgroup::plan(None, &ns_testbed::own_name(), false).expect("plan"));
        cgroup.create(None).expect("create");
        cgroup.give(USER, USER).expect("give");
        let owner = |name: &str| {
            let file = fs::metadata(cgroup.places[0].path().join(name)).expect("metadata");
            (file.uid(), file.gid())
        };
        for name in [".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"] {
            assert_eq!(owner(name), (USER, USER), "{name}");
        }
        for name in ["cgroup.max.depth", "cgroup.freeze", "cgroup.type"] {
            assert_eq!(owner(name), (0, 0), "{name}");
        }
    });
}

/// A cgroup that root gave to a user, in which the runtime of that user runs.
#[test]
fn a_user_makes_cgroups_in_one_that_it_owns() {
    ns_testbed::run_as!([Root], {
        let Some(unified) = Unified::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let delegated = Path::new(USUAL).join(ns_testbed::own_name());
        let session = delegated.join("session");
        fs::create_dir_all(&session).expect("make");
        for path in [
            delegated.clone(),
            delegated.join("cgroup.procs"),
            session.clone(),
            session.join("cgroup.procs"),
        ] {
            chown(&path, Some(USER), Some(USER)).expect("chown");
        }
        write(&session.join("cgroup.procs"), "0");
        let mut sleeper = Sleeper::new();
        let (user, root) = (Uid::from_raw(USER), Uid::ROOT);
        set_thread_res_uid(user, user, root).expect("become the user");
        let cgroup = Cgroup::plan(None, "id", true).expect("plan");
        let created = cgroup.create(Some(&nothing())).and_then(|()| cgroup.add(sleeper.pid()));
        let is_made = delegated.join("id").is_dir();
        let pids = cgroup.pids();
        let killed = cgroup.kill();
        sleeper.0.wait().expect("wait");
        let removed = cgroup.remove();
        set_thread_res_uid(root, root, root).expect("become root");
        write(&unified.own.join("cgroup.procs"), "0");
        fs::remove_dir(&session).and_then(|()| fs::remove_dir(&delegated)).expect("remove");
        created.expect("create");
        killed.expect("kill");
        removed.expect("remove");
        assert!(is_made && !cgroup.is_none());
        assert_eq!(pids.expect("pids").len(), 1);
    });
}
