//! Helper tests: they are the programs of other tests, and do nothing when the harness runs them.

use std::any::type_name;

use ns_process::{Builder, Container};

/// The path of this test binary.
pub(crate) const OWN_BINARY: &str = "/proc/self/exe";

/// Set for a helper test that runs as the program of another test.
const VARIABLE: &str = "NS_HELPER_TEST";

/// Whether the harness was started by [`run_helper_test`].
pub(crate) fn is_helper_test() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// This test binary as a program that runs the helper test `test`.
pub(crate) fn helper_test<T: Fn()>(test: T) -> Container {
    let mut container = Container::new(OWN_BINARY);
    run_helper_test(&mut container, test);
    container
}

/// Makes `builder`, whose program is [`OWN_BINARY`], run the helper test `test`.
pub(crate) fn run_helper_test<Kind, T: Fn()>(builder: &mut Builder<Kind>, _test: T) {
    // The harness knows a test by its path without the crate.
    let (_, name) = type_name::<T>().split_once("::").expect("the path of a function");
    builder.args([name, "--exact", "--nocapture"]).env(VARIABLE, "1");
    builder.env_remove("NS_TESTBED_ROLE");
}
