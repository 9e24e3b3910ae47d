//! A start without namespaces compared with that of std.

use benches::by_hand::std_command;
use benches::pairs::{PAIRS, ratios};
use benches::subjects::{self, run};

use crate::measured::Measured;

/// Does the same as std, which leaves the session, ignored signals and descriptors unchanged.
pub(crate) fn alike() -> Measured {
    let mut like_std = subjects::plain();
    like_std.new_session(false).inherit_ignored().close_fds(false);
    Measured::Ratios(ratios(PAIRS, || run(&like_std), std_command))
}

pub(crate) fn plain() -> Measured {
    let plain = subjects::plain();
    Measured::Ratios(ratios(PAIRS, || run(&plain), std_command))
}

pub(crate) fn many_variables() -> Measured {
    let (mut many, plain) = (subjects::plain(), subjects::plain());
    many.envs((0..40).map(|number| (format!("VARIABLE_{number}"), "some 20 bytes of text")));
    Measured::Ratios(ratios(PAIRS, || run(&many), || run(&plain)))
}
