//! The values for the files of each version.

use oci_spec::runtime::LinuxResources;
use proptest::prelude::*;
use serde_json::json;

use super::super::limits::{Absent, compile};
use super::super::place::Version;
use super::super::write::{Missing, Value, Write};
use super::{expect_error, nothing, resources};

fn lines(resources: &LinuxResources, version: Version) -> anyhow::Result<Vec<String>> {
    let groups = compile(resources, |_| Ok(version))?;
    Ok(groups.iter().flat_map(|group| &group.writes).map(line).collect())
}

/// `file=value`, with `?` if the file may be missing, and the other file.
fn line(write: &Write) -> String {
    let value = match &write.value {
        Value::Text(text) => text.clone(),
        Value::KeepFirst(text) => format!("… {text}"),
    };
    let end = match &write.missing {
        Missing::Error => String::new(),
        Missing::Ignore => "?".to_owned(),
        Missing::Instead(other) => format!(" or {}", line(other)),
    };
    format!("{}={value}{end}", write.file)
}

fn assert_lines(json: &serde_json::Value, version: Version, expected: &[&str]) {
    let found = lines(&resources(json.clone()), version);
    assert_eq!(found.expect("compile"), expected, "{json} {version:?}");
}

#[test]
fn memory_has_the_files_of_its_version() {
    let memory = json!({"memory": {"limit": 100, "swap": 150, "reservation": 50, "kernel": 7, "kernelTCP": 8}});
    assert_lines(
        &memory,
        Version::One,
        &[
            "memory.limit_in_bytes=100",
            "memory.memsw.limit_in_bytes=150",
            "memory.soft_limit_in_bytes=50",
        ],
    );
    let expected = ["memory.max=100", "memory.swap.max=50", "memory.low=50"];
    assert_lines(&memory, Version::Two, &expected);
}

#[test]
fn minus_one_is_no_limit() {
    let memory = json!({"memory": {"limit": -1}, "pids": {"limit": -1}, "cpu": {"quota": -1}});
    assert_lines(
        &memory,
        Version::One,
        &[
            "memory.limit_in_bytes=-1",
            "memory.memsw.limit_in_bytes=-1?",
            "cpu.cfs_quota_us=-1",
            "pids.max=max",
        ],
    );
    let expected = ["memory.max=max", "memory.swap.max=max?", "cpu.max=max", "pids.max=max"];
    assert_lines(&memory, Version::Two, &expected);
}

#[test]
fn zero_asks_for_nothing() {
    let zeros = json!({
        "memory": {"limit": 0, "swap": 0, "reservation": 0, "disableOOMKiller": false},
        "cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0, "realtimePeriod": 0, "cpus": "", "mems": ""},
        "pids": {"limit": 0}, "blockIO": {"weight": 0, "leafWeight": 0}, "network": {"classID": 0}, "devices": []
    });
    assert_lines(&zeros, Version::One, &[]);
    assert_lines(&zeros, Version::Two, &[]);
    for absent in [Absent::Missing, Absent::Denied] {
        assert!(compile(&resources(zeros.clone()), |_| Err(absent)).expect("compile").is_empty());
    }
}

#[test]
fn the_settings_of_version_1_alone_are_errors_in_version_2() {
    for (name, json) in [
        ("swappiness", json!({"memory": {"swappiness": 10}})),
        ("disableOOMKiller", json!({"memory": {"disableOOMKiller": true}})),
        ("useHierarchy", json!({"memory": {"useHierarchy": false}})),
        ("realtimeRuntime", json!({"cpu": {"realtimeRuntime": 10}})),
        ("leafWeight", json!({"blockIO": {"leafWeight": 10}})),
        (
            "leafWeight",
            json!({"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "leafWeight": 10}]}}),
        ),
        ("classID", json!({"network": {"classID": 5}})),
        ("priorities", json!({"network": {"priorities": [{"name": "lo", "priority": 5}]}})),
    ] {
        let resources = resources(json);
        assert!(!lines(&resources, Version::One).expect("version 1").is_empty());
        expect_error(lines(&resources, Version::Two), &[name, "remove it"]);
    }
}

#[test]
fn swap_without_memory_or_below_it_is_an_error_in_version_2() {
    let swap = |json| lines(&resources(json), Version::Two);
    expect_error(swap(json!({"memory": {"swap": 100}})), &["memory.limit"]);
    expect_error(swap(json!({"memory": {"limit": 200, "swap": 100}})), &["100", "200"]);
    let memory = json!({"memory": {"limit": 100, "swap": 100}});
    assert_lines(&memory, Version::Two, &["memory.max=100", "memory.swap.max=0?"]);
    let memory = json!({"memory": {"limit": -1, "swap": 100}});
    assert_lines(&memory, Version::Two, &["memory.max=max", "memory.swap.max=100"]);
}

#[test]
fn cpu_keeps_what_is_not_named() {
    let version_2 = |json, expected: &[&str]| assert_lines(&json, Version::Two, expected);
    version_2(json!({"cpu": {"quota": 5, "period": 10}}), &["cpu.max=5 10"]);
    version_2(json!({"cpu": {"quota": 5}}), &["cpu.max=5"]);
    version_2(json!({"cpu": {"period": 10}}), &["cpu.max=… 10"]);
    version_2(
        json!({"cpu": {"shares": 1024, "idle": 0, "burst": 0, "cpus": "0-1", "mems": "0"}}),
        &["cpu.weight=100", "cpu.idle=0", "cpu.max.burst=0?", "cpuset.cpus=0-1", "cpuset.mems=0"],
    );
    assert_lines(
        &json!({"cpu": {"shares": 1024, "realtimePeriod": 9, "realtimeRuntime": 8, "burst": 3, "cpus": "0"}}),
        Version::One,
        &[
            "cpu.shares=1024",
            "cpu.cfs_burst_us=3",
            "cpu.rt_period_us=9",
            "cpu.rt_runtime_us=8",
            "cpuset.cpus=0 or cpus=0",
        ],
    );
}

#[test]
fn block_devices_have_lines_of_their_own() {
    let rate = |rate: u64| json!([{"major": 8, "minor": 16, "rate": rate}]);
    let json = json!({"blockIO": {
        "weight": 1000, "weightDevice": [{"major": 8, "minor": 0, "weight": 10}],
        "throttleReadBpsDevice": rate(1), "throttleWriteBpsDevice": rate(2),
        "throttleReadIOPSDevice": rate(3), "throttleWriteIOPSDevice": rate(0)
    }});
    assert_lines(
        &json,
        Version::One,
        &[
            "blkio.weight=1000 or blkio.bfq.weight=1000",
            "blkio.weight_device=8:0 10 or blkio.bfq.weight_device=8:0 10",
            "blkio.throttle.read_bps_device=8:16 1",
            "blkio.throttle.write_bps_device=8:16 2",
            "blkio.throttle.read_iops_device=8:16 3",
            "blkio.throttle.write_iops_device=8:16 0",
        ],
    );
    assert_lines(
        &json,
        Version::Two,
        &[
            "io.bfq.weight=1000 or io.weight=10000",
            "io.bfq.weight=8:0 10 or io.weight=8:0 1",
            "io.max=8:16 rbps=1",
            "io.max=8:16 wbps=2",
            "io.max=8:16 riops=3",
            "io.max=8:16 wiops=max",
        ],
    );
    let wrong = resources(json!({"blockIO": {"weight": 9}}));
    expect_error(lines(&wrong, Version::Two), &["9 is not from 10 to 1000"]);
}

#[test]
fn the_other_controllers_have_one_line_for_each_entry() {
    let json = json!({
        "hugepageLimits": [{"pageSize": "2MB", "limit": 4}],
        "network": {"classID": 7, "priorities": [{"name": "lo", "priority": 5}]},
        "rdma": {"b": {"hcaHandles": 1, "hcaObjects": 2}, "a": {"hcaObjects": 3}, "c": {}}
    });
    let rdma = ["rdma.max=a hca_object=3", "rdma.max=b hca_handle=1 hca_object=2"];
    let pages = ["hugetlb.2MB.limit_in_bytes=4", "hugetlb.2MB.rsvd.limit_in_bytes=4?"];
    let network = ["net_cls.classid=7", "net_prio.ifpriomap=lo 5"];
    assert_lines(&json, Version::One, &[&pages[..], &network, &rdma].concat());
    let pages = json!({"hugepageLimits": [{"pageSize": "1GB", "limit": -1}]});
    assert_lines(&pages, Version::Two, &["hugetlb.1GB.max=max", "hugetlb.1GB.rsvd.max=max?"]);
    let path = resources(json!({"hugepageLimits": [{"pageSize": "../x", "limit": 1}]}));
    expect_error(lines(&path, Version::Two), &["../x"]);
}

#[test]
fn unified_files_are_written_last_and_line_by_line() {
    let json = json!({"unified": {"memory.high": "5", "io.max": "8:0 rbps=1\n8:1 rbps=2\n"}, "pids": {"limit": 3}});
    let expected = ["pids.max=3", "io.max=8:0 rbps=1", "io.max=8:1 rbps=2", "memory.high=5"];
    assert_lines(&json, Version::Two, &expected);
    for name in ["../x", "a/b.c", "", "nodot", ".x"] {
        let wrong = resources(json!({"unified": {name: "1"}}));
        expect_error(lines(&wrong, Version::Two), &["memory.high"]);
    }
}

#[test]
fn a_limit_without_its_controller_is_an_error() {
    for (json, controller) in [
        (json!({"memory": {"limit": 1}}), "memory"),
        (json!({"cpu": {"cpus": "0"}}), "cpuset"),
        (json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]}), "hugetlb"),
        (json!({"unified": {"memory.high": "1"}}), "version 2"),
    ] {
        let resources = resources(json);
        expect_error(compile(&resources, |_| Err(Absent::Missing)), &[controller, "mount one"]);
        expect_error(
            compile(&resources, |_| Err(Absent::Denied)),
            &[controller, "this user may not make one"],
        );
    }
    assert!(compile(&nothing(), |_| Err(Absent::Missing)).expect("nothing").is_empty());
}

#[test]
fn shares_out_of_range_are_an_error_in_version_1_and_the_nearest_weight_in_version_2() {
    for (shares, weight) in [(1_u64, 1), (2, 1), (1024, 100), (262_144, 10_000), (u64::MAX, 10_000)]
    {
        let json = json!({"cpu": {"shares": shares}});
        assert_lines(&json, Version::Two, &[&format!("cpu.weight={weight}")]);
        let is_valid = lines(&resources(json), Version::One).is_ok();
        assert_eq!(is_valid, (2..=262_144).contains(&shares));
    }
}

proptest! {
    /// More shares are never less weight, and each weight is valid.
    #[test]
    fn weights_grow_with_shares(a: u64, b: u64) {
        let weight = |shares: u64| {
            let found = lines(&resources(json!({"cpu": {"shares": shares}})), Version::Two).expect("compile");
            found[0].rsplit('=').next().expect("a value").parse::<u64>().expect("a number")
        };
        let (low, high) = (a.min(b).max(1), a.max(b).max(1));
        prop_assert!((1..=10_000).contains(&weight(low)));
        prop_assert!(weight(low) <= weight(high));
        prop_assert!(weight(low % 262_144 + 1) <= weight((low % 262_144 + 2).min(262_144)));
    }

    #[test]
    fn swap_is_what_is_left_of_memory_and_swap(memory in 1..i64::MAX, more in 0..i64::MAX) {
        let swap = memory.saturating_add(more);
        let json = json!({"memory": {"limit": memory, "swap": swap}});
        let found = lines(&resources(json), Version::Two).expect("compile");
        prop_assert_eq!(found[1].trim_end_matches('?'), format!("memory.swap.max={}", swap - memory));
    }
}
