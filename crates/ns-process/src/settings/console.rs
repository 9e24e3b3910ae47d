//! A new pseudo-terminal for the program, whose master goes to another process.

use std::format;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::{CloneFlags, NamespaceFlags};

use super::Builder;
use crate::in_child;

/// The requested terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    /// The connected socket that receives the master.
    pub(crate) socket: Option<Arc<OwnedFd>>,
    size: Option<(u16, u16)>,
    is_mounted: bool,
}

/// # Console
///
/// A new pseudo-terminal in the root of the program, for a process that shows it, such as a container
/// engine.
impl<Kind> Builder<Kind> {
    /// Makes a new pseudo-terminal in the root of the program: its standard streams and its controlling
    /// terminal, in a new session. The master is sent over `socket`.
    ///
    /// The terminal belongs to the devpts on `/dev/pts` of the root, after all mounts, so the program
    /// finds it by its name there. No symbolic link on the way is followed. If [`uid`](Self::uid) is set,
    /// the terminal belongs to that user.
    ///
    /// `socket` is a connected unix stream socket. It receives one message before the program is
    /// executed, or [parked](Self::start_parked): the name of the terminal, such as `/dev/pts/0`, with
    /// the master as its only descriptor (`SCM_RIGHTS`). If a later step fails, the master hangs up. Each
    /// start sends one message. The caller's copy of `socket` may be closed; the builder keeps its own.
    ///
    /// Conflicts with [`stdin`](Self::stdin), [`stdout`](Self::stdout), [`stderr`](Self::stderr),
    /// [`terminal`](Self::terminal), [`output`](Self::output) and closures.
    ///
    /// # Errors
    /// - [`Step::Console`](crate::Step::Console): `ENOENT` or `ENODEV`, no devpts is mounted on `/dev/pts`;
    ///   `ELOOP`, `/dev` or `/dev/pts` is a symbolic link; `EACCES`, the devpts needs the option
    ///   `ptmxmode=666`; `EPERM`, the user may not be changed.
    /// - [`Step::SendConsole`](crate::Step::SendConsole): `EPIPE`, the peer has closed the socket;
    ///   `ENOTSOCK`, `ENOTCONN`: it is no connected socket.
    ///
    /// # Kernel support
    /// Linux 4.13.
    ///
    /// # Examples
    /// ```
    /// use std::io::Read;
    /// use std::os::unix::net::UnixStream;
    ///
    /// use ns_process::{Container, Mount, Namespace};
    ///
    /// let (mut own, socket) = UnixStream::pair().expect("socketpair");
    /// let mut container = Container::new("tty");
    /// container.namespaces([Namespace::User, Namespace::Mnt]).map_zero();
    /// container.mount(Mount::devpts("/dev/pts")).console(socket);
    /// let process = container.start()?;
    /// // A real receiver takes the descriptor too, by recvmsg(2).
    /// let mut name = [0; 10];
    /// own.read_exact(&mut name).expect("read");
    /// assert_eq!(&name, b"/dev/pts/0");
    /// process.join()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// pts(4), unix(7), TIOCGPTPEER(2const).
    pub fn console(&mut self, socket: impl Into<OwnedFd>) -> &mut Self {
        self.console.socket = Some(Arc::new(socket.into()));
        self
    }

    /// Sets the size of the window of the [`console`](Self::console), in characters; by default it is 0.
    ///
    /// # References
    /// TIOCSWINSZ(2const).
    pub fn console_size(&mut self, rows: u16, columns: u16) -> &mut Self {
        self.console.size = Some((rows, columns));
        self
    }

    /// Mounts the terminal of the [`console`](Self::console) on `/dev/console` of the root, which is created
    /// as an empty file if it is missing.
    ///
    /// Neither `/dev` nor `/dev/console` may be a symbolic link. Needs a new `Mnt` namespace.
    ///
    /// # Errors
    /// [`Step::MountConsole`](crate::Step::MountConsole): `ELOOP`, a symbolic link; `EROFS`, the file is
    /// missing in a read-only `/dev`.
    ///
    /// # References
    /// console(4), open_tree(2), move_mount(2).
    pub fn mount_console(&mut self) -> &mut Self {
        self.console.is_mounted = true;
        self
    }

    /// Whether a [`console`](Self::console) is set.
    pub fn get_console(&self) -> bool {
        self.console.socket.is_some()
    }

    /// The rows and columns of the console, if they are set.
    pub fn get_console_size(&self) -> Option<(u16, u16)> {
        self.console.size
    }

    /// Whether the console is mounted on `/dev/console`.
    pub fn get_mount_console(&self) -> bool {
        self.console.is_mounted
    }

    /// Checks the console; an error begins with the name of the setter.
    pub(crate) fn checked_console(&self, namespaces: NamespaceFlags) -> Result<Console, String> {
        let Console { socket, size, is_mounted } = &self.console;
        let invalid = |message: &str| Err(message.to_owned());
        if socket.is_none() {
            return match (size, is_mounted) {
                (Some(_), _) => invalid("console_size: needs a console"),
                (None, true) => invalid("mount_console: needs a console"),
                (None, false) => Ok(Console::default()),
            };
        }
        let streams = ["stdin", "stdout", "stderr"].into_iter().zip(self.streams.set);
        if let Some((stream, _)) = streams.into_iter().find(|(_, is_set)| *is_set) {
            return Err(format!("{stream}: console sets the standard streams"));
        }
        if self.closure.is_some() {
            return invalid("console: a closure keeps the caller's standard streams");
        }
        if self.session.has_terminal() {
            return invalid("terminal: console is the controlling terminal");
        }
        if self.flags.contains(CloneFlags::FILES) {
            return invalid("console: CLONE_FILES shares the caller's own descriptors");
        }
        if *is_mounted && !namespaces.contains(NamespaceFlags::MNT) {
            return invalid("mount_console: needs a new mnt namespace");
        }
        Ok(self.console.clone())
    }
}

impl Console {
    pub(crate) fn is_set(&self) -> bool {
        self.socket.is_some()
    }

    /// The view for the child; `socket` is a duplicate at a number that the child does not overwrite, and
    /// `owner` the user of the program.
    pub(crate) fn child<'a>(
        &self,
        socket: BorrowedFd<'a>,
        owner: Option<u32>,
    ) -> in_child::Console<'a> {
        in_child::Console { socket, size: self.size, owner, is_mounted: self.is_mounted }
    }

    pub(crate) fn describe(&self, owner: Option<u32>) -> Vec<String> {
        let Some(_) = &self.socket else { return Vec::new() };
        let open = ["openat2(\"/dev/pts\")", "openat2(\"ptmx\")", "ioctl(master, TIOCSPTLCK, 0)"];
        let peer = ["ioctl(master, TIOCGPTPEER)", "ioctl(master, TIOCGPTN)"];
        let mount = ["openat2(\"/dev\")", "openat(\"console\")", "open_tree(terminal)"];
        let mount = mount.into_iter().chain(["move_mount(terminal, \"/dev/console\")"]);
        let size = self.size.map(|(rows, columns)| {
            format!("ioctl(terminal, TIOCSWINSZ, {rows} rows, {columns} columns)")
        });
        let owner = owner.map(|uid| format!("fchown(terminal, {uid}, -1)"));
        let mount = mount.filter(|_| self.is_mounted).map(ToOwned::to_owned);
        let send = ["sendmsg(socket, master)", "dup3(terminal, socket)"].map(ToOwned::to_owned);
        let open = open.into_iter().chain(peer).map(ToOwned::to_owned);
        open.chain(size).chain(owner).chain(mount).chain(send).collect()
    }

    /// The calls that make the terminal the standard streams.
    pub(crate) fn describe_placing(&self) -> impl Iterator<Item = String> {
        let numbers = self.socket.iter().flat_map(|_| 0..=2);
        numbers.map(|number| format!("dup3(terminal, {number}, 0)"))
    }

    /// The socket, if a start sends a master over it.
    pub(crate) fn socket(&self) -> Option<&OwnedFd> {
        self.socket.as_deref()
    }
}
