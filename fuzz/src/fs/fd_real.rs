//! Descriptor plans, applied in a child process.
#![allow(unsafe_code, reason = "descriptors by number")]

use ns_fs::apply;
use ns_testbed::forked;

use super::descriptors::DescriptorCase;

/// Plans descriptors and applies the steps in a forked process.
///
/// Oracle: the kernel. The forked process checks its own descriptors.
///
/// # Panics
/// If they are not as requested.
pub fn fd_real(case: &DescriptorCase) {
    let plan = case.plan();
    let code = forked(|| {
        case.0.try_in_child(|| {
            // SAFETY: this process uses no other descriptor, and exits without closing any.
            unsafe { apply::place_fds(plan.steps()) }.expect("place_fds");
            // SAFETY: as above.
            unsafe { apply::close_rest(plan.ranges()) }.expect("close_rest");
        })
    });
    assert_eq!(code, 0, "{plan:?} of {case:?}");
}

#[cfg(test)]
mod tests {
    use ns_testbed::DescriptorRequest;

    use super::*;

    #[test]
    fn a_cycle_is_resolved_in_a_child() {
        ns_testbed::run_as!([Root, User], {
            fd_real(&DescriptorCase(DescriptorRequest {
                open: [(0, true), (1, false), (13, true)].into(),
                moves: [(0, 1), (1, 0), (2, 13)].into(),
                kept: [13, 5].into(),
                close_rest: true,
            }));
        });
    }
}
