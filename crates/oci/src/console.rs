//! The terminal of a container.

use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ns_process::Builder;
use oci_spec::runtime::Process;
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

/// Gives the program a new terminal if `process.terminal` asks for it.
///
/// The socket of `--console-socket` receives its master. Without one, a command that stays in the foreground receives it
/// at the socket that is returned.
pub(crate) fn set<Kind>(
    builder: &mut Builder<Kind>,
    process: &Process,
    path: Option<&Path>,
    is_foreground: bool,
) -> Result<Option<UnixStream>> {
    let (socket, own) = match (path, process.terminal() == Some(true)) {
        (None, false) => return Ok(None),
        (Some(_), false) => bail!("--console-socket: `process.terminal` is not set"),
        (Some(path), true) => (connect(path)?, None),
        (None, true) if is_foreground => {
            let (own, other) = UnixStream::pair().context("socketpair")?;
            (other, Some(own))
        }
        (None, true) => bail!("`process.terminal` is set: --console-socket is missing"),
    };
    builder.console(socket);
    if let Some(size) = process.console_size() {
        let number = |of: u64| u16::try_from(of).context("process.consoleSize: at most 65535");
        builder.console_size(number(size.height())?, number(size.width())?);
    }
    Ok(own)
}

/// In a directory that others may write, the socket could have been replaced by one of another user.
fn check_owner(stream: &UnixStream) -> Result<()> {
    let peer = socket_peercred(stream).context("SO_PEERCRED")?.uid;
    ensure!(
        peer == geteuid() || peer.is_root(),
        "user {} listens at it, not the own user",
        peer.as_raw()
    );
    Ok(())
}

/// Connects to the socket of `--console-socket`.
fn connect(path: &Path) -> Result<UnixStream> {
    let name = || format!("--console-socket {}", path.display());
    let stream = UnixStream::connect(path).with_context(name)?;
    check_owner(&stream).with_context(name)?;
    Ok(stream)
}
