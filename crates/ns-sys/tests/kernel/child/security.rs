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

/// A system call of keyctl(2) on the session keyring.
fn keyctl(operation: libc::c_long, arguments: [usize; 2]) -> i64 {
    const SESSION: libc::c_long = -3;
    // SAFETY: the operations below take numbers, or a buffer with its length.
    unsafe { libc::syscall(libc::SYS_keyctl, operation, SESSION, arguments[0], arguments[1]) }
}

/// The serial number of the session keyring of this process.
fn session_keyring() -> i64 {
    keyctl(0, [0, 0])
}

/// The description of the session keyring: type, owner, group, permissions and name.
fn session_keyring_description() -> String {
    let mut buffer = [0_u8; 256];
    let length = keyctl(6, [buffer.as_mut_ptr().expose_provenance(), buffer.len()]);
    let length = usize::try_from(length).expect("KEYCTL_DESCRIBE");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

/// The keyring is a new one each time, and has the given name.
#[test]
fn a_session_keyring_is_replaced() {
    ns_testbed::run_as!([Root, User, Nested], {
        let code = forked(|| {
            let mut seen = vec![session_keyring()];
            for name in [None, Some(c"ns-sys test"), None] {
                let serial = match child::keyctl_join_session_keyring(name) {
                    Err(Errno::NOSYS) => return 77,
                    other => i64::from(other.expect("keyctl")),
                };
                assert!(!seen.contains(&serial), "{serial} in {seen:?}");
                assert_eq!(session_keyring(), serial);
                let is_named = session_keyring_description().contains(";ns-sys test");
                assert_eq!(is_named, name.is_some());
                seen.push(serial);
            }
            assert_eq!(child::keyctl_join_session_keyring(Some(c".name")), Err(Errno::PERM));
            0
        });
        if code == 77 {
            ns_testbed::skip!("the kernel has no keyrings");
        }
        assert_eq!(code, 0);
    });
}
