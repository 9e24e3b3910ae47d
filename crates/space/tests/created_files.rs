//! Files and directories that the options for mounts create: where, with which mode and size.
#[macro_use]
mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use common::directory::Directory;
use common::{SPACE, error_line, space, status, stdout};

const NEW: [&str; 3] = ["execute", "-Umpz", "--mount-proc"];

fn run(options: &[&str], program: &[&str]) -> String {
    stdout(&[&NEW, options, &["--"], program].concat())
}

/// The mode of a file in octal digits.
fn mode(path: &str) -> String {
    format!("{:o}", fs::metadata(path).expect("stat").permissions().mode() & 0o7777)
}

#[test]
fn a_target_may_be_a_symbolic_link() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("link");
        let source = dir.directory("source");
        dir.file("source/file", "");
        let top = dir.directory("top");
        let at = |name: &str| format!("{top}/{name}");
        let (sub, link) = (at("dir"), at("link"));
        let made = ["--tmpfs", &top, "--dir", &sub, "--symlink", "dir", &link];
        let bind = ["--bind", &source, &link];
        assert_eq!(run(&[&made[..], &bind].concat(), &["ls", &sub]), "file\n");
    });
}

#[test]
fn a_link_may_exist_already_but_no_other_file() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("again");
        let link = dir.path("link");
        for _ in 0..2 {
            run(&["--symlink", "/dev/null", &link], &["true"]);
            assert_eq!(fs::read_link(&link).expect("a link"), std::path::Path::new("/dev/null"));
        }
        let words = [&NEW[..], &["--symlink", "/dev/full", &link, "true"]].concat();
        let line = error_line(&words);
        assert!(status(&words) == 125 && line.contains(&link) && line.contains("EEXIST"), "{line}");
    });
}

#[test]
fn dev_has_the_usual_devices() {
    run_space_as!([Root, User, Nested], {
        let names = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero";
        let listed = run(&["--dev", "/dev"], &["ls", "/dev"]);
        assert_eq!(listed.split_whitespace().collect::<Vec<_>>().join(" "), names);
        let read = "head -c 4 /dev/zero | od -A n -t x1; echo ok >/dev/fd/1";
        let read = run(&["--dev", "/dev"], &["sh", "-c", read]);
        assert_eq!(read, " 00 00 00 00\nok\n");
    });
}

#[test]
fn mount_points_are_created_with_their_parents() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("points");
        let (source, file) = (dir.directory("source"), dir.file("file", ""));
        let (new_dir, new_file) = (dir.path("a/dir"), dir.path("b/file"));
        run(&["--bind", &source, &new_dir, "--bind", &file, &new_file], &["true"]);
        let modes = [dir.path("a"), new_dir, dir.path("b"), new_file].map(|path| mode(&path));
        assert_eq!(modes, ["755", "755", "755", "644"]);
    });
}

#[test]
fn directories_have_the_requested_modes() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("modes");
        let old = dir.directory("old");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o710)).expect("chmod");
        let [plain, set, changed] = ["plain", "perms/set", "changed"].map(|name| dir.path(name));
        let made = ["--dir", &old, "--perms", "1741", "--dir", &set, "--dir", &plain];
        let chmod = ["--dir", &changed, "--chmod", "1755", &changed];
        run(&[&made[..], &chmod].concat(), &["true"]);
        let modes = [old, plain, dir.path("perms"), set, changed].map(|path| mode(&path));
        assert_eq!(modes, ["710", "755", "755", "1741", "1755"]);
    });
}

#[test]
fn a_tmpfs_has_the_requested_mode_and_size() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("tmpfs");
        let top = dir.directory("top");
        let stat = ["stat", "-c", "%a", &top];
        let size = ["df", "--output=size", "--block-size=1K", &top];
        assert_eq!(run(&["--tmpfs", &top], &stat), "755\n");
        for options in [
            ["--size", "1048576", "--perms", "1777", "--tmpfs", &top].as_slice(),
            &["--perms", "01777", "--size=1048576", "--tmpfs", &top],
            &["--size", "1048576", "--tmpfs", &top, "--chmod", "1777", &top],
        ] {
            assert_eq!(run(options, &stat), "1777\n", "{options:?}");
            assert!(run(options, &size).ends_with(" 1024\n"), "{options:?}");
        }
    });
}

#[test]
fn a_file_has_the_requested_mode() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("file");
        let top = dir.directory("top");
        let file = format!("{top}/file");
        let stat = ["stat", "-c", "%a %s", &file];
        let made = ["--tmpfs", &top, "--file", "0", &file];
        assert_eq!(run(&made, &stat), "644 0\n");
        let made = ["--tmpfs", &top, "--perms", "0640", "--file", "0", &file];
        assert_eq!(run(&made, &stat), "640 0\n");
        assert_eq!(run(&["--tmpfs", &top, "--bind-data", "0", &file], &stat), "600 0\n");
        let made = ["--tmpfs", &top, "--perms", "0640", "--ro-bind-data", "0", &file];
        assert_eq!(run(&made, &stat), "640 0\n");
    });
}

/// Also a file on a read-only mount.
#[test]
fn a_file_is_covered_by_data() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("data");
        dir.directory("etc");
        let file = dir.file("etc/file", "disk");
        let etc = dir.path("etc");
        let covered = |option: &str| {
            let write = format!("cat {file}; (echo new >{file}) 2>/dev/null; cat {file}");
            let read_only = ["--ro-bind", &etc, &etc, option, "5", &file, "sh", "-c", &write];
            let script = "printf memory | { exec 5<&0 </dev/null; exec \"$0\" \"$@\"; }";
            let mut shell = Command::new("sh");
            shell.args(["-c", script, SPACE]).args([&NEW[..], &read_only].concat());
            String::from_utf8(shell.output().expect("run").stdout).expect("UTF-8")
        };
        assert_eq!(covered("--bind-data"), "memorynew\n");
        assert_eq!(covered("--ro-bind-data"), "memorymemory");
        assert_eq!(fs::read(&file).expect("read"), b"disk");
    });
}

#[test]
fn an_invalid_mode_or_size_is_refused_by_its_option() {
    run_space_as!([Root, User], {
        let sizes = ["0", "1t", "", "-5", " 5", "18446744073709551616", "9223372036854775809"];
        for size in sizes {
            let option = format!("--size={size}");
            let line = error_line(&["execute", "-Umz", &option, "--tmpfs", "/mnt", "true"]);
            let expected = format!("space: --size: {size:?} is not a number of bytes");
            assert_eq!(line, expected);
        }
        let cases: [(&[&str], &str); 8] = [
            (
                &["--size", "10M", "--tmpfs", "/x"],
                "--size: \"10M\" is not a number of bytes; write 10485760",
            ),
            (&["--perms", "8", "--dir", "/x"], "--perms: \"8\" is not an octal number"),
            (&["--perms", "7", "--perms", "7", "--dir", "/x"], "--perms: is given twice"),
            (&["--size", "7", "--size", "7", "--tmpfs", "/x"], "--size: is given twice"),
            (&["--perms", "7", "--proc", "/proc"], "--proc /proc: --perms before it needs"),
            (&["--size", "7", "--dir", "/x"], "--dir /x: --size before it needs a --tmpfs"),
            (&["--perms", "7"], "--perms: no option that creates a file follows"),
            (&["--size", "7"], "--size: no --tmpfs follows"),
        ];
        for (options, expected) in cases {
            let words = [&["execute", "-Umz"], options, &["true"]].concat();
            let line = error_line(&words);
            assert!(status(&words) == 125 && line.contains(expected), "{line}");
        }
    });
}

#[test]
fn a_socket_is_bound() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("socket");
        let [one, other] = ["one", "other"].map(|name| dir.path(name));
        let _listeners = [&one, &other].map(|path| UnixListener::bind(path).expect("bind"));
        let inode = |path: &str| stdout(&["execute", "stat", "-c", "%i %F", path]);
        assert_eq!(run(&["--bind", &one, &other], &["stat", "-c", "%i %F", &other]), inode(&one));
    });
}

#[test]
fn an_open_directory_is_bound() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("open");
        dir.directory("source");
        dir.file("source/file", "text");
        let target = dir.path("target");
        let shell = |option: &str, script: &str| {
            let words = [&NEW[..], &[option, "7", &target, "sh", "-c", script, &target]].concat();
            let exec = format!("exec 7<{}; exec \"$0\" \"$@\"", dir.path("source"));
            let mut shell = Command::new("sh");
            shell.args(["-c", &exec, SPACE]).args(words).output().expect("run")
        };
        let output = shell("--bind-fd", "cat $0/file; touch $0/new; ls $0");
        assert_eq!(output.stdout, b"textfile\nnew\n", "{output:?}");
        let output = shell("--ro-bind-fd", "cat $0/file; touch $0/other; ls $0");
        assert_eq!(output.stdout, b"textfile\nnew\n", "{output:?}");
        let line = error_line(&[&NEW[..], &["--bind-fd", "99", "/mnt", "true"]].concat());
        assert!(line.starts_with("space: --bind-fd 99 /mnt: descriptor 99: EBADF ("), "{line}");
    });
}

#[test]
fn the_message_queues_are_those_of_the_namespace() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("mqueue");
        let target = dir.directory("target");
        let words = ["execute", "-Uimz", "--mqueue", &target, "stat", "-f", "-c", "%T", &target];
        assert_eq!(stdout(&words), "mqueue\n");
    });
}

/// The kernel takes the directories of an overlay in one string, in which these characters separate them.
#[test]
fn the_directories_of_an_overlay_may_have_any_name() {
    run_space_as!([Root, User], {
        let dir = Directory::new("names");
        let [low, upper, work] =
            ["low", "upper", "work"].map(|name| dir.directory(&format!("{name} \":,\\")));
        fs::write(format!("{low}/a"), "low").expect("write");
        let target = dir.directory("target");
        let script = format!("cat {target}/a; echo up >{target}/a; cat {target}/a");
        let overlay = ["--overlay-src", &low, "--overlay", &upper, &work, &target];
        let output = space(&[&NEW[..], &overlay, &["sh", "-c", &script]].concat());
        assert_eq!(output.stdout, b"lowup\n", "{output:?}");
        assert_eq!(fs::read(format!("{upper}/a")).expect("read"), b"up\n");
        assert_eq!(fs::read(format!("{low}/a")).expect("read"), b"low");
        // The kernel makes it without permissions.
        let inner = fs::Permissions::from_mode(0o700);
        fs::set_permissions(format!("{work}/work"), inner).expect("chmod");
    });
}
