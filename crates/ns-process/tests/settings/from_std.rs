//! Commands, files and children of std as settings.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio as StdStdio};

use crate::common::target::Target;
use crate::common::{Directory, Output, assert_refused, mount_host_programs, printed, shell};
use ns_process::{Chroot, Container, Inject, Stdio};

/// A command with arguments, changes of the environment, and a working directory.
fn command() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "echo $0 $(pwd) $SET ${REMOVED-none}", "zero"]);
    command.env("SET", "value").env_remove("REMOVED").env("REPLACED", "old").env("REPLACED", "new");
    command.current_dir("/usr");
    command
}

/// The builder has the settings of the command, and the program prints the same as with std.
#[test]
fn a_container_takes_the_settings_of_a_command() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut command = command();
        let container = Container::from_command(&command);
        assert_eq!(container.get_program(), "sh");
        assert!(container.get_args().eq(command.get_args()));
        assert!(container.get_envs().count() == 3 && container.get_workdir().is_some());
        let by_std = String::from_utf8(command.output().expect("spawn").stdout).expect("text");
        assert_eq!(printed(&container), by_std);
        assert_eq!(by_std, "zero /usr value none\n");
        let mut container = Container::from_command(&command);
        assert_eq!(printed(container.namespaces("user").map_zero()), by_std);
    });
}

/// A program without a slash is found in the `PATH` that the command sets, as with std.
#[test]
fn the_path_of_the_command_finds_the_program() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("programs");
        fs::copy("/bin/sh", directory.join("only-here")).expect("copy");
        let mut command = Command::new("only-here");
        command.args(["-c", "echo found"]);
        assert!(command.output().is_err() && Container::from_command(&command).start().is_err());
        command.env("PATH", &*directory);
        assert_eq!(command.output().expect("spawn").stdout, b"found\n");
        assert_eq!(printed(&Container::from_command(&command)), "found\n");
        // Relative to the working directory of the program.
        let mut relative = Command::new("./only-here");
        relative.args(["-c", "echo found"]).current_dir(&*directory);
        assert_eq!(relative.output().expect("spawn").stdout, b"found\n");
        assert_eq!(printed(&Container::from_command(&relative)), "found\n");
    });
}

/// In a new root, and in the namespaces of a target, the working directory is one of there.
#[test]
fn a_chroot_and_an_inject_take_the_settings_of_a_command() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("root", &["only/inside"]);
        let mut command = command();
        command.current_dir("/only/inside");
        let mut chroot = Chroot::from_command(&*root, &command);
        mount_host_programs(&mut chroot);
        assert_eq!(printed(&chroot), "zero /only/inside value none\n");
        let target = Target::in_all();
        command.current_dir("/proc/1");
        let inject = Inject::from_command(&*target, &command);
        assert_eq!(printed(&inject), "zero /proc/1 value none\n");
    });
}

/// std replaces a text with NUL and refuses to start. The replacement does not reach the program.
#[test]
fn a_command_with_nul_is_refused() {
    let message = "from_command: the program, an argument or the directory contains NUL";
    assert_refused(&Container::from_command(&Command::new("a\0b")), message);
    assert_refused(&Container::from_command(Command::new("true").arg("a\0b")), message);
    assert_refused(&Container::from_command(Command::new("true").current_dir("a\0b")), message);
    let mut variable = Command::new("true");
    assert_refused(&Container::from_command(variable.env("key", "a\0b")), "env key: NUL at byte 5");
}

/// What std does not show is not taken over, as documented.
#[test]
fn the_rest_of_a_command_is_not_taken_over() {
    ns_testbed::run_as!([Root, User], {
        let mut renamed = Command::new("sh");
        renamed.args(["-c", "echo $0"]).arg0("other").stdout(StdStdio::null());
        assert_eq!(printed(&Container::from_command(&renamed)), "sh\n");
        let mut command = Command::new("env");
        command.env_clear().env("A", "b");
        let mut container = Container::from_command(&command);
        assert!(printed(&container).contains("PATH="));
        // As the documentation advises.
        let envs = command.get_envs().filter_map(|(key, value)| Some((key, value?)));
        assert_eq!(printed(container.env_clear().envs(envs)), "A=b\n");
    });
}

/// Each stream of a child of std becomes a stream of the program.
#[test]
fn streams_of_a_child_of_std_become_streams() {
    ns_testbed::run_as!([Root, User], {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; read line; echo $line >&2"]);
        command.stdin(StdStdio::piped()).stdout(StdStdio::piped()).stderr(StdStdio::piped());
        let mut child = command.spawn().expect("spawn");
        let mut answer = shell("read line; echo $line; echo in >&4");
        answer.stdin(child.stdout.take().expect("piped")).fd(4, child.stdin.take().expect("piped"));
        assert_eq!(printed(&answer), "out\n");
        let mut reading = Container::new("cat");
        assert_eq!(printed(reading.stdin(child.stderr.take().expect("piped"))), "in\n");
        child.wait().expect("wait");
    });
}

/// Files, sockets and the streams of a started process need no `Stdio`.
#[test]
fn values_that_own_a_descriptor_become_streams() {
    ns_testbed::run_as!([Root, User], {
        let output = Output::new();
        let file = File::create(output.path()).expect("create");
        let (ours, theirs) = UnixStream::pair().expect("pair");
        let mut container = shell("echo out; echo err >&2; echo socket >&5");
        container.stdin(Stdio::null()).stdout(file.try_clone().expect("clone")).stderr(file);
        container.fd(5, theirs);
        let status = container.status().expect("start");
        assert!(status.success(), "{status}");
        drop(container);
        let mut text = String::new();
        { &ours }.read_to_string(&mut text).expect("read");
        assert_eq!((text.as_str(), output.read().as_str()), ("socket\n", "out\nerr\n"));

        let mut first = shell("echo chained").stdout(Stdio::piped()).start().expect("start");
        let mut second = Container::new("cat");
        second.stdin(first.take_stdout().expect("piped"));
        assert_eq!(printed(&second), "chained\n");
        assert!(first.join().expect("join").success());

        let mut reading = Container::new("cat");
        let (reader, mut writer) = UnixStream::pair().expect("pair");
        writer.write_all(b"several starts share it").expect("write");
        drop(writer);
        reading.stdin(reader);
        assert_eq!(printed(&reading), "several starts share it");
        assert_eq!(printed(&reading), "");
    });
}
