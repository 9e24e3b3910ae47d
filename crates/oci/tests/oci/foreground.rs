//! `run` and `exec` in the foreground.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use serde_json::json;

use crate::bundle::{Bundle, add_mount};
use crate::runtime::{Runtime, reap, run_oci_as, wait_until};

/// A terminal of the test: its master, and the other end.
fn terminal() -> (File, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("openpt");
    grantpt(&master).expect("grantpt");
    unlockpt(&master).expect("unlockpt");
    let name = ptsname(&master, Vec::new()).expect("ptsname");
    let path = name.to_str().expect("UTF-8");
    let other = OpenOptions::new().read(true).write(true).open(path).expect("open");
    let size = Winsize { ws_row: 33, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&other, size).expect("size");
    (master.into(), other)
}

/// Starts a command on the terminal.
fn start(runtime: &Runtime, words: &[&str], terminal: &File) -> Child {
    let end = || OwnedFd::from(terminal.try_clone().expect("dup"));
    let mut command = runtime.command(words);
    command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("start")
}

/// Reads until the text ends so.
fn read_until(master: &mut File, end: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 1024]);
    while !text.ends_with(end) {
        let count = master.read(&mut buffer).expect("read");
        text += std::str::from_utf8(&buffer[..count]).expect("UTF-8");
    }
    text
}

fn is_raw(terminal: &File) -> bool {
    !tcgetattr(terminal).expect("tcgetattr").local_modes.contains(LocalModes::ICANON)
}

/// A bundle whose process has a terminal.
fn with_terminal(script: &str) -> Bundle {
    Bundle::with("bundle", script, |config| {
        config["process"]["terminal"] = true.into();
        add_mount(
            config,
            &json!({
                "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                "options": ["newinstance", "ptmxmode=0666", "mode=0620"],
            }),
        );
    })
}

#[test]
fn a_terminal_is_shown_on_that_of_the_caller() {
    run_oci_as!([Root, User], {
        let (runtime, (mut master, terminal)) = (Runtime::new(), terminal());
        let bundle = with_terminal(
            "tty; stty size; stty -echo; echo ready; read line; echo \"<$line>\"; exit 7",
        );
        let mut child = start(&runtime, &["run", "--bundle", bundle.path(), "one"], &terminal);
        assert_eq!(read_until(&mut master, "ready\r\n"), "/dev/pts/0\r\n33 99\r\nready\r\n");
        assert!(is_raw(&terminal));
        writeln!(master, "typed").expect("write");
        assert_eq!(read_until(&mut master, ">\r\n"), "<typed>\r\n");
        assert_eq!(child.wait().expect("wait").code(), Some(7));
        assert!(!is_raw(&terminal), "not restored");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn exec_has_a_terminal_too() {
    run_oci_as!([Root, User], {
        let (runtime, (mut master, terminal)) = (Runtime::new(), terminal());
        let bundle = with_terminal("exec sleep 1000");
        let mut child = start(&runtime, &["run", "--bundle", bundle.path(), "one"], &terminal);
        wait_until("it runs", || {
            runtime.states() == ["one"]
                && runtime.run(&["state", "one"]).status.success()
                && runtime.status("one") == "running"
        });
        drop(child.stdin.take());
        let (mut other_master, other) = self::terminal();
        let mut exec =
            start(&runtime, &["exec", "--tty", "one", "sh", "-c", "tty; exit 5"], &other);
        assert_eq!(read_until(&mut other_master, "\r\n"), "/dev/pts/1\r\n");
        assert_eq!(exec.wait().expect("wait").code(), Some(5));
        // Another command may kill a container in the foreground.
        runtime.ok(&["delete", "--force", "one"]);
        assert_eq!(child.wait().expect("wait").code(), Some(128 + 9));
        master.write_all(b"\n").expect("write");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn signals_are_passed_on() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let script = "trap 'exit 3' USR1; echo >/tmp/ready; while :; do sleep 0.01; done";
        let bundle = Bundle::new("bundle", script);
        let mut child =
            runtime.command(&["run", "--bundle", bundle.path(), "one"]).spawn().expect("start");
        let ready = bundle.rootfs().join("tmp/ready");
        wait_until("the trap is set", || ready.exists());
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::USR1).expect("kill");
        assert_eq!(child.wait().expect("wait").code(), Some(3));
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_program_in_the_background_needs_a_socket_for_its_terminal() {
    run_oci_as!([User], {
        let runtime = Runtime::new();
        let bundle = with_terminal("true");
        for command in [&["create"][..], &["run", "--detach"]] {
            let words = [command, &["--bundle", bundle.path(), "one"]].concat();
            assert!(runtime.error(&words).contains("--console-socket is missing"));
        }
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_detached_container_outlives_run() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "exit 5");
        let pid_file = std::env::temp_dir().join("pid");
        let file = pid_file.to_str().expect("UTF-8");
        runtime.start_ok(&[
            "run",
            "--detach",
            "--pid-file",
            file,
            "--bundle",
            bundle.path(),
            "one",
        ]);
        let pid = std::fs::read_to_string(&pid_file).expect("a pid file");
        std::fs::remove_file(pid_file).expect("remove");
        assert_eq!(reap(pid.parse().ok().and_then(Pid::from_raw).expect("a process ID")), 5);
        runtime.ok(&["delete", "one"]);
        drop(bundle);
        runtime.finish();
    });
}
