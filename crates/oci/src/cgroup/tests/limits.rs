//! Limits are in the files of the kernel.

use ns_testbed::skip;
use serde_json::{Value, json};

use super::super::Cgroup;
use super::super::place::Version;
use super::{expect_error, file, made, nothing, resources};

const MIB: i64 = 1 << 20;

/// A limit, and the files with their texts in both versions.
struct Case {
    controller: &'static str,
    json: Value,
    version_1: (&'static str, &'static str),
    version_2: (&'static str, &'static str),
}

fn cases() -> Vec<Case> {
    let case =
        |controller, json, version_1, version_2| Case { controller, json, version_1, version_2 };
    let memory = json!({"memory": {"limit": 64 * MIB, "reservation": 32 * MIB}});
    let swap = json!({"memory": {"limit": 64 * MIB, "swap": 96 * MIB}});
    vec![
        case(
            "memory",
            memory.clone(),
            ("memory.limit_in_bytes", "67108864"),
            ("memory.max", "67108864"),
        ),
        case(
            "memory",
            memory,
            ("memory.soft_limit_in_bytes", "33554432"),
            ("memory.low", "33554432"),
        ),
        case(
            "memory",
            swap,
            ("memory.memsw.limit_in_bytes", "100663296"),
            ("memory.swap.max", "33554432"),
        ),
        case("pids", json!({"pids": {"limit": 42}}), ("pids.max", "42"), ("pids.max", "42")),
        case("cpu", json!({"cpu": {"shares": 512}}), ("cpu.shares", "512"), ("cpu.weight", "59")),
        case(
            "cpu",
            json!({"cpu": {"quota": 20000, "period": 50000}}),
            ("cpu.cfs_period_us", "50000"),
            ("cpu.max", "20000 50000"),
        ),
        case(
            "cpu",
            json!({"cpu": {"quota": 20000, "burst": 10000}}),
            ("cpu.cfs_burst_us", "10000"),
            ("cpu.max.burst", "10000"),
        ),
        case("cpu", json!({"cpu": {"idle": 1}}), ("cpu.idle", "1"), ("cpu.idle", "1")),
        case(
            "cpuset",
            json!({"cpu": {"cpus": "0", "mems": "0"}}),
            ("cpuset.cpus", "0"),
            ("cpuset.cpus", "0"),
        ),
        case(
            "hugetlb",
            json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]}),
            ("hugetlb.2MB.limit_in_bytes", "4194304"),
            ("hugetlb.2MB.max", "4194304"),
        ),
    ]
}

#[test]
fn limits_are_in_the_files() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let mut shown = Vec::new();
        for case in cases() {
            let has_file =
                |cgroup: &Cgroup| file(cgroup, case.controller, case.version_1.0, case.version_2.0);
            // A controller of version 2 that is not enabled yet has no file before.
            let resources = resources(case.json.clone());
            cgroup.remove().expect("remove");
            match cgroup.create(Some(&resources)) {
                Ok(()) => {
                    let version = cgroup.with(case.controller).expect("a place").version;
                    let expected =
                        if version == Version::One { case.version_1 } else { case.version_2 };
                    assert_eq!(has_file(&cgroup).as_deref(), Some(expected.1), "{}", expected.0);
                    shown.push(expected.0);
                }
                // What the machine lacks is said, and nothing is left.
                Err(error) => {
                    let text = format!("{error:#}");
                    let reasons =
                        ["is not available there", "no such file", "no mounted cgroup hierarchy"];
                    assert!(reasons.iter().any(|reason| text.contains(reason)), "{text}");
                    assert!(cgroup.own_places().all(|place| !place.path().exists()), "{text}");
                    cgroup.create(None).expect("create");
                }
            }
        }
        assert!(!shown.is_empty(), "no controller has its file");
        println!("shown: {}", shown.join(" "));
    });
}

/// The kernel refuses a limit of memory above that of memory and swap, whichever is written first.
#[test]
fn g05_limits_that_depend_on_each_other_are_raised_and_lowered() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let has_swap = ("memory.memsw.limit_in_bytes", "memory.swap.max");
        if file(&cgroup, "memory", has_swap.0, has_swap.1).is_none() {
            skip!("no controller memory with a limit of swap");
        }
        for size in [64 * MIB, 256 * MIB, 32 * MIB, 33 * MIB] {
            let memory = json!({"memory": {"limit": size, "swap": size + MIB}});
            cgroup.update(&resources(memory)).expect("update");
            let limit = file(&cgroup, "memory", "memory.limit_in_bytes", "memory.max");
            assert_eq!(limit, Some(size.to_string()));
        }
        cgroup.update(&resources(json!({"memory": {"limit": -1}}))).expect("no limit");
        let limit =
            file(&cgroup, "memory", "memory.limit_in_bytes", "memory.max").expect("a limit");
        assert!(
            limit == "max" || limit.parse::<u64>().is_ok_and(|limit| limit > 1 << 60),
            "{limit}"
        );
    });
}

#[test]
fn g05_quota_and_period_are_raised_and_lowered_and_kept() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let quota = || file(&cgroup, "cpu", "cpu.cfs_quota_us", "cpu.max");
        if quota().is_none() {
            skip!("no controller cpu with a limit");
        }
        for (quota, period, burst) in
            [(5_000, 10_000, 0), (500_000, 1_000_000, 500_000), (2_000, 5_000, 1_000)]
        {
            let cpu = json!({"cpu": {"quota": quota, "period": period, "burst": burst}});
            cgroup.update(&resources(cpu)).expect("update");
        }
        cgroup.update(&resources(json!({"cpu": {"period": 8_000}}))).expect("the period alone");
        assert!(["2000", "2000 8000"].contains(&&*quota().expect("a quota")));
        cgroup.update(&resources(json!({"cpu": {"quota": 4_000}}))).expect("the quota alone");
        assert!(["4000", "4000 8000"].contains(&&*quota().expect("a quota")));
    });
}

#[test]
fn a_limit_that_the_kernel_refuses_names_the_file_and_the_field() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(None, &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        let refused = cgroup.update(&resources(json!({"cpu": {"cpus": "1000000"}})));
        expect_error(refused, &["linux.resources.cpu", "1000000", "cpuset"]);
        let missing =
            cgroup.update(&resources(json!({"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]})));
        expect_error(missing, &["linux.resources.hugepageLimits", "hugetlb"]);
    });
}

#[test]
fn files_of_version_2_are_written_by_name() {
    ns_testbed::run_as!([Root], {
        let asked = resources(json!({"unified": {"cgroup.max.depth": "3"}}));
        let cgroup = match made(Some(Version::Two), &asked) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        assert_eq!(file(&cgroup, "", "", "cgroup.max.depth").as_deref(), Some("3"));
        let missing = resources(json!({"unified": {"nosuch.file": "3"}}));
        expect_error(
            cgroup.update(&missing),
            &["linux.resources.unified", "the controller nosuch is not available"],
        );
    });
}

/// A machine without a controller has no burst, and none is asked for.
#[test]
fn what_holds_without_a_file_needs_none() {
    ns_testbed::run_as!([Root], {
        let cgroup = match made(Some(Version::Two), &nothing()) {
            Err(reason) => skip!("{reason}"),
            Ok(cgroup) => cgroup,
        };
        cgroup.update(&resources(json!({"cpu": {"burst": 0}}))).expect("no burst");
        if file(&cgroup, "cpu", "", "cpu.max.burst").is_none() {
            let burst = cgroup.update(&resources(json!({"cpu": {"burst": 1}})));
            expect_error(burst, &["linux.resources.cpu", "the controller cpu is not available"]);
        }
    });
}
