//! What a sandbox keeps from its program, and nested sandboxes. `README.md` lists the cases of bwrap(1).
#[macro_use]
mod common;

use std::fs;
use std::io::Read;
use std::process::{Command, Output, Stdio};

use common::directory::Directory;
use common::{SPACE, error_line, space, status, stdout};

const NEW: [&str; 3] = ["execute", "-Umpz", "--mount-proc"];

/// A root of its own with the programs of the host.
const ROOT: [&str; 15] = [
    "execute",
    "-Umpz",
    "--tmpfs",
    "/",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--proc",
    "/proc",
];

/// The options for a root of its own, where the loader is in another directory.
const LOADER: [&str; 3] = ["--symlink", "usr/lib64", "/lib64"];

/// Runs this binary inside, which the program receives as a descriptor.
const AGAIN: [&str; 3] = ["--keep-fd", "200", SPACE];

/// Runs `space` with these words where a shell script has "$0" "$@".
fn in_shell(script: &str, words: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, SPACE]).args(words).output().expect("run")
}

#[test]
fn proc_and_dev_are_mounted_with_any_namespaces() {
    run_space_as!([Root, User, Nested], {
        for options in [["-Umpz"].as_slice(), &["-Umpnz"], &["-Uimpnuz"], &["-az"]] {
            let mounts = ["--proc", "/proc", "--dev", "/dev", "sh", "-c"];
            let words = [&["execute"], options, &mounts, &["readlink /proc/self; echo >/dev/null"]];
            assert_eq!(stdout(&words.concat()), "2\n", "{options:?}");
        }
    });
}

#[test]
fn a_bind_gives_no_access() {
    run_space_as!([User], {
        let dir = Directory::new("access");
        for path in ["/etc/shadow", "/root"] {
            if fs::File::open(path).is_ok() {
                continue;
            }
            let target = dir.path("target");
            for shown in [path, &target] {
                let words = ["--bind", path, &target, "ls", "-A", shown];
                let read = ["--bind", path, &target, "cat", shown];
                let is_file = path == "/etc/shadow";
                let words = if is_file { read.as_slice() } else { &words };
                assert_ne!(status(&[NEW.as_slice(), words].concat()), 0, "{path} at {shown}");
            }
            let _ = fs::remove_file(&target).or_else(|_| fs::remove_dir(&target));
        }
    });
}

#[test]
fn nothing_of_the_old_root_is_left() {
    run_space_as!([Root, User], {
        let points = ["cut", "-d", " ", "-f", "5", "/proc/self/mountinfo"];
        assert_eq!(stdout(&[&ROOT[..], &LOADER, &points].concat()), "/\n/usr\n/proc\n");
        let list = ["ls", "/", "/proc/1/cwd/"];
        let names = "bin\nlib\nlib64\nproc\nusr\n";
        let expected = format!("/:\n{names}\n/proc/1/cwd/:\n{names}");
        assert_eq!(stdout(&[&ROOT[..], &LOADER, &list].concat()), expected);
    });
}

#[test]
fn the_files_of_the_host_are_bound() {
    run_space_as!([Root, User, Nested], {
        let dir = Directory::new("host");
        let file = dir.file("file", "text");
        let tmp = dir.0.to_str().expect("UTF-8");
        let name = file.strip_prefix(tmp).expect("below");
        for (options, path) in [
            (["--bind", "/", "/"].as_slice(), file.clone()),
            (&["--bind", "/", "/", "--bind", tmp, tmp], file.clone()),
            (&["--bind", "/", "/", "--bind", tmp, "/mnt"], format!("/mnt{name}")),
            (&["--bind", tmp, "/mnt"], format!("/mnt{name}")),
        ] {
            let words = [&["execute", "-Umz"], options, &["cat", &path]].concat();
            assert_eq!(stdout(&words), "text", "{options:?}");
        }
    });
}

#[test]
fn space_runs_inside_of_space() {
    run_space_as!([Root, User], {
        let again = ["-Umpz", "--mount-proc", "sh", "-c", "echo $$; readlink /proc/self"];
        let words = [&NEW[..], &AGAIN, &["execute"], &again].concat();
        assert_eq!(stdout(&words), "1\n2\n");
        let list = ["ls", "/"];
        let words = [&ROOT[..], &LOADER, &AGAIN, &ROOT, &LOADER, &list].concat();
        assert_eq!(stdout(&words), "bin\nlib\nlib64\nproc\nusr\n");
    });
}

#[test]
fn nested_user_namespaces_can_be_forbidden() {
    run_space_as!([Root, User, Nested], {
        let none = ["--sysctl", "user.max_user_namespaces=0"];
        let again = ["execute", "-U", "true"];
        let without = ["execute", "-Uz", "--drop-cap", "all"];
        assert_eq!(status(&[&without[..], &AGAIN, &again].concat()), 0);
        let words = [&without[..], &none, &AGAIN, &again].concat();
        let line = error_line(&words);
        assert!(status(&words) == 125 && line.contains("ENOSPC"), "{line}");
        // Without capabilities the program cannot raise the limit.
        let raise = ["sh", "-c", "echo 9 >/proc/sys/user/max_user_namespaces"];
        assert_ne!(status(&[&without[..], &none, &raise].concat()), 0);
    });
}

#[test]
fn an_ordinary_user_has_no_capabilities() {
    run_space_as!([User], {
        let show = ["sed", "-n", "s/^Cap[EPA].*:.//p", "/proc/self/status"];
        for options in [["-U"].as_slice(), &["-Up", "--map-same"], &["-Up", "--uid", "5"]] {
            let sets = stdout(&[&["execute"], options, &show].concat());
            assert_eq!(sets, "0000000000000000\n".repeat(3), "{options:?}");
        }
    });
}

/// Each `space` adds a filter.
#[test]
fn seccomp_filters_add_up() {
    run_space_as!([Root, User], {
        // `BPF_RET | BPF_K` with SECCOMP_RET_ALLOW.
        let allow = [[6, 0, 0, 0].as_slice(), &0x7fff_0000_u32.to_ne_bytes()].concat();
        let dir = Directory::new("filters");
        fs::write(dir.path("allow"), allow).expect("write");
        let script = format!("exec 3<{0} 4<{0}; exec \"$0\" \"$@\"", dir.path("allow"));
        let outer = ["execute", "--seccomp", "3", "--keep-fd", "4"];
        let show = ["sed", "-n", "s/^Seccomp_filters:.//p", "/proc/self/status"];
        let inner = ["execute", "--seccomp", "4"];
        let output = in_shell(&script, &[&outer[..], &AGAIN, &inner, &show].concat());
        let filters: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a count");
        let once = in_shell(&script, &[&outer[..3], &show].concat());
        let one: u32 = String::from_utf8_lossy(&once.stdout).trim().parse().expect("a count");
        assert_eq!(filters, one + 1, "{output:?}");
    });
}

#[test]
fn an_invalid_descriptor_is_refused_by_its_option() {
    run_space_as!([Root, User], {
        for option in ["--seccomp", "--args", "--keep-fd"] {
            for number in ["-1", "3a", ""] {
                let words = ["execute", &format!("{option}={number}"), "true"];
                let line = error_line(&words);
                assert!(status(&words) == 125 && line.contains(option), "{line}");
            }
        }
    });
}

/// The user and pid namespaces of a process, by descriptors.
#[test]
fn namespaces_are_joined_by_descriptors() {
    run_space_as!([Root, User], {
        let mut target = common::command(&["execute", "-Upz", "cat"]);
        let mut target = target.stdin(Stdio::piped()).spawn().expect("run");
        let mut pipe = target.stdin.take().expect("piped");
        std::io::Write::write_all(&mut pipe, b"x").expect("write");
        target.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");
        let children = format!("/proc/{0}/task/{0}/children", target.id());
        let pid = fs::read_to_string(children).expect("read").trim().to_owned();
        let script = format!("exec 8</proc/{pid}/ns/user 9</proc/{pid}/ns/pid; exec \"$0\" \"$@\"");
        let join = ["inject", "--user=/proc/self/fd/8", "--pid=/proc/self/fd/9"];
        let show = ["readlink", "/proc/self/ns/user", "/proc/self/ns/pid"];
        let output = in_shell(&script, &[&join[..], &show].concat());
        let link = |kind| fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("read the link");
        let expected = format!("{}\n{}\n", link("user").display(), link("pid").display());
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{output:?}");
        drop(pipe);
        target.wait().expect("wait");
    });
}

#[test]
fn a_program_may_look_like_an_option() {
    run_space_as!([Root, User], {
        let dir = Directory::new("names");
        let name = "--dev-bind";
        dir.file(name, "#!/bin/sh\necho ran \"$@\"\n");
        let path = dir.0.to_str().expect("UTF-8");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(dir.path(name), mode).expect("chmod");
        let path = format!("PATH={path}:/usr/bin:/bin");
        assert_eq!(stdout(&["execute", "--env", &path, "--", name, "/dev", "-v"]), "ran /dev -v\n");
        assert_eq!(status(&["execute", "--", name, "/dev", "/dev"]), 127);
        let output = space(&["execute", "--", "--env", "A=B", "sh"]);
        assert_eq!(output.status.code(), Some(127), "{output:?}");
    });
}

/// The program holds the pipe: the end of the file shows that it is killed.
#[test]
fn the_program_is_killed_with_the_parent() {
    run_space_as!([Root, User, Nested], {
        for options in ["", "-Upz"] {
            let inside = "echo ready; exec sleep 1000";
            let script = format!("\"$0\" execute --die-with-parent {options} sh -c \"$1\" & wait");
            let mut parent = Command::new("sh");
            let parent = parent.args(["-c", &script, SPACE, inside]).stdout(Stdio::piped());
            let mut parent = parent.spawn().expect("run");
            let mut output = parent.stdout.take().expect("piped");
            output.read_exact(&mut [0; 6]).expect("the program runs");
            parent.kill().and_then(|()| parent.wait()).expect("kill");
            assert_eq!(output.read_to_end(&mut Vec::new()).expect("read"), 0, "{options}");
        }
    });
}

#[test]
fn json_has_no_exit_code_without_a_program() {
    run_space_as!([Root, User], {
        for words in [["/"].as_slice(), &["no-such-program"], &["--hostname", "x", "true"]] {
            let output = space(&[&["execute", "--json"], words].concat());
            let object: serde_json::Value = serde_json::from_slice(&output.stderr).expect("JSON");
            assert!(object["exit_code"].is_null() && object["signal"].is_null(), "{object}");
            assert!(object["error"].is_object(), "{object}");
        }
    });
}

/// The table of the cases of bwrap(1) names tests that exist.
#[test]
fn each_test_of_the_table_exists() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = fs::read_to_string(directory.join("README.md")).expect("read");
    let names = text.split('`').filter_map(|word| word.split_once("::"));
    let mut count = 0;
    for (file, test) in names {
        let source = fs::read_to_string(directory.join(file).with_extension("rs")).expect(file);
        assert!(source.contains(&format!("\nfn {test}() {{")), "{file}::{test}");
        count += 1;
    }
    assert!(count > 40, "{count}");
}
