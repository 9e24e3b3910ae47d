//! A limit of the caller. The function of rustix panics if a seccomp filter forbids the call.
#![allow(unsafe_code, reason = "getrlimit(2) with a pointer")]

use libc::{RLIM_INFINITY, getrlimit, rlimit};

use crate::resource::Resource;

/// The soft limit; `None` if there is none, or it cannot be read.
pub(crate) fn soft_limit(resource: Resource) -> Option<u64> {
    let mut limit = rlimit { rlim_cur: RLIM_INFINITY, rlim_max: RLIM_INFINITY };
    // SAFETY: the kernel stores the two numbers at the address of a local variable.
    let result = unsafe { getrlimit(resource as u32 as _, &raw mut limit) };
    (result == 0 && limit.rlim_cur != RLIM_INFINITY).then_some(limit.rlim_cur)
}
