//! A pid 1 beside the program.

use benches::pairs::{PAIRS, ratios};
use benches::subjects::{FIVE, new, run};
use ns_process::Init;

use crate::measured::Measured;

pub(crate) fn against_none() -> Measured {
    let (mut beside, alone) = (new(&FIVE), new(&FIVE));
    beside.init(Init::builtin());
    Measured::Ratios(ratios(PAIRS, || run(&beside), || run(&alone)))
}
