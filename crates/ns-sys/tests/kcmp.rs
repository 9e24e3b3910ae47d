//! Whether processes share their memory.

use std::process::{self, Command, Stdio};

use ns_sys::{Errno, kcmp_vm};

/// A program that was executed has memory of its own, and so has one that is dead.
#[test]
fn an_executed_program_shares_none() {
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
