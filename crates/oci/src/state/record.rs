//! The record of a container.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use rustix::process::getuid;
use serde::{Deserialize, Serialize};

use super::Status;
use crate::bundle::Bundle;
use crate::cgroup::Cgroup;
use crate::init::Init;

/// What is known of a container. It is stored before anything is made, so that whatever a killed
/// runtime leaves can be found.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) oci_version: String,
    pub(crate) bundle: PathBuf,
    pub(crate) rootfs: PathBuf,
    pub(crate) annotations: HashMap<String, String>,
    /// In the format of RFC 3339.
    pub(crate) created: String,
    pub(crate) owner: u32,
    pub(crate) cgroup: Cgroup,
    /// The first process, once it exists.
    pub(crate) init: Option<Init>,
    /// Whether `create` has returned.
    pub(crate) is_created: bool,
    /// Whether the program was executed. A killed `start` may not have stored it.
    pub(crate) is_started: bool,
}

/// The state of the runtime-spec, with the fields that runc adds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct View<'a> {
    oci_version: &'a str,
    pub(crate) id: &'a str,
    /// 0 once it has stopped.
    pub(crate) pid: u32,
    pub(crate) status: Status,
    pub(crate) bundle: &'a Path,
    rootfs: &'a Path,
    pub(crate) created: &'a str,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    annotations: &'a HashMap<String, String>,
    owner: String,
}

impl Record {
    pub(crate) fn new(id: &str, bundle: &Bundle, cgroup: Cgroup) -> Result<Self> {
        Ok(Self {
            id: id.to_owned(),
            oci_version: bundle.spec.version().clone(),
            bundle: bundle.directory.clone(),
            rootfs: bundle.rootfs()?,
            annotations: bundle.spec.annotations().clone().unwrap_or_default(),
            created: humantime::format_rfc3339_nanos(SystemTime::now()).to_string(),
            owner: getuid().as_raw(),
            cgroup,
            init: None,
            is_created: false,
            is_started: false,
        })
    }

    pub(crate) fn status(&self) -> Result<Status> {
        let Some(init) = self.init else { return Ok(Status::Creating) };
        if !init.is_alive() {
            return Ok(Status::Stopped);
        }
        if !self.is_created {
            return Ok(Status::Creating);
        }
        if self.cgroup.is_frozen()? {
            return Ok(Status::Paused);
        }
        let waits = !self.is_started && init.is_parked();
        Ok(if waits { Status::Created } else { Status::Running })
    }

    pub(crate) fn view(&self) -> Result<View<'_>> {
        Ok(self.view_as(self.status()?))
    }

    /// The state with this status, for hooks, which run between two of them.
    pub(crate) fn view_as(&self, status: Status) -> View<'_> {
        let pid = self.init.filter(|_| status != Status::Stopped).map_or(0, |init| init.pid);
        View {
            oci_version: &self.oci_version,
            id: &self.id,
            pid,
            status,
            bundle: &self.bundle,
            rootfs: &self.rootfs,
            created: &self.created,
            annotations: &self.annotations,
            owner: owner_name(self.owner),
        }
    }
}

/// The name of the owner, or the number if there is no name.
fn owner_name(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    crate::config::passwd::name_of(&passwd, uid).map_or_else(|| uid.to_string(), ToOwned::to_owned)
}
