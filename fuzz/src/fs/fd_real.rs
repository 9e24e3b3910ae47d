//! Descriptor moves in a child.
#![allow(unsafe_code, reason = "descriptors by number")]

use ns_fs::apply;
use ns_testbed::forked;

use super::descriptors::Wish;

/// Oracle: the kernel: a forked child reads its table back.
///
/// # Panics
/// Where it is not as wished.
pub fn fd_real(wish: &Wish) {
    let plan = wish.plan();
    let code = forked(|| {
        wish.0.try_in_child(|| {
            // SAFETY: this child uses no other descriptor, and ends without closing any.
            unsafe { apply::place_fds(plan.steps()) }.expect("place_fds");
            // SAFETY: as above.
            unsafe { apply::close_rest(plan.ranges()) }.expect("close_rest");
        })
    });
    assert_eq!(code, 0, "{plan:?} of {wish:?}");
}

#[cfg(test)]
mod tests {
    use ns_testbed::DescriptorWish;

    use super::*;

    #[test]
    fn a_circle_is_read_back() {
        ns_testbed::run_as!([Root, User], {
            fd_real(&Wish(DescriptorWish {
                open: [(0, true), (1, false), (13, true)].into(),
                moves: [(0, 1), (1, 0), (2, 13)].into(),
                kept: [13, 5].into(),
                close_rest: true,
            }));
        });
    }
}
