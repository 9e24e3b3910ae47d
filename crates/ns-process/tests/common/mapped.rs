//! Programs in user namespaces, and a user to whom ids are delegated.

use std::fs;
use std::path::PathBuf;

use ns_process::{Container, Namespace};
use ns_testbed::{USER, forked};
use rustix::mount::mount_bind;

use super::shell;

pub(crate) fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

pub(crate) fn inside(script: &str) -> Container {
    let mut container = shell(script);
    container.namespace(Namespace::User);
    container
}

pub(crate) const MAPS: &str = "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '";

/// Fixtures over files of `/etc`, in the test's private mount namespace.
pub(crate) struct Etc(Vec<PathBuf>);

impl Etc {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut made = Vec::new();
        for (name, text) in files {
            let path =
                std::env::temp_dir().join(format!("ns-process-{name}-{}", std::process::id()));
            fs::write(&path, text).expect("write");
            let target = PathBuf::from("/etc").join(name);
            if !target.exists() {
                continue;
            }
            mount_bind(&path, &target).expect("bind");
            made.push(path);
        }
        Self(made)
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        for name in ["passwd", "subuid", "subgid"] {
            let target = PathBuf::from("/etc").join(name);
            let _ = rustix::mount::unmount(&target, rustix::mount::UnmountFlags::DETACH);
        }
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

pub(crate) fn delegated() -> Etc {
    let passwd = fs::read_to_string("/etc/passwd").expect("read");
    let passwd = format!("{passwd}tester:x:{USER}:{USER}::/:/bin/sh\n");
    let ranges = "tester:100000:65536\n";
    Etc::new(&[("passwd", &passwd), ("subuid", ranges), ("subgid", ranges)])
}

/// In a forked child that is the user of the tests.
pub(crate) fn as_user(body: impl FnOnce()) {
    let code = forked(|| {
        ns_sys::child::setgroups(&[]).expect("setgroups");
        ns_sys::child::setresgid(USER).expect("setresgid");
        ns_sys::child::setresuid(USER).expect("setresuid");
        // SAFETY: takes numbers only.
        #[expect(unsafe_code, reason = "a child of the test has to be dumpable again")]
        let set = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1) };
        assert_eq!(set, 0);
        body();
        0
    });
    assert_eq!(code, 0);
}
