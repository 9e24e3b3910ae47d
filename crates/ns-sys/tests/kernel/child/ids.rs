//! User and group IDs.

use ns_sys::Errno;
use ns_sys::child;
use ns_testbed::USER;

use super::status;

/// IDs and groups change for the calling thread only.
#[test]
fn b13_ids_change_for_the_calling_thread_only() {
    ns_testbed::run_as!([Root], {
        std::thread::spawn(|| {
            child::setgroups(&[7, 8]).expect("setgroups");
            child::setresgid(USER).expect("setresgid");
            child::setresuid(USER).expect("setresuid");
            assert_eq!(status("Groups:"), "7 8");
            assert_eq!(status("Uid:"), "12345 12345 12345 12345");
            assert_eq!(status("Gid:"), "12345 12345 12345 12345");
            assert_eq!(child::setresuid(0), Err(Errno::PERM));
            assert_eq!(child::setgroups(&[]), Err(Errno::PERM));
        })
        .join()
        .expect("join");
        assert_eq!(status("Uid:"), "0 0 0 0");
        // The change cleared the "dumpable" attribute of the whole process.
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)
            .expect("set dumpable");
    });
}

/// An ID without a mapping is invalid.
#[test]
fn a24_unmapped_ids_are_invalid() {
    ns_testbed::run_as!([Nested], {
        assert_eq!(child::setresuid(1), Err(Errno::INVAL));
        assert_eq!(child::setresgid(1), Err(Errno::INVAL));
    });
}
