//! The processes of a container are found, stopped, and killed.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use ns_testbed::{LONG, skip};

use super::super::place::Version;
use super::{Sleeper, each_version, made, nothing};

#[test]
fn a_process_is_moved_to_each_hierarchy_once() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let sleeper = Sleeper::new();
        cgroup.add(sleeper.pid()).expect("add");
        let memberships = sleeper.memberships();
        for place in cgroup.own_places() {
            let line = format!(":{}:{}", place.controllers.join(","), place.group().display());
            assert!(memberships.lines().any(|one| one.ends_with(&line)), "{line}: {memberships}");
        }
        assert_eq!(cgroup.pids().expect("pids"), [sleeper.pid()]);
        // One that moved itself below stays there.
        for place in cgroup.own_places().filter(|place| !place.has("cpuset")) {
            let below = place.path().join("below");
            fs::create_dir(&below).expect("make");
            fs::write(below.join("cgroup.procs"), sleeper.pid().to_string()).expect("move");
        }
        let memberships = sleeper.memberships();
        cgroup.add(sleeper.pid()).expect("once more");
        assert_eq!(sleeper.memberships(), memberships);
    });
}

/// The process is in the directory of version 2 from its creation on, and `add` moves it in version 1.
#[test]
fn a_process_is_created_in_the_directory() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let Some(directory) = cgroup.directory().expect("directory") else {
            skip!("no hierarchy of version 2 is mounted");
        };
        let mut container = ns_process::Container::new("sleep");
        container.arg("1000").cgroup(directory);
        let process = container.start().expect("start");
        assert_eq!(cgroup.pids().expect("pids"), [process.pid()]);
        cgroup.add(process.pid()).expect("add");
        cgroup.kill().expect("kill");
        let status = process.join().expect("join");
        assert!(!status.success(), "{status:?}");
    });
}

/// The program never runs outside, and nothing is left to move.
#[test]
fn a_process_moves_itself_to_each_hierarchy() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let mut container = ns_process::Container::new("cat");
        container.arg("/proc/self/cgroup").stdout(ns_process::Stdio::piped());
        if let Some(directory) = cgroup.directory().expect("directory") {
            container.cgroup(directory);
        }
        for file in cgroup.tasks().expect("tasks") {
            container.cgroup_tasks(file);
        }
        let output = container.output().expect("start");
        let memberships = String::from_utf8(output.stdout).expect("text");
        for place in cgroup.own_places() {
            let line = format!(":{}:{}", place.controllers.join(","), place.group().display());
            assert!(memberships.lines().any(|one| one.ends_with(&line)), "{line}: {memberships}");
        }
    });
}

#[test]
fn processes_in_cgroups_below_are_found() {
    ns_testbed::run_as!([Root], {
        let tested = each_version(|cgroup| {
            let sleepers = [Sleeper::new(), Sleeper::new()];
            let mut pids: Vec<_> = sleepers.iter().map(Sleeper::pid).collect();
            pids.sort_unstable();
            for place in cgroup.own_places() {
                let below = place.path().join("a/b");
                fs::create_dir_all(&below).expect("make");
                if place.has("cpuset") {
                    continue;
                }
                fs::write(below.join("cgroup.procs"), pids[0].to_string()).expect("move");
                let procs = place.path().join("cgroup.procs");
                fs::write(procs, pids[1].to_string()).expect("move");
            }
            assert_eq!(cgroup.pids().expect("pids"), pids);
        });
        if let Err(reason) = tested {
            skip!("{reason}");
        }
    });
}

#[test]
fn g09_all_processes_are_killed_and_then_the_cgroup_is_removed() {
    ns_testbed::run_as!([Root], {
        let tested = each_version(|cgroup| {
            // It creates processes all the time.
            let mut busy = Sleeper::running("while :; do sleep 0.01 & done");
            cgroup.add(busy.pid()).expect("add");
            cgroup.kill().expect("kill");
            let status = busy.0.wait().expect("wait");
            assert_eq!(status.signal(), Some(9), "{status}");
            cgroup.remove().expect("remove");
            assert!(cgroup.own_places().all(|place| !place.path().exists()));
            cgroup.kill().expect("nothing is left");
        });
        if let Err(reason) = tested {
            skip!("{reason}");
        }
    });
}

/// As on a kernel without `cgroup.kill` and without a freezer.
#[test]
fn g09_processes_that_create_others_are_killed_in_rounds() {
    ns_testbed::run_as!([Root], {
        let mut cgroup = match made(Some(Version::One), &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let all = cgroup.0.places.clone();
        cgroup.0.places.retain(|place| place.has("pids") || place.has("memory"));
        let mut busy = Sleeper::running("while :; do sleep 0.01 & done");
        cgroup.add(busy.pid()).expect("add");
        cgroup.kill().expect("kill");
        busy.0.wait().expect("wait");
        assert_eq!(cgroup.pids().expect("pids"), [0; 0]);
        cgroup.0.places = all;
    });
}

/// A killed process leaves its cgroup a moment later.
#[test]
fn removal_waits_for_processes_that_end() {
    ns_testbed::run_as!([Root], {
        let tested = each_version(|cgroup| {
            let sleeper = Sleeper::new();
            cgroup.add(sleeper.pid()).expect("add");
            let ending = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                drop(sleeper);
            });
            cgroup.remove().expect("remove");
            ending.join().expect("end");
        });
        if let Err(reason) = tested {
            skip!("{reason}");
        }
    });
}

#[test]
fn a_cgroup_with_processes_is_not_removed_and_they_are_named() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let sleeper = Sleeper::new();
        cgroup.add(sleeper.pid()).expect("add");
        let text = format!("{:#}", cgroup.remove().expect_err("a process is left"));
        assert!(text.contains(&sleeper.pid().to_string()), "{text}");
        assert_eq!(cgroup.pids().expect("pids"), [sleeper.pid()]);
    });
}

#[test]
fn frozen_processes_stop_and_continue() {
    ns_testbed::run_as!([Root], {
        let tested = each_version(|cgroup| {
            let counter = std::env::temp_dir().join("counter");
            let script = format!("while :; do echo >> {}; done", counter.display());
            let busy = Sleeper::running(&script);
            cgroup.add(busy.pid()).expect("add");
            let size = || fs::metadata(&counter).map_or(0, |file| file.len());
            grows(size);
            assert!(!cgroup.is_frozen().expect("state"));
            cgroup.freeze().expect("freeze");
            assert!(cgroup.is_frozen().expect("state"));
            cgroup.freeze().expect("once more");
            let before = size();
            std::thread::sleep(Duration::from_millis(20));
            assert_eq!(size(), before);
            cgroup.thaw().expect("thaw");
            assert!(!cgroup.is_frozen().expect("state"));
            grows(size);
            drop(busy);
            fs::remove_file(&counter).expect("remove");
        });
        if let Err(reason) = tested {
            skip!("{reason}");
        }
    });
}

#[test]
fn g09_frozen_processes_can_be_killed() {
    ns_testbed::run_as!([Root], {
        let tested = each_version(|cgroup| {
            let mut sleeper = Sleeper::new();
            cgroup.add(sleeper.pid()).expect("add");
            cgroup.freeze().expect("freeze");
            cgroup.kill().expect("kill");
            assert_eq!(sleeper.0.wait().expect("wait").signal(), Some(9));
        });
        if let Err(reason) = tested {
            skip!("{reason}");
        }
    });
}

/// Waits until the number grows.
fn grows(number: impl Fn() -> u64) {
    let (before, end) = (number(), Instant::now() + LONG);
    while number() == before {
        assert!(Instant::now() < end, "it stays at {before}");
        std::thread::yield_now();
    }
}
