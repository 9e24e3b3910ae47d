//! The number of random cases, and how they are run.

use proptest::test_runner::{Config, TestRunner};

/// Usually `few` cases; many with `NS_STRESS`.
pub(crate) fn cases(few: u32) -> u32 {
    if std::env::var_os("NS_STRESS").is_some() { 100_000 } else { few }
}

pub(crate) fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}
