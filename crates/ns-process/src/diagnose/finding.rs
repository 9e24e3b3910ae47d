//! The results of a diagnosis.

use std::fmt;
use std::prelude::rust_2024::*;

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    topic: String,
    works: bool,
    detail: String,
    advice: Option<String>,
}

impl Finding {
    pub(super) fn new(topic: impl Into<String>, works: bool, detail: impl Into<String>) -> Self {
        Self { topic: topic.into(), works, detail: detail.into(), advice: None }
    }

    /// What to change if it does not work.
    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into()).filter(|advice| !self.works && !advice.is_empty());
        self
    }

    /// The subject of the check, for example `user namespace` or `close_range`.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether the check succeeded.
    pub fn works(&self) -> bool {
        self.works
    }

    /// The observed state.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What to change, if the check failed and something can be changed.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.works { "ok" } else { "no" };
        write!(f, "{mark}  {}: {}", self.topic, self.detail)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, " ({advice})"))
    }
}

/// The results of [`diagnose`](crate::diagnose). `Display` prints one line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis(pub(super) Vec<Finding>);

impl Diagnosis {
    /// The results, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, finding)| {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{finding}")
        })
    }
}
