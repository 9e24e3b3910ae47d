//! The names of the UTS namespace, and the loopback interface of a new network namespace.
#![allow(unsafe_code, reason = "the calls under test")]

use std::fs;
use std::os::fd::AsFd;

use ns_sys::child;
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::forked;

use super::{owned, status};

/// The names of a new UTS namespace are set.
#[test]
fn host_and_domain_names_are_set() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            unshare(UnshareFlags::NEWUTS).expect("unshare");
            child::sethostname(b"box").expect("sethostname");
            child::setdomainname(b"example").expect("setdomainname");
            assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").expect("read"), "box\n");
            assert_eq!(
                fs::read_to_string("/proc/sys/kernel/domainname").expect("read"),
                "example\n"
            );
            assert_eq!(child::sethostname(&[b'x'; 65]), Err(Errno::INVAL));
            0
        });
        assert_eq!(code, 0);
    });
}

/// Without privilege over the UTS namespace, its names cannot be changed.
#[test]
fn host_and_domain_names_need_privilege() {
    ns_testbed::run_as!([User], {
        assert_eq!(child::sethostname(b"box"), Err(Errno::PERM));
        assert_eq!(child::setdomainname(b"box"), Err(Errno::PERM));
    });
}

/// prctl, socket and ioctl: no_new_privs, and the flags of the loopback interface of a new network namespace.
#[test]
fn f24_loopback_starts_down() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            // SAFETY: PR_SET_NO_NEW_PRIVS takes numbers only.
            unsafe { child::prctl(38, [1, 0, 0, 0]) }.expect("prctl");
            assert_eq!(status("NoNewPrivs:"), "1");
            unshare(UnshareFlags::NEWNET).expect("unshare");
            let socket = owned(child::socket(2, 2, 0).expect("socket"));
            // `struct ifreq`: the name in 16 bytes, then the flags.
            let mut request = [0_u8; 40];
            request[..2].copy_from_slice(b"lo");
            let argument = (&raw mut request).expose_provenance();
            // SAFETY: SIOCGIFFLAGS writes the flags into `request`, which outlives the call.
            unsafe { child::ioctl(socket.as_fd(), 0x8913, argument) }.expect("ioctl");
            i32::from(request[16] & 1)
        });
        assert_eq!(code, 0, "IFF_UP");
    });
}
