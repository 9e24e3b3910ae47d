//! The IDs of the program, and the maps of a new user namespace.
#[macro_use]
mod common;

use common::{error_line, status, stdout};

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
        assert_eq!(line, "space: --uid: 5 has no mapping");
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
        let words = ["execute", "-U", "--map-auto", "cat", "/proc/self/uid_map"];
        match status(&words) {
            0 => assert!(stdout(&words).lines().count() > 1),
            status => {
                assert_eq!(status, 125);
                let line = error_line(&words);
                assert!(line.contains("uid_map") || line.contains("gid_map"), "{line}");
            }
        }
    });
}
