//! Opens namespaces by their files.

use std::borrow::ToOwned;
use std::format;
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::{Errno, Namespace, NamespaceFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::fcntl_dupfd_cloexec;

use super::TargetSpec;
use super::namespaces::Own;
use crate::error::Error;
use crate::hint;
use crate::settings::JoinFile;
use crate::step::Step;

impl TargetSpec<'_> {
    /// Opens all namespace files, without those of namespaces that the caller is in.
    pub(super) fn files(self) -> Result<Vec<(NamespaceFd, Namespace)>, Error> {
        if self.join.files.is_empty() {
            return Ok(Vec::new());
        }
        let (own, mut files) = (Own::new(self.proc), Vec::new());
        for (kind, file) in &self.join.files {
            let namespace = self.file(*kind, file)?;
            if !self.is_own(&own, *kind, &namespace)? {
                files.push((namespace, *kind));
            }
        }
        Ok(files)
    }

    fn file(self, kind: Namespace, file: &JoinFile) -> Result<NamespaceFd, Error> {
        let opened = match file {
            JoinFile::Path(path) => {
                // Without `O_NONBLOCK`, the open of a FIFO would block until there is a writer.
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
                openat(CWD, path, flags, Mode::empty())
            }
            JoinFile::Open(fd) => fcntl_dupfd_cloexec(fd, 3),
        };
        let namespace = opened.and_then(NamespaceFd::new).map_err(|errno| {
            let hint = (errno == Errno::NOTTY).then_some("it is not a namespace file");
            self.bad_file(kind, file, errno, hint.or(hint::for_descriptors(errno)))
        })?;
        match namespace.kind() {
            Ok(actual) if actual == kind => Ok(namespace),
            Ok(actual) => {
                let hint = format!("it is a {actual} namespace");
                Err(self.bad_file(kind, file, Errno::INVAL, Some(hint)))
            }
            Err(errno) => Err(self.bad_file(kind, file, errno, None::<&str>)),
        }
    }

    fn bad_file(
        self,
        kind: Namespace,
        file: &JoinFile,
        errno: Errno,
        hint: Option<impl Into<String>>,
    ) -> Error {
        let name = match file {
            JoinFile::Path(path) => path.display().to_string(),
            JoinFile::Open(_) => "the descriptor of a namespace".to_owned(),
        };
        let error = self.error(Step::Prepare).with_errno(errno);
        error.with_object(format!("{name}, for {kind}")).with_hint(hint)
    }
}
