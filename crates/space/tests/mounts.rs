//! The options that mount file systems, in the order in which they are given.
#[macro_use]
mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::directory::Directory;
use common::{SPACE, error_line, status, stdout};

const NEW: [&str; 3] = ["execute", "-Umpz", "--mount-proc"];

/// Runs a script with these options in new namespaces.
fn script(options: &[&str], script: &str) -> String {
    stdout(&[&NEW, options, &["sh", "-c", script]].concat())
}

#[test]
fn mounts_are_made_in_the_order_of_the_options() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("order");
        let source = dir.directory("source");
        dir.file("source/file", "text");
        let top = dir.directory("top");
        let below = dir.path("top/below");
        let list = format!("ls {top} {below} 2>&1");
        let shown = script(&["--tmpfs", &top, "--bind", &source, &below], &list);
        assert!(shown.contains("below\n") && shown.contains("file\n"), "{shown}");
        let covered = script(&["--bind", &source, &top, "--tmpfs", &top], &format!("ls {top}"));
        assert_eq!(covered, "");
    });
}

#[test]
fn binds_differ_in_access() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("access");
        let (source, target) = (dir.directory("source"), dir.path("target"));
        let write = format!("touch {target}/file 2>/dev/null && echo written");
        assert_eq!(script(&["--bind", &source, &target], &write), "written\n");
        assert!(dir.0.join("source/file").exists());
        let words = ["--ro-bind", &source, &target, "sh", "-c", &write];
        assert_eq!(status(&[NEW.as_slice(), &words].concat()), 1);
        let null = dir.path("null");
        let open = format!("cat {null}");
        assert_eq!(script(&["--dev-bind", "/dev/null", &null], &open), "");
        let words = ["--bind", "/dev/null", &null, "cat", &null];
        assert_eq!(status(&[NEW.as_slice(), &words].concat()), 1);
    });
}

#[test]
fn a_missing_source_is_an_error_unless_it_is_optional() {
    run_space_as!([Root, User, Nested], {
        for option in ["--bind", "--ro-bind", "--dev-bind"] {
            let optional = format!("{option}-try");
            let words = [&NEW, [option, "/no/such", "/mnt", "true"].as_slice()].concat();
            assert!(error_line(&words).contains(&format!("{option} /no/such /mnt: ENOENT")));
            assert_eq!(script(&[&optional, "/no/such", "/mnt"], "echo ran"), "ran\n");
        }
    });
}

#[test]
fn files_directories_and_links_are_created() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("created");
        let top = dir.directory("top");
        let at = |name: &str| format!("{top}/{name}");
        let (file, sub, link) = (at("etc/file"), at("a/b"), at("link"));
        let script = format!("cat {file} {link}; stat -c %a {sub} {file} {top}");
        let made = ["--tmpfs", &top, "--file", "3", &file, "--chmod", "600", &file];
        let below = ["--dir", &sub, "--chmod", "0711", &sub, "--symlink", "etc/file", &link];
        let program = ["--chmod", "1777", &top, "--", "sh", "-c", &script];
        let words = [NEW.as_slice(), &made, &below, &program].concat();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo text | { exec 3<&0 </dev/null; exec \"$0\" \"$@\"; }", SPACE]);
        let output = shell.args(words).output().expect("run");
        assert_eq!(output.stdout, b"text\ntext\n711\n600\n1777\n", "{output:?}");
        assert!(!dir.0.join("top/a").exists());
    });
}

#[test]
fn a_root_is_made_of_mounts() {
    run_space_as!([Root, User], {
        let ls = "ls -d /home /srv /usr 2>/dev/null; touch /usr/x 2>/dev/null || touch /tmp/x && echo $$";
        assert_eq!(script(&["--host-root"], ls), "/usr\n1\n");
        let words = ["execute", "-Umpz", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"];
        let test =
            ["sh", "-c", "readlink /proc/self; echo >/dev/null; ls /dev | wc -l; touch /tmp/x"];
        let output = common::space(&[words.as_slice(), &test].concat());
        assert_eq!(output.stdout, b"2\n13\n", "{output:?}");
        assert!(!output.status.success(), "the root is read-only");
        let words = ["execute", "-Umpz", "--host-root", "--remount-ro", "/"];
        assert_eq!(status(&[words.as_slice(), &["touch", "/file"]].concat()), 1);
    });
}

#[test]
fn an_overlay_receives_the_changes() {
    run_space_as!([Root, User], {
        let dir = Directory::new("overlay");
        let (low, high) = (dir.directory("low"), dir.directory("high"));
        dir.file("low/a", "low");
        dir.file("low/b", "low");
        dir.file("high/b", "high");
        let target = dir.directory("target");
        let sources = ["--overlay-src", &low, "--overlay-src", &high];
        let cat = format!("(echo new >{target}/b) 2>/dev/null; cat {target}/a {target}/b");
        let shown = script(&[sources.as_slice(), &["--ro-overlay", &target]].concat(), &cat);
        assert_eq!(shown, "lowhigh");
        let (upper, work) = (dir.directory("upper"), dir.directory("work"));
        let words = [sources.as_slice(), &["--overlay", &upper, &work, &target]].concat();
        let write = format!("echo new > {target}/c && ls {upper}");
        assert_eq!(script(&words, &write), "c\n");
        // The kernel makes it without permissions.
        let inner = fs::Permissions::from_mode(0o700);
        fs::set_permissions(format!("{work}/work"), inner).expect("chmod");
    });
}

#[test]
fn a_temporary_overlay_changes_nothing() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("temporary");
        let [low, high] = ["low", "high"].map(|name| dir.directory(name));
        let file = dir.file("low/a", "low\n");
        let two = dir.directory("two");
        let options = ["--overlay-src", &low, "--tmp-overlay", &low];
        let more = ["--overlay-src", &low, "--overlay-src", &high, "--tmp-overlay", &two];
        let write = format!("echo one >{file}; cat {file} {two}/a; echo two >{two}/a; cat {file}");
        assert_eq!(script(&[&options[..], &more].concat(), &write), "one\nlow\none\n");
        assert_eq!(fs::read(&file).expect("read"), b"low\n");
        assert_eq!(fs::read_dir(&high).expect("list").count(), 0);
    });
}

#[test]
fn a_refused_mount_names_its_option() {
    run_space_as!([Root, User, Nested], {
        let cases: [(&[&str], &str); 10] = [
            (&["-U", "--tmpfs", "/tmp"], "--tmpfs: needs a new mnt namespace: add --mnt"),
            (&["-Umz", "--host-root"], "--host-root: needs new pid and mnt namespaces: add --pid"),
            (
                &["-Umz", "--overlay-src", "/"],
                "--overlay-src: no --overlay, --tmp-overlay or --ro-overlay",
            ),
            (&["-Umz", "--ro-overlay", "/mnt"], "--ro-overlay /mnt: needs 2 or more --overlay-src"),
            (
                &["-Umz", "--tmp-overlay", "/mnt"],
                "--tmp-overlay /mnt: needs 1 or more --overlay-src",
            ),
            (
                &["-Umz", "--overlay-src", "/", "--ro-overlay", "/mnt"],
                "--ro-overlay /mnt: needs 2 or more --overlay-src",
            ),
            (
                &["-Umz", "--chmod", "755", "/x"],
                "--chmod 755 /x: no option before it creates /x with a mode",
            ),
            (
                &["-Umz", "--dir", "/x", "--chmod", "9", "/x"],
                "--chmod 9 /x: \"9\" is not an octal number",
            ),
            (&["-Umz", "--file", "x", "/x"], "--file x /x: \"x\" is not a descriptor number"),
            (&["-Umz", "--file", "99", "/x"], "--file 99 /x: descriptor 99: EBADF (it is not open"),
        ];
        for (options, expected) in cases {
            let words = [&["execute"], options, &["true"]].concat();
            assert_eq!(status(&words), 125);
            let line = error_line(&words);
            assert!(line.contains(expected), "{line}");
        }
        let line = error_line(&["execute", "-Umz", "--bind", "/usr"]);
        assert!(line.contains("2 values required for '--bind <SRC> <DEST>'"), "{line}");
    });
}
