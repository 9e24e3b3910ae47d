//! The IDs of the program, and the maps of a new user namespace.
#[macro_use]
mod common;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use common::{error_line, status, stdout};
use ns_testbed::USER;

/// Prints the user and the group of the program.
const ID: [&str; 3] = ["sh", "-c", "echo $(id -u) $(id -g)"];

fn ids(options: &[&str]) -> String {
    stdout(&[&["execute"], options, &ID].concat()).trim().to_owned()
}

fn own() -> [String; 2] {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    [uid.as_raw().to_string(), gid.as_raw().to_string()]
}

#[test]
fn uid_and_gid_are_ids_inside() {
    run_space_as!([Root, User, Nested], {
        let [uid, gid] = own();
        assert_eq!(ids(&["-U", "--uid", "7", "--gid", "8"]), "7 8");
        assert_eq!(ids(&["-U", "--uid", "7"]), format!("7 {gid}"));
        assert_eq!(ids(&["-U", "--gid=8"]), format!("{uid} 8"));
        let map = stdout(&["execute", "-U", "--uid", "7", "cat", "/proc/self/uid_map"]);
        assert_eq!(map.split_whitespace().collect::<Vec<_>>(), ["7", &uid, "1"]);
        let map = format!("5:{uid}:1");
        assert_eq!(ids(&["-U", "-M", &map, "-G", &gid, "--uid", "5"]), "5 0");
        assert_eq!(stdout(&["chroot", "--no-mnt", "--uid", "7", "/", "id", "-u"]), "7\n");
    });
}

#[test]
fn an_id_needs_a_mapping() {
    run_space_as!([Root, User, Nested], {
        let line = error_line(&["execute", "-Uz", "--uid", "5", "id"]);
        assert!(line.starts_with("space: --uid 5: "), "{line}");
        let line = error_line(&["execute", "--uid", "0 1000 1", "id"]);
        assert!(line.contains("--uid-map"), "{line}");
        assert_eq!(status(&["execute", "--uid", "4294967295", "id"]), 125);
    });
}

#[test]
fn root_becomes_another_user_without_a_namespace() {
    run_space_as!([Root], {
        assert_eq!(ids(&["--uid", "7", "--gid", "8"]), "7 8");
    });
}

#[test]
fn map_same_keeps_the_ids() {
    run_space_as!([Root, User, Nested], {
        assert_eq!(ids(&["-U", "--map-same"]), own().join(" "));
        let line = error_line(&["execute", "-Uz", "--map-same", "id"]);
        assert!(line.contains("'--map-same'"), "{line}");
        let line = error_line(&["execute", "--map-same", "id"]);
        assert_eq!(line, "space: --map-same: needs a new user namespace: add --user");
    });
}

/// The delegated IDs depend on the machine.
#[test]
fn map_auto_maps_the_delegated_ids_or_reports_the_missing_line() {
    run_space_as!([Root, User], {
        let words = ["execute", "-zU", "--map-auto", "cat", "/proc/self/uid_map"];
        match status(&words) {
            0 => assert!(stdout(&words).lines().count() > 1),
            status => {
                assert_eq!(status, 125);
                let line = error_line(&words);
                assert!(line.starts_with("space: --map-auto: "), "{line}");
            }
        }
    });
}

/// Files that hide those of `/etc` in the private mount namespace of the test.
struct Etc([PathBuf; 3]);

impl Etc {
    /// Delegates IDs to a user of this name and to root.
    fn new(user: &str) -> Self {
        let delegated = format!("{user}:100000:65536\nroot:500000:1000\n");
        let passwd = fs::read_to_string("/etc/passwd").expect("read");
        let passwd = format!("{passwd}{user}:x:{USER}:{USER}::/:/bin/sh\n");
        let files = [("passwd", &passwd), ("subuid", &delegated), ("subgid", &delegated)];
        Self(files.map(|(name, text)| {
            let file = std::env::temp_dir().join(name);
            fs::write(&file, text).expect("write");
            let target = Path::new("/etc").join(name);
            rustix::mount::mount_bind(&file, &target).expect("bind");
            fs::remove_file(file).expect("remove");
            target
        }))
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        for target in &self.0 {
            let _ = rustix::mount::unmount(target, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

#[test]
fn map_auto_maps_the_delegated_ids() {
    run_space_as!([Root], {
        if !["newuidmap", "newgidmap"].iter().all(|name| Path::new("/usr/bin").join(name).exists())
        {
            ns_testbed::skip!("no newuidmap");
        }
        let _etc = Etc::new("tester");
        let show = ["sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g"];
        let words = [&["execute", "-U", "--map-auto"], show.as_slice()].concat();
        let words_of =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        let own = format!("0 {USER} 1 1 100000 65536");
        let mut command = common::command(&words);
        let output = command.uid(USER).gid(USER).output().expect("run");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(words_of(&text), words_of(&format!("{own} {own} 0 0")));
        let own = "0 0 1 1 500000 1000";
        assert_eq!(words_of(&stdout(&words)), words_of(&format!("{own} {own} 0 0")));
        // Another ID of them.
        let mut command =
            common::command(&["execute", "-U", "--map-auto", "--uid", "65536", "id", "-u"]);
        let output = command.uid(USER).gid(USER).output().expect("run");
        assert_eq!(output.stdout, b"65536\n", "{output:?}");
    });
}
