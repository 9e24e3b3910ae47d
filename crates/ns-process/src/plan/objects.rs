//! The object of a failed step, for the error message.

use std::path::Path;
use std::prelude::rust_2024::*;
use std::string::ToString;

use super::Plan;
use crate::in_child::{PROC, Report};
use crate::settings::Init;
use crate::step::Step;

impl Plan {
    /// The object of the failed step, if it has one. The object of `Step::Exec` is added elsewhere.
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
            Step::Join => Some(self.join.object(report.index)),
            Step::Init => Some(self.init_name()),
            _ => None,
        }
    }

    /// The name of the init in messages.
    fn init_name(&self) -> String {
        let path = self.init.as_ref().and_then(Init::get_path);
        path.map_or_else(|| "the built-in init".to_owned(), |path| path.display().to_string())
    }
}
