//! The program, its arguments and its environment, named as in std's `Command`.

use std::ffi::{CStr, OsStr, OsString};
use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Namespace;

use super::environment;
use super::strings::{Arrays, Strings};
use super::{Builder, Chroot, Container, Payload};

impl Container {
    /// Creates a builder that starts `program`: a path, or a name to search in `PATH` inside the
    /// container.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self::with_program("container", program.as_ref().to_owned())
    }
}

impl Chroot {
    /// Creates a builder that starts `program`: a path, or a name to search in `PATH`, in the new
    /// root.
    pub fn new(root: impl Into<PathBuf>, program: impl AsRef<OsStr>) -> Self {
        let mut chroot = Self::with_program("chroot", program.as_ref().to_owned());
        chroot.namespace(Namespace::User).namespace(Namespace::Mnt).rootdir(root);
        chroot
    }
}

/// # Program
///
/// The program, its arguments and its environment, and the label of the process.
impl<Kind> Builder<Kind> {
    /// Sets the label of the process in errors and in `Debug`; by default a unique one.
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        self.name = Arc::from(name.into());
        self
    }

    /// Executes an open file; the program given to `new` is then `argv[0]` only, and is not looked
    /// up.
    ///
    /// The file may be anything that the caller can open for execution or for reading: a file
    /// outside the new root, a deleted one, or a memory file. It needs no path in the namespaces of
    /// the program, but the loader of a dynamically linked program needs one. The descriptor is not
    /// inherited. The kernel opens the interpreter of a script by a path, so a script cannot be
    /// executed in this way. A seccomp filter must allow execveat(2). A closure executes no program.
    ///
    /// A process that runs the file can open it by `/proc/PID/exe`, through the mount on which the
    /// caller opened it. So neither a new root nor a read-only mount protects the file: once no
    /// process executes it, a process with the permission to write it can change it. For an untrusted
    /// program, give a file that it may not write, or a sealed memory file (fcntl(2) `F_ADD_SEALS`).
    ///
    /// # Errors
    /// [`Step::Exec`](crate::Step::Exec): `ENOENT`, the loader is missing, or the file is a script;
    /// `EACCES`, the file is not executable, or on a mount with `noexec`; `ETXTBSY`, it is open for
    /// writing.
    ///
    /// # Kernel support
    /// Linux 3.19.
    ///
    /// # Examples
    /// ```
    /// use std::fs::File;
    ///
    /// use ns_process::Container;
    ///
    /// let program = File::open("/bin/sh")?;
    /// let mut container = Container::new("judge");
    /// let output = container.program_fd(program).args(["-c", "echo $0"]).output()?;
    /// assert_eq!(output.stdout, b"judge\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # References
    /// execveat(2), fexecve(3), memfd_create(2).
    pub fn program_fd(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.program_fd = Some(Arc::new(file.into()));
        self
    }

    /// Sets the name under which the program sees itself, the element 0 of its arguments; by default it is
    /// the program as given.
    ///
    /// The file to execute stays the same. A script does not see the name: its interpreter gets the path.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let mut container = Container::new("sh");
    /// container.arg0("other").args(["-c", "echo $0"]);
    /// assert_eq!(container.output()?.stdout, b"other\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// execve(2).
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.arg0 = Some(name.as_ref().to_owned());
        self
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    pub fn args<A: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the program's environment; by default the program inherits the caller's
    /// environment.
    ///
    /// A value of `PATH` also applies to the search for the program.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.change(key.as_ref(), Some(value.as_ref().to_owned()))
    }

    /// Sets several variables; see [`env`](Self::env).
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        envs: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        envs.into_iter().fold(self, |builder, (key, value)| builder.env(key, value))
    }

    /// Removes a variable from the program's environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.change(key.as_ref(), None)
    }

    /// Clears the environment: the program inherits no variable, and all earlier changes are
    /// discarded.
    pub fn env_clear(&mut self) -> &mut Self {
        self.env.clear();
        self
    }

    /// The label.
    pub fn get_name(&self) -> &str {
        &self.name
    }

    /// Whether the builder starts a closure instead of a program.
    pub fn is_closure(&self) -> bool {
        self.closure.is_some()
    }

    /// The program; empty for a closure.
    pub fn get_program(&self) -> &OsStr {
        &self.program
    }

    /// The open file of the program, if one is set.
    pub fn get_program_fd(&self) -> Option<BorrowedFd<'_>> {
        self.program_fd.as_ref().map(|file| file.as_fd())
    }

    /// The name under which the program sees itself, if it is set.
    pub fn get_arg0(&self) -> Option<&OsStr> {
        self.arg0.as_deref()
    }

    /// The arguments.
    pub fn get_args(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }

    /// The changes to the environment; the value of a removed variable is `None`.
    pub fn get_envs(&self) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
        self.env.changes.iter().map(|(key, value)| (key.as_os_str(), value.as_deref()))
    }

    fn change(&mut self, key: &OsStr, value: Option<OsString>) -> &mut Self {
        self.env.set(key, value);
        self
    }
}

/// The arguments of execve(2), and the paths to try.
#[derive(Debug)]
pub(crate) struct Program {
    /// The child tries them in this order. `None`: the program was given as a path.
    candidates: Option<Strings>,
    /// The file to execute, in place of the paths.
    pub(crate) file: Option<Arc<OwnedFd>>,
    /// The first element is the program as given, or the name that replaces it.
    argv: Strings,
    /// The program as given, if another name replaces it.
    renamed: Option<OsString>,
    envp: Strings,
}

impl Program {
    pub(crate) fn new<Kind>(config: &Builder<Kind>) -> Result<Self, String> {
        if config.program.is_empty() {
            return Err("program: is empty".to_owned());
        }
        let renamed = config.arg0.is_some().then(|| config.program.clone());
        let first = config.arg0.as_deref().unwrap_or(&config.program);
        let argv = arguments(first, config.args.iter().map(|arg| arg.as_bytes()))?;
        let envp = environment::variables(&config.env)?;
        let file = config.program_fd.clone();
        let candidates = match file {
            Some(_) => Some(Strings::default()),
            None => {
                candidates(&config.program, renamed.as_ref(), || environment::path(&config.env))?
            }
        };
        Ok(Self { candidates, file, argv, renamed, envp })
    }

    /// A program of this library, in an open file.
    pub(crate) fn of_file(file: OwnedFd, arguments: &[&CStr]) -> Self {
        let mut argv = Strings::default();
        for text in arguments {
            argv.push(&[text.to_bytes()]);
        }
        let (candidates, file) = (Some(Strings::default()), Some(Arc::new(file)));
        Self { candidates, file, argv, renamed: None, envp: Strings::default() }
    }

    /// This program with the changes of `payload`; an error begins with the name of the setter.
    pub(crate) fn changed(&self, payload: &Payload) -> Result<Self, String> {
        let program = payload.program.as_deref().unwrap_or(self.name());
        if program.is_empty() {
            return Err("program: is empty".to_owned());
        }
        let renamed = self.renamed.clone().filter(|_| payload.program.is_none());
        let first = renamed.as_ref().map_or(program, |_| self.first());
        let argv = if let Some(args) = &payload.args {
            arguments(first, args.iter().map(|arg| arg.as_bytes()))?
        } else {
            arguments(first, self.argv().skip(1).map(CStr::to_bytes))?
        };
        let (envp, path) = environment::changed_from(self.envp(), &payload.env)?;
        let is_planned = payload.program.is_none() && payload.program_fd.is_none();
        let file = if is_planned { self.file.clone() } else { payload.program_fd.clone() };
        let candidates = match file {
            Some(_) => Some(Strings::default()),
            None => candidates(program, renamed.as_ref(), || path)?,
        };
        Ok(Self { candidates, file, argv, renamed, envp })
    }

    pub(crate) fn argv(&self) -> impl Iterator<Item = &CStr> + Clone {
        self.argv.iter()
    }

    pub(crate) fn envp(&self) -> impl Iterator<Item = &CStr> {
        self.envp.iter()
    }

    /// The program as given.
    pub(crate) fn name(&self) -> &OsStr {
        self.renamed.as_deref().unwrap_or(self.first())
    }

    fn first(&self) -> &OsStr {
        OsStr::from_bytes(self.argv.first().to_bytes())
    }

    /// The path to execute, if there is only one.
    pub(crate) fn only_path(&self) -> Option<&CStr> {
        match &self.candidates {
            None => Some(self.argv.first()),
            Some(paths) => (paths.len() == 1).then(|| paths.first()),
        }
    }

    pub(crate) fn candidates(&self) -> impl Iterator<Item = &CStr> {
        let given = self.candidates.is_none().then(|| self.argv.first());
        given.into_iter().chain(self.candidates.iter().flat_map(Strings::iter))
    }

    /// The execution of the first candidate that exists.
    pub(crate) fn describe(&self) -> String {
        let mut paths: Vec<_> = Vec::new();
        for path in self.candidates().map(|path| format!("{path:?}")) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        let words = if paths.len() > 1 { "  # the first that exists" } else { "" };
        format!("execve({}){words}", paths.join(" or "))
    }

    /// The arrays for execve(2).
    pub(crate) fn arrays(&self) -> Arrays {
        Arrays::new(Some(&self.argv), Some(&self.envp))
    }
}

fn arguments<'a>(
    program: &OsStr,
    args: impl Iterator<Item = &'a [u8]> + Clone,
) -> Result<Strings, String> {
    let length = args.clone().fold(program.len() + 1, |sum, arg| sum + arg.len() + 1);
    let mut argv = Strings::with_capacity(length);
    argv.push(&[without_nul(program.as_bytes(), || "program".to_owned())?]);
    for (arg, number) in args.zip(1..) {
        argv.push(&[without_nul(arg, || format!("arg {number}"))?]);
    }
    Ok(argv)
}

/// The bytes, or a message with the position of a NUL byte.
fn without_nul(bytes: &[u8], name: impl FnOnce() -> String) -> Result<&[u8], String> {
    if !bytes.contains(&0) {
        return Ok(bytes);
    }
    let position = bytes.iter().take_while(|byte| **byte != 0).count();
    Err(format!("{}: NUL at byte {position}", name()))
}

/// The paths at which `program` may be; `None` if `program` is itself a path, and the first argument.
///
/// An empty entry of `PATH` is the working directory, as in execvp(3). The names in `PATH` contain no NUL byte.
fn candidates(
    program: &OsStr,
    renamed: Option<&OsString>,
    path: impl FnOnce() -> OsString,
) -> Result<Option<Strings>, String> {
    let program = without_nul(program.as_bytes(), || "program".to_owned())?;
    if program.contains(&b'/') {
        return Ok(renamed.is_some().then(|| {
            let mut only = Strings::default();
            only.push(&[program]);
            only
        }));
    }
    let path = path();
    let mut candidates = Strings::with_capacity(path.len());
    for dir in path.as_bytes().split(|byte| *byte == b':') {
        let slash: &[u8] = if dir.is_empty() || dir.ends_with(b"/") { b"" } else { b"/" };
        candidates.push(&[dir, slash, program]);
    }
    Ok(Some(candidates))
}
