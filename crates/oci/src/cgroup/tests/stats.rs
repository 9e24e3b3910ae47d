//! What a container uses.

use ns_testbed::skip;
use serde_json::{Value, json};

use super::super::Cgroup;
use super::{Sleeper, made, nothing, resources};

/// runc prints these names, also if the machine has no numbers.
#[test]
fn the_names_are_those_of_runc() {
    let stats = serde_json::to_value(Cgroup::none().stats().expect("stats")).expect("json");
    let names: Vec<_> = stats.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected =
        ["blkio", "cpu", "cpuset", "hugetlb", "intel_rdt", "memory", "network_interfaces", "pids"];
    assert_eq!(names, expected);
    assert_eq!(stats["memory"]["usage"], json!({"limit": 0, "failcnt": 0}));
    assert_eq!(stats["cpu"]["usage"], json!({"kernel": 0, "user": 0}));
    assert_eq!(stats["memory"]["kernelTCP"]["failcnt"], 0);
    assert_eq!(stats["network_interfaces"], Value::Null);
}

#[test]
fn numbers_are_those_of_the_container() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let limit = resources(json!({"memory": {"limit": 1 << 26}, "pids": {"limit": 9}}));
        if let Err(error) = cgroup.update(&limit) {
            skip!("no controller: {error:#}");
        }
        let busy = Sleeper::running("while :; do head -c 100000 /dev/zero > /dev/null; done");
        cgroup.add(busy.pid()).expect("add");
        let end = std::time::Instant::now() + ns_testbed::LONG;
        let stats = loop {
            let stats = serde_json::to_value(cgroup.stats().expect("stats")).expect("json");
            if stats["cpu"]["usage"]["total"].as_u64() > Some(1_000_000)
                || std::time::Instant::now() > end
            {
                break stats;
            }
        };
        assert!(stats["cpu"]["usage"]["total"].as_u64() > Some(1_000_000), "{stats}");
        assert_eq!(stats["memory"]["usage"]["limit"], 1 << 26);
        assert!(stats["memory"]["usage"]["usage"].as_u64() > Some(0), "{stats}");
        assert!(stats["memory"]["raw"].as_object().is_some_and(|raw| raw.len() > 5), "{stats}");
        assert_eq!(stats["pids"]["limit"], 9);
        assert!(stats["pids"]["current"].as_u64() > Some(0), "{stats}");
        println!("shown: {stats}");
    });
}
