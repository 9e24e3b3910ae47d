//! Filters of device access for a cgroup.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ns_sys::{
    BpfInsn, Errno, attach_cgroup_device, bpf_program_by_id, cgroup_device_programs,
    load_cgroup_device,
};
use ns_testbed::skip;

const DEV_NULL: &str = "echo 0 > $0/cgroup.procs && head -c 1 /dev/null";
const DEV_ZERO: &str = "echo 0 > $0/cgroup.procs && head -c 1 /dev/zero";

/// `r0 = value; exit`
fn answer(value: i32) -> [BpfInsn; 2] {
    [BpfInsn::new(0xb7, 0, 0, 0, value), BpfInsn::new(0x95, 0, 0, 0, 0)]
}

/// Allows minor number 3 only: `r2 = *(u32 *)(r1 + 8); if r2 == 3 goto +2; r0 = 0; exit; r0 = 1; exit`
fn minor_three() -> Vec<BpfInsn> {
    let compare = [BpfInsn::new(0x61, 2, 1, 8, 0), BpfInsn::new(0x15, 2, 0, 2, 3)];
    [compare, answer(0), answer(1)].concat()
}

/// A cgroup of version 2, removed on drop.
struct Cgroup(PathBuf);

impl Cgroup {
    /// `None` if this process cannot make one.
    fn new() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
        let line = mounts.lines().find(|line| line.contains(" cgroup2 "))?;
        let path = PathBuf::from(line.split(' ').nth(1)?).join(ns_testbed::own_name());
        fs::create_dir(&path).ok()?;
        Some(Self(path))
    }

    fn open(&self) -> File {
        File::open(&self.0).expect("open the cgroup")
    }

    /// Whether the shell script succeeds in a process of this cgroup.
    fn allows(&self, script: &str) -> bool {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).arg(&self.0).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("start a shell").success()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).expect("remove the cgroup");
    }
}

/// The first program limits the cgroup to one device; the second, added, refuses that one too.
#[test]
fn a_program_decides_which_devices_a_cgroup_may_open() {
    ns_testbed::run_as!([Root], {
        let Some(cgroup) = Cgroup::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let program = match load_cgroup_device(&minor_three()) {
            Err(errno @ (Errno::PERM | Errno::NOSYS)) => skip!("bpf(2) is not allowed: {errno}"),
            loaded => loaded.expect("load"),
        };
        assert!(cgroup.allows(DEV_NULL) && cgroup.allows(DEV_ZERO));
        attach_cgroup_device(cgroup.open(), &program, None).expect("attach");
        drop(program);
        assert!(cgroup.allows(DEV_NULL) && !cgroup.allows(DEV_ZERO));
        let none = load_cgroup_device(&answer(0)).expect("load");
        attach_cgroup_device(cgroup.open(), &none, None).expect("attach one more");
        assert!(!cgroup.allows(DEV_NULL) && !cgroup.allows(DEV_ZERO));
    });
}

#[test]
fn an_attached_program_is_found_and_replaced() {
    ns_testbed::run_as!([Root], {
        let Some(cgroup) = Cgroup::new() else {
            skip!("no cgroup of version 2 can be made here");
        };
        let program = match load_cgroup_device(&answer(0)) {
            Err(errno @ (Errno::PERM | Errno::NOSYS)) => skip!("bpf(2) is not allowed: {errno}"),
            loaded => loaded.expect("load"),
        };
        let mut ids = [0; 64];
        assert!(cgroup_device_programs(cgroup.open(), &mut ids).expect("query").is_empty());
        attach_cgroup_device(cgroup.open(), &program, None).expect("attach");
        assert_eq!(cgroup_device_programs(cgroup.open(), &mut []), Err(Errno::NOSPC));
        let found = cgroup_device_programs(cgroup.open(), &mut ids).expect("query").to_vec();
        assert_eq!(found.len(), 1);
        let old = bpf_program_by_id(found[0]).expect("the attached program");
        let new = load_cgroup_device(&minor_three()).expect("load");
        attach_cgroup_device(cgroup.open(), &new, Some(old.as_fd())).expect("replace");
        assert!(cgroup.allows(DEV_NULL) && !cgroup.allows(DEV_ZERO));
        assert_eq!(cgroup_device_programs(cgroup.open(), &mut ids).expect("query").len(), 1);
        let twice = attach_cgroup_device(cgroup.open(), &new, None);
        assert_eq!(twice, Err(Errno::INVAL));
        let other = load_cgroup_device(&answer(1)).expect("load");
        let gone = attach_cgroup_device(cgroup.open(), &other, Some(old.as_fd()));
        assert_eq!(gone, Err(Errno::NOENT));
    });
}

#[test]
fn the_verifier_and_missing_privileges_are_errors() {
    ns_testbed::run_as!([Root, User, Nested], {
        let endless = [BpfInsn::new(0x05, 0, 0, -1, 0)];
        let errno = load_cgroup_device(&endless).expect_err("no end");
        assert!([Errno::INVAL, Errno::PERM, Errno::NOSYS].contains(&errno), "{errno}");
        if let Ok(program) = load_cgroup_device(&answer(1)) {
            let file = File::open("/proc/self").expect("open");
            assert_eq!(attach_cgroup_device(&file, &program, None), Err(Errno::BADF));
        }
    });
}
