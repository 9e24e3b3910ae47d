//! A program under an init, which is process 1.

use benches::pairs::{PAIRS, ratios};
use benches::subjects::{FIVE, new, run};
use ns_process::Init;

use crate::measured::Measured;

pub(crate) fn against_none() -> Measured {
    let (mut with_init, without) = (new(&FIVE), new(&FIVE));
    with_init.init(Init::builtin());
    Measured::Ratios(ratios(PAIRS, || run(&with_init), || run(&without)))
}
