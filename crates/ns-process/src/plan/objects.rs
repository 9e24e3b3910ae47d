//! What a step of the child's was about.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::Namespace;

use super::Plan;
use crate::in_child::{PROC, Report};
use crate::step::Step;

impl Plan {
    /// The object of the step that failed, in words; the program's is told with its paths.
    pub(crate) fn object(&self, report: Report) -> Option<String> {
        let shown = |path: &Path| path.display().to_string();
        match report.step {
            Step::Propagation => Some("/".to_owned()),
            Step::MountTarget | Step::Mount if report.index == PROC => Some("/proc".to_owned()),
            Step::MountTarget | Step::Mount => {
                self.root.target(report.index).map(|path| shown(path))
            }
            Step::OpenRoot | Step::ReadOnlyRoot | Step::PivotRoot | Step::Chroot => {
                self.root.path().map(|path| shown(path))
            }
            Step::Workdir => self.root.workdir().map(|path| shown(path)),
            Step::PlaceFd => Some(report.index.to_string()),
            Step::Rlimit => self.limits.resource(report.index),
            Step::ExecLabel => self.privileges.label_text(),
            Step::Join => Some(self.joined_object(report.index)),
            _ => None,
        }
    }

    fn joined_object(&self, index: u32) -> String {
        let target = self.join.target.as_ref();
        let of = target.map_or_else(String::new, |(target, _)| format!(" of {}", target.name()));
        let kind = Namespace::ALL.into_iter().find(|kind| *kind as u32 == index);
        match kind {
            Some(kind) => format!("the {kind} namespace{of}"),
            None => format!("{}{of}", self.join.kinds()),
        }
    }
}
