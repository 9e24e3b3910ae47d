//! Capabilities and seccomp filters.
#![allow(unsafe_code, reason = "the calls under test")]

use ns_sys::Errno;
use ns_sys::child::{self, BpfInstruction, CapabilitySets};
use ns_testbed::forked;

use super::status_mask;

/// Dropped capabilities cannot be regained.
#[test]
fn dropped_capabilities_cannot_be_regained() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            let one = CapabilitySets { effective: 1 << 40, permitted: 1 << 40 | 1, inheritable: 1 };
            child::capset(one).expect("capset");
            assert_eq!(
                (status_mask("CapEff:"), status_mask("CapPrm:"), status_mask("CapInh:")),
                (1 << 40, 1 << 40 | 1, 1)
            );
            let more = CapabilitySets { permitted: u64::MAX, ..one };
            i32::from(child::capset(more) != Err(Errno::PERM))
        });
        assert_eq!(code, 0);
    });
}

/// A filter takes effect with the call.
#[test]
fn a_seccomp_filter_takes_effect() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            // SAFETY: PR_SET_NO_NEW_PRIVS takes numbers only.
            unsafe { child::prctl(38, [1, 0, 0, 0]) }.expect("prctl");
            // Load the system call number; setsid fails with errno 77, every other call is allowed.
            let filter = [
                BpfInstruction { code: 0x20, jt: 0, jf: 0, k: 0 },
                BpfInstruction { code: 0x15, jt: 0, jf: 1, k: linux_raw_sys::general::__NR_setsid },
                BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x0005_004d },
                BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 },
            ];
            // SAFETY: the kernel rejects an empty filter.
            assert_eq!(unsafe { child::seccomp_set_filter(0, &[]) }, Err(Errno::INVAL));
            // SAFETY: the filter changes the result of setsid only, and no other code calls that.
            unsafe { child::seccomp_set_filter(0, &filter) }.expect("seccomp");
            i32::from(child::setsid() != Err(Errno::from_raw_os_error(77)))
        });
        assert_eq!(code, 0);
    });
}

/// A filter needs no_new_privs or `CAP_SYS_ADMIN`.
#[test]
fn seccomp_needs_no_new_privs() {
    ns_testbed::run_as!([User], {
        let allow = [BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }];
        // SAFETY: the filter allows every call.
        assert_eq!(unsafe { child::seccomp_set_filter(0, &allow) }, Err(Errno::ACCESS));
    });
}
