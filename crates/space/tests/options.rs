//! Each option has its effect.
#[macro_use]
mod common;

use std::fs;
use std::path::PathBuf;

use common::{command, error_line, space, status, stdout};
use ns_process::Namespace;

/// Returns the namespace of a program that is started with these words.
fn namespace(words: &[&str], kind: Namespace) -> String {
    let link = format!("/proc/self/ns/{kind}");
    stdout(&[words, &["readlink", &link]].concat()).trim().to_owned()
}

/// Returns the namespace of this process.
fn own(kind: Namespace) -> String {
    let link = fs::read_link(format!("/proc/self/ns/{kind}")).expect("read the link");
    link.to_str().expect("UTF-8").to_owned()
}

/// Returns the kinds of which these options create a new namespace.
fn new_kinds(options: &[&str]) -> Vec<Namespace> {
    let words = [["execute"].as_slice(), options].concat();
    Namespace::ALL.into_iter().filter(|kind| namespace(&words, *kind) != own(*kind)).collect()
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("space-{name}-{}", std::process::id()))
}

#[test]
fn each_namespace_has_a_short_and_a_long_option() {
    run_space_as!([Root, User, Nested], {
        use Namespace::{Cgroup, Ipc, Mnt, Net, Pid, Time, User, Uts};
        let kinds: [(Namespace, &[&str]); 8] = [
            (Ipc, &["-i", "--ipc"]),
            (Mnt, &["-m", "--mnt", "--fs"]),
            (Net, &["-n", "--net"]),
            (Pid, &["-p", "--pid"]),
            (Uts, &["-u", "--uts"]),
            (User, &["-U", "--user"]),
            (Cgroup, &["-C", "--cgroup"]),
            (Time, &["-T", "--time"]),
        ];
        for (kind, spellings) in kinds {
            for spelling in spellings {
                let new = new_kinds(&["-U", spelling]);
                assert!(new.contains(&kind) && new.contains(&User), "{spelling}: {new:?}");
                assert!(new.len() <= 2, "{spelling}: {new:?}");
            }
        }
    });
}

#[test]
fn no_kind_excludes_a_namespace_from_all() {
    run_space_as!([Root, User, Nested], {
        assert_eq!(new_kinds(&["-a"]).len(), 8);
        let without = new_kinds(&["--all", "--no-net", "--no-fs"]);
        assert!(without.len() == 6 && !without.contains(&Namespace::Net), "{without:?}");
        assert_eq!(new_kinds(&["--no-net", "--all"]).len(), 7);
        assert_eq!(new_kinds(&["--all", "--no-net", "--net"]).len(), 8);
        assert!(new_kinds(&[]).is_empty());
    });
}

#[test]
fn map_options_are_those_of_pyspaces() {
    run_space_as!([Root, User, Nested], {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let (uid, gid) = (uid.as_raw().to_string(), gid.as_raw().to_string());
        let id = ["sh", "-c", "echo $(id -u) $(id -g)"];
        let full = [format!("0 {uid} 1"), format!("0 {gid} 1")];
        let maps: [&[&str]; 4] = [
            &["-z"],
            &["--id"],
            &["-M", &uid, "-G", &gid],
            &["--uid-map", &full[0], "--gid-map", &full[1]],
        ];
        for map in maps {
            assert_eq!(stdout(&[&["execute", "-U"], map, &id].concat()), "0 0\n", "{map:?}");
        }
        let deny = ["execute", "-Uz", "--setgroups", "deny", "cat", "/proc/self/setgroups"];
        assert_eq!(stdout(&deny), "deny\n");
    });
}

#[test]
fn the_root_and_the_working_directory_are_set() {
    run_space_as!([Root, User, Nested], {
        let root = temporary("root");
        fs::create_dir_all(root.join("inside")).expect("make a root");
        let path = root.to_str().expect("UTF-8");
        let line = error_line(&["chroot", path, "/program"]);
        assert!(line.contains("/program: ENOENT"), "{line}");
        assert_eq!(status(&["chroot", path, "/program"]), 127);
        assert_eq!(status(&["execute", "-Um", "--rootdir", path, "/program"]), 127);
        // By chroot(2), into a root that has all programs.
        assert_eq!(stdout(&["chroot", "-z", "--no-mnt", "/", "pwd"]), "/\n");
        assert_eq!(stdout(&["execute", "--workdir", "/usr", "pwd"]), "/usr\n");
        assert_eq!(stdout(&["chroot", "--no-mnt", "--workdir", "/usr", "/", "pwd"]), "/usr\n");
        fs::remove_dir_all(root).expect("remove the root");
    });
}

#[test]
fn the_streams_are_redirected_to_files() {
    run_space_as!([Root, User, Nested], {
        let names = ["in", "out", "err"].map(temporary);
        fs::write(&names[0], "a line\n").expect("write");
        let [input, output, errors] = names.each_ref().map(|name| name.to_str().expect("UTF-8"));
        let streams = ["execute", "--stdin", input, "--stdout", output, "--stderr", errors];
        for _ in 0..2 {
            let words = [streams.as_slice(), &["sh", "-c", "cat; echo bad >&2"]].concat();
            assert_eq!(status(&words), 0);
        }
        assert_eq!(fs::read_to_string(output).expect("read"), "a line\na line\n");
        assert_eq!(fs::read_to_string(errors).expect("read"), "bad\nbad\n");
        for name in names {
            fs::remove_file(name).expect("remove");
        }
    });
}

#[test]
fn the_host_name_and_proc_are_set() {
    run_space_as!([Root, User, Nested], {
        assert_eq!(stdout(&["execute", "-Uuz", "--hostname", "box", "uname", "-n"]), "box\n");
        let words =
            ["execute", "-Upmz", "--mount-proc", "sh", "-c", "readlink /proc/self; echo $$"];
        assert_eq!(stdout(&words), "2\n1\n");
        assert_eq!(status(&["execute", "-Uz", "--host-proc", "/nonexistent", "true"]), 125);
    });
}

#[test]
fn an_init_is_process_1() {
    run_space_as!([Root, User, Nested], {
        let words = ["execute", "-Upz", "--init", "sh", "-c", "echo $$; exit 4"];
        let output = space(&words);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(4), b"2\n".as_slice()));
        assert_eq!(status(&["execute", "-Uz", "--init", "true"]), 125);
    });
}

#[test]
fn a_daemon_is_not_waited_for() {
    run_space_as!([Root, User, Nested], {
        for options in [[].as_slice(), &["-Upz"]] {
            let file = temporary("daemon");
            let script = format!("sleep 0.3; echo done > {}", file.display());
            let words = ["execute", "--daemonize", "--json"];
            let output = space(&[words.as_slice(), options, &["sh", "-c", &script]].concat());
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let object: serde_json::Value = serde_json::from_slice(&output.stderr).expect("JSON");
            assert!(object["pid"].is_number() && object["exit_code"].is_null(), "{object}");
            assert!(!file.exists(), "space waited for the daemon");
            let deadline = std::time::Instant::now() + ns_testbed::LONG;
            while fs::read(&file).map_or(0, |text| text.len()) == 0 {
                assert!(std::time::Instant::now() < deadline, "the daemon was killed");
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            fs::remove_file(file).expect("remove");
        }
        assert_eq!(status(&["execute", "--daemonize", "no-such-program"]), 127);
    });
}

#[test]
fn a_daemon_keeps_the_mode_mask_of_the_caller() {
    run_space_as!([Root, User], {
        for (options, expected) in [("", "0027\n"), ("--umask 077", "0077\n")] {
            let file = temporary("mask");
            let script = format!(
                "umask 027; exec \"$0\" execute --daemonize {options} --stdout {} sh -c umask",
                file.display()
            );
            let done =
                std::process::Command::new("sh").args(["-c", &script, common::SPACE]).status();
            assert!(done.expect("run").success());
            let deadline = std::time::Instant::now() + ns_testbed::LONG;
            while fs::read(&file).map_or(0, |text| text.len()) == 0 {
                assert!(std::time::Instant::now() < deadline, "nothing is written");
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            assert_eq!(fs::read_to_string(&file).expect("read"), expected);
            fs::remove_file(file).expect("remove");
        }
    });
}

#[test]
fn inject_joins_the_selected_namespaces() {
    run_space_as!([Root, User, Nested], {
        let words = ["execute", "-az", "--no-time", "--hostname", "box", "sh", "-c"];
        let words = [words.as_slice(), &["readlink /proc/self; read end"]].concat();
        let mut target = command(&words).stdin(std::process::Stdio::piped()).spawn().expect("run");
        let mut line = String::new();
        let reader = std::io::BufReader::new(target.stdout.as_mut().expect("piped"));
        std::io::BufRead::read_line(&mut { reader }, &mut line).expect("read");
        // readlink was a child of the script, and the script is the target.
        let children =
            fs::read_to_string(format!("/proc/{}/task/{}/children", target.id(), target.id()));
        let pid = children.expect("read the children").trim().to_owned();
        for verb in ["inject", "enter"] {
            assert_eq!(stdout(&[verb, "--no-mnt", &pid, "uname", "-n"]), "box\n");
        }
        let there = |options: &[&str], kind| {
            namespace(&[&["inject"], options, &[pid.as_str()]].concat(), kind)
        };
        let of_target = |kind| {
            let link = fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("read the link");
            link.to_str().expect("UTF-8").to_owned()
        };
        assert_eq!(there(&["-U", "-u"], Namespace::Uts), of_target(Namespace::Uts));
        assert_eq!(there(&["-U", "-u"], Namespace::Ipc), own(Namespace::Ipc));
        let file = format!("--ipc=/proc/{pid}/ns/ipc");
        assert_eq!(there(&["-U", &file], Namespace::Ipc), of_target(Namespace::Ipc));
        assert_eq!(there(&["-Uiu", "--no-ipc"], Namespace::Ipc), own(Namespace::Ipc));
        drop(target.stdin.take());
        target.wait().expect("wait");
    });
}

#[test]
fn verbose_prints_the_process_id_and_the_status() {
    run_space_as!([Root, User], {
        for words in [["-v", "execute"], ["execute", "--verbose"]] {
            for (script, end) in [
                ("echo $$; kill -KILL $$", "was killed by signal 9"),
                ("echo $$; exit 3", "exited with status 3"),
            ] {
                let output = space(&[words.as_slice(), &["sh", "-c", script]].concat());
                let [pid, text] = [output.stdout, output.stderr]
                    .map(|text| String::from_utf8(text).expect("UTF-8"));
                let start = format!("space: process {}", pid.trim_end());
                assert_eq!(text, format!("{start} started\n{start} {end}\n"));
            }
        }
    });
}

#[test]
fn a_dry_run_prints_the_plan() {
    run_space_as!([Root, User], {
        let plan = stdout(&["chroot", "-pz", "--dry-run", "/nonexistent", "/bin/ls"]);
        for step in ["clone3(", "uid_map", "pivot_root", "execve(\"/bin/ls\")"] {
            assert!(plan.contains(step), "{step} in {plan}");
        }
        let words = ["execute", "-az", "--mount-proc", "--host-root", "--rlimit", "nofile=64"];
        let plan = stdout(&[&words[..], &["--drop-cap", "all", "--dry-run", "sh"]].concat());
        for line in [
            "child: prlimit(RLIMIT_NOFILE, soft 64, hard 64)  # set a resource limit",
            "child: prctl(PR_CAPBSET_DROP, all)  # set the bounding set",
            "child: capset(permitted and effective: none, inheritable: none)  # set the capabilities",
            "child: prctl(PR_SET_PDEATHSIG, SIGKILL)  # the child does not outlive the caller",
        ] {
            assert!(plan.lines().any(|found| found == line), "{line} in {plan}");
        }
        assert!(plan.contains("  # a new proc on \"/proc\"\n"), "{plan}");
        assert!(
            plan.lines().all(|line| !line.contains("0x") && !line.contains("429496")),
            "{plan}"
        );
    });
}

/// The object has the same fields after every outcome.
#[test]
fn json_output_always_has_the_same_fields() {
    run_space_as!([Root, User], {
        let cases: [(&[&str], &str, u8); 6] = [
            (&["execute", "sh", "-c", "exit 7"], "\"exit_code\":7,\"signal\":null", 7),
            (&["execute", "sh", "-c", "kill $$"], "\"exit_code\":null,\"signal\":15", 143),
            (
                &["execute", "no-such-program"],
                "\"step\":\"execve\",\"side\":\"child\",\"errno\":2",
                127,
            ),
            (&["execute", "--hostname", "x", "true"], "\"step\":\"check\"", 125),
            (
                &["inject", "-z", "1", "true"],
                "\"message\":\"a \\\"label\\\": inject does not accept --id",
                125,
            ),
            (&["execute", "--dry-run", "true"], "\"pid\":null", 0),
        ];
        for (words, expected, status) in cases {
            let words = [&words[..1], &["--json", "--name", "a \"label\""], &words[1..]].concat();
            let output = space(&words);
            assert_eq!(output.status.code(), Some(status.into()));
            let text = String::from_utf8(output.stderr).expect("UTF-8");
            assert!(text.contains(expected) && text.lines().count() == 1, "{text}");
            let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let fields = object.as_object().expect("an object").keys().map(String::as_str);
            let known = ["error", "exit_code", "name", "pid", "signal", "status", "timed_out"];
            assert_eq!(fields.collect::<Vec<_>>(), known);
            assert_eq!(object["name"], "a \"label\"");
            assert_eq!(object["status"], status);
        }
    });
}

#[test]
fn a_working_directory_is_created() {
    run_space_as!([Root, User], {
        let path = temporary("new-directory");
        let name = path.to_str().expect("UTF-8");
        assert_eq!(status(&["execute", "--workdir", name, "true"]), 125);
        let words = ["execute", "--workdir", name, "--create-workdir", "pwd"];
        assert_eq!(stdout(&words), format!("{name}\n"));
        fs::remove_dir(path).expect("remove");
    });
}
