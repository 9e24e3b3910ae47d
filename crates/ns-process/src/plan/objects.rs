//! What a step of the child's was about.

use std::prelude::rust_2024::*;

use super::Plan;
use crate::in_child::Report;
use crate::step::Step;

impl Plan {
    /// The object of the step that failed, in words; the program's is told with its paths.
    pub(crate) fn object(&self, report: Report) -> Option<String> {
        match report.step {
            Step::Propagation => Some("/".to_owned()),
            Step::MountTarget | Step::Mount => Some("/proc".to_owned()),
            _ => None,
        }
    }
}
