//! Helpers of the test binaries.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unsafe_code, reason = "an empty hook, prctl(2) and process_vm_readv(2)")]

pub(crate) mod cgroup;
pub(crate) mod elf;
pub(crate) mod every_step;
pub(crate) mod filter;
pub(crate) mod memory;
pub(crate) mod program;
pub(crate) mod receiver;
pub(crate) mod target;
pub(crate) mod tracer;
pub(crate) mod users;

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use ns_process::{Builder, Container, Error, Mount, Namespace, Step};
use ns_testbed::{LONG, Leftovers, forked};

/// A path in the temporary directory of the test that no other test uses.
fn new_path(prefix: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("{prefix}-{}-{count}", std::process::id()))
}

/// A path for a file, which is removed on drop.
pub(crate) struct Output(PathBuf);

impl Output {
    pub(crate) fn new() -> Self {
        Self(new_path("ns-process"))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }

    pub(crate) fn read(&self) -> String {
        fs::read_to_string(&self.0).expect("the program wrote its file")
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A new directory, which is removed with its contents on drop. Its path contains spaces.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = new_path(&format!("ns-process {name}"));
        fs::create_dir(&path).expect("mkdir");
        Self(path)
    }

    /// With these subdirectories.
    pub(crate) fn with(name: &str, subdirectories: &[&str]) -> Self {
        let directory = Self::new(name);
        for path in subdirectories {
            fs::create_dir_all(directory.join(path)).expect("mkdir");
        }
        directory
    }
}

impl Deref for Directory {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for Directory {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `full` if the tests run at full counts (`NS_STRESS` is set), else `usual`.
pub(crate) fn rounds<T>(full: T, usual: T) -> T {
    if is_full_length() { full } else { usual }
}

/// Whether the tests run at full length.
pub(crate) fn is_full_length() -> bool {
    std::env::var_os("NS_STRESS").is_some()
}

/// Runs `body` in a forked child, which has a single thread and may spoil itself.
pub(crate) fn in_child(body: impl FnOnce()) {
    let code = forked(|| {
        body();
        0
    });
    assert_eq!(code, 0);
}

/// A shell that runs `script`.
pub(crate) fn shell(script: &str) -> Container {
    let mut container = Container::new("sh");
    container.arg("-c").arg(script);
    container
}

/// `true` in a new user and a new UTS namespace, with maps.
pub(crate) fn mapped() -> Container {
    let mut container = Container::new("true");
    container.namespaces([Namespace::User, Namespace::Uts]).map_zero();
    container
}

/// The standard output of the program, which must exit with 0.
pub(crate) fn printed<Kind>(builder: &Builder<Kind>) -> String {
    let output = builder.output().expect("start");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// The output of `script` in a shell that `configure` configures, by way of a file.
pub(crate) fn prints(configure: impl FnOnce(&mut Container), script: &str) -> String {
    let output = Output::new();
    let mut shell = shell(&format!("exec > {}; {script}", output.path()));
    configure(&mut shell);
    let status = shell.start().expect("start").join().expect("join");
    assert!(status.success(), "{script}: {status}");
    output.read()
}

/// The error of a start that leaves nothing behind.
pub(crate) fn start_error<Kind>(container: &Builder<Kind>) -> Error {
    let before = Leftovers::snapshot();
    let error = container.start().expect_err("it must fail");
    assert_unchanged(&before);
    error
}

/// Asserts that the start is refused before any system call, with this error message.
pub(crate) fn assert_refused<Kind>(builder: &Builder<Kind>, message: &str) {
    let error = builder.start().expect_err("an invalid setting");
    assert_eq!((error.step(), error.object()), (Step::Check, Some(message)));
}

/// Waits until `holds` returns true.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Waits until `path` contains a line.
pub(crate) fn wait_for_line(path: impl AsRef<Path>) {
    let has_line = || fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n'));
    eventually("a line is written", has_line);
}

/// Waits until every process whose handle was dropped is reaped.
pub(crate) fn reap_all() {
    eventually("every dropped process is reaped", || ns_process::reap() == 0);
}

/// Asserts that nothing is left. On a busy machine a start may leave a killed child to be reaped later.
pub(crate) fn assert_unchanged(before: &Leftovers) {
    reap_all();
    before.assert_unchanged();
}

/// Takes away the right to lower the niceness, whatever privilege this process has.
pub(crate) fn only_nicer() {
    ns_sys::child::setpriority(19).expect("setpriority");
    ns_sys::child::prlimit(ns_process::Resource::Nice as u32, 0, 0).expect("prlimit");
}

/// The directories that contain the programs and libraries of the host.
pub(crate) fn host_directories() -> impl Iterator<Item = &'static str> {
    ["/usr", "/bin", "/lib", "/lib64"].into_iter().filter(|path| Path::new(path).exists())
}

/// Read-only bind mounts of [`host_directories`] at the same paths in a new root.
pub(crate) fn mount_host_programs<Kind>(builder: &mut Builder<Kind>) {
    for path in host_directories() {
        builder.mount(Mount::bind(path, path).recursive().read_only().create());
    }
}
