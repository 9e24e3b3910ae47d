//! Hands the listener of a filter to the agent at `linux.seccomp.listenerPath`.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ns_process::Builder;
use oci_spec::runtime::LinuxSeccomp;
use serde::Serialize;

use crate::fd_message::{receive, send};
use crate::state::{Record, Status, View};

/// A listener that the start will send.
pub(crate) struct Listener {
    socket: UnixStream,
    agent: PathBuf,
    metadata: Option<String>,
}

/// The message to the agent: the container process state of the runtime-spec.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    oci_version: &'a str,
    fds: [&'a str; 1],
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a str>,
    state: View<'a>,
}

impl Listener {
    /// Lets the start send the listener of the filter.
    pub(crate) fn of<Kind>(builder: &mut Builder<Kind>, config: &LinuxSeccomp) -> Result<Self> {
        let agent = config.listener_path().clone().context("linux.seccomp.listenerPath")?;
        let (socket, other) = UnixStream::pair().context("socketpair")?;
        builder.seccomp_listener(other);
        Ok(Self { socket, agent, metadata: config.listener_metadata().clone() })
    }

    /// Receives the listener of the process `pid`, which waits, and sends it to the agent.
    pub(crate) fn hand_over(self, record: &Record, status: Status, pid: u32) -> Result<()> {
        let name = || format!("linux.seccomp.listenerPath {}", self.agent.display());
        let listener = receive(&self.socket).context("the listener of the filter")?;
        let message = Message {
            oci_version: &record.oci_version,
            fds: ["seccompFd"],
            pid,
            metadata: self.metadata.as_deref(),
            state: record.view_as(status),
        };
        let text = serde_json::to_vec(&message).context("state")?;
        let agent = UnixStream::connect(&self.agent).with_context(name)?;
        send(&agent, &text, &listener).with_context(name)
    }
}
