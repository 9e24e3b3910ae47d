//! Compare the memory of processes.

use std::process::{self, Command, Stdio};

use ns_sys::{Errno, kcmp_vm};

/// An executed program does not share the memory of its parent, and a reaped process is not found.
#[test]
fn an_executed_program_has_its_own_memory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = process::id();
        assert_eq!(kcmp_vm(own, own), Ok(true));
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("spawn");
        assert_eq!(kcmp_vm(own, child.id()), Ok(false));
        child.kill().expect("kill");
        child.wait().expect("wait");
        assert_eq!(kcmp_vm(own, child.id()), Err(Errno::SRCH));
    });
}
