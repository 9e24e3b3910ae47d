//! A directory in which the lines of jobs run, with the files that they name.

use std::fs;
use std::process::{Command, Output, Stdio};

use super::SPACE;
use super::directory::Directory;

/// Its commands find `space` in `PATH`.
pub(crate) struct Place {
    directory: Directory,
    variables: Vec<(&'static str, String)>,
}

/// The root file system has a shell and cat(1), with their libraries.
const FILES: &str = "
set -e
mkdir bin home project lower work merged rootfs rootfs/bin rootfs/etc
ln -s \"$0\" bin/space
echo mail >home/mail
echo old >lower/file
echo text >config
echo NAME=image >rootfs/etc/os-release
printf '#!/bin/sh\\necho built >result\\ncat result\\n' >project/build
chmod +x project/build
for program in sh cat; do
    path=$(command -v $program)
    install $path rootfs/bin/$program
    for library in $(ldd $path | grep -o '/[^ ]*'); do
        install -D $library rootfs$library
    done
done";

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let place = Self { directory: Directory::new(name), variables: Vec::new() };
        let mut files = place.command("sh");
        let made = files.args(["-c", FILES, SPACE]).output().expect("run");
        assert!(made.status.success(), "{made:?}");
        // `BPF_RET | BPF_K` with SECCOMP_RET_ALLOW.
        let filter = [[6, 0, 0, 0].as_slice(), &0x7fff_0000_u32.to_ne_bytes()].concat();
        fs::write(place.directory.path("filter.bpf"), filter).expect("write");
        place
    }

    pub(crate) fn set(&mut self, variable: &'static str, value: &str) {
        self.variables.push((variable, value.to_owned()));
    }

    /// Runs a line.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.run_by("sh", line)
    }

    /// Runs a line by a shell that is the last of these words.
    pub(crate) fn run_by(&self, shell: &str, line: &str) -> Output {
        let mut words = shell.split(' ');
        let mut command = self.command(words.next().unwrap_or_default());
        command.args(words).args(["-c", line]).output().expect("run")
    }

    fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").expect("PATH");
        let path = format!("{}:{path}:/usr/sbin:/sbin", self.directory.path("bin"));
        let mut command = Command::new(program);
        command.current_dir(&self.directory.0).stdin(Stdio::null());
        command.env("PATH", path).env("HOME", self.directory.path("home"));
        command.env("PWD", &self.directory.0).envs(self.variables.iter().cloned());
        command
    }
}
