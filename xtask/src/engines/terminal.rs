//! Receives the terminal of a container, as an engine does, and prints what the container writes.

use std::fs::File;
use std::io::{IoSliceMut, Read, Write, stdout};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::tools::Outcome;

#[derive(Args)]
pub(crate) struct Options {
    /// The socket that is created
    socket: PathBuf,
    /// Text that is typed
    input: Option<String>,
}

/// Receives one terminal, types the input and copies the output until the terminal is closed.
pub(crate) fn run(options: &Options) -> Result<Outcome> {
    let listener = UnixListener::bind(&options.socket).context("bind")?;
    let (socket, _) = listener.accept().context("accept")?;
    let mut terminal = File::from(receive(&socket)?);
    if let Some(input) = &options.input {
        writeln!(terminal, "{input}")?;
    }
    let mut bytes = [0; 4096];
    // The read fails with EIO once no process has the other end.
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        stdout().write_all(&bytes[..count])?;
    }
    std::process::exit(0)
}

fn receive(socket: &UnixStream) -> Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 4096];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    recvmsg(socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC).context("recvmsg")?;
    let mut descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    descriptors.next().context("the message has no descriptor")
}
