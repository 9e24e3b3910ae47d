//! The settings of a command of std.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::process::Command;

use super::{Builder, Chroot, Container, Inject, Target};

impl Container {
    /// Creates a builder with the settings of a command of std.
    ///
    /// The builder takes over the program, the arguments, the variables that are set or removed,
    /// and the working directory. As with std, a program without a slash is searched in the `PATH`
    /// of the new process, and the path of the program may be relative to the new working directory.
    ///
    /// `Command` has no getters for its other settings. Set them on the builder:
    /// - `env_clear`: by [`env_clear`](Builder::env_clear) and then [`envs`](Builder::envs).
    ///   **Otherwise the program inherits the caller's environment.**
    /// - `stdin`, `stdout`, `stderr`: by the setters of the same names.
    /// - `uid`, `gid`, `groups`, `process_group`: by the setters of the same names.
    /// - `pre_exec`: by [`preexec`](Builder::preexec).
    /// - `arg0`: the program receives its name as given.
    ///
    /// # Examples
    /// ```
    /// use std::process::Command;
    ///
    /// use ns_process::Container;
    ///
    /// let mut command = Command::new("sh");
    /// command.args(["-c", "echo $(id -u) in $(pwd), $NAME"]).env("NAME", "value").current_dir("/");
    /// let mut container = Container::from_command(&command);
    /// container.namespaces("user").map_zero();
    /// assert_eq!(container.output()?.stdout, b"0 in /, value\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn from_command(command: &Command) -> Self {
        let mut container = Self::new(command.get_program());
        container.take_settings(command);
        container
    }
}

impl Chroot {
    /// Creates a builder with the settings of a command of std; see [`Container::from_command`].
    ///
    /// The program and the working directory are paths in the new root.
    pub fn from_command(root: impl Into<PathBuf>, command: &Command) -> Self {
        let mut chroot = Self::new(root, command.get_program());
        chroot.take_settings(command);
        chroot
    }
}

impl Inject {
    /// Creates a builder with the settings of a command of std; see [`Container::from_command`].
    ///
    /// The program and the working directory are paths in the joined mount namespace.
    pub fn from_command(target: impl Into<Target>, command: &Command) -> Self {
        let mut inject = Self::new(target, command.get_program());
        inject.take_settings(command);
        inject
    }
}

/// std's `Command` stores this text in place of a text with a NUL byte, and then refuses to start.
const WITH_NUL: &str = "<string-with-nul>";

impl<Kind> Builder<Kind> {
    /// Takes over everything except the program.
    fn take_settings(&mut self, command: &Command) {
        let dir = command.get_current_dir();
        let mut texts = command.get_args().chain([command.get_program()]);
        if texts.any(is_with_nul) || dir.is_some_and(|dir| is_with_nul(dir.as_os_str())) {
            let message = "from_command: the program, an argument or the directory contains NUL";
            self.errors.push(message.to_owned());
        }
        self.args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => self.env(key, value),
                None => self.env_remove(key),
            };
        }
        if let Some(dir) = dir {
            self.workdir(dir);
        }
    }
}

fn is_with_nul(text: &OsStr) -> bool {
    text == WITH_NUL
}
