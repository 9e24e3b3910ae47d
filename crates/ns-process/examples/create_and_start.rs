//! A container that one process creates and another one starts, as the commands of a container runtime do.
//!
//! `create DIRECTORY PROGRAM [ARG]...` parks the program in new namespaces, writes its process ID to DIRECTORY/pid, and
//! exits. `start DIRECTORY` executes the program. `delete DIRECTORY` kills what is left and removes the files. Without
//! arguments the example runs all three. Needs no privilege.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use ns_process::ns_sys::{pidfd_open, pidfd_send_signal};
use ns_process::{Container, Errno, Namespace, Signal, release_at};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => all()?,
        ["create", directory, program, args @ ..] => create(directory.as_ref(), program, args)?,
        ["start", directory] => release_at(Path::new(directory).join("gate"))?,
        ["delete", directory] => delete(directory.as_ref())?,
        _ => {
            eprintln!("create DIRECTORY PROGRAM [ARG]... | start DIRECTORY | delete DIRECTORY");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn create(directory: &Path, program: &str, args: &[&str]) -> Result<()> {
    fs::create_dir(directory)?;
    // The permissions of the directory decide who can start the container.
    let gate = UnixListener::bind(directory.join("gate"))?;
    let mut container = Container::new(program);
    container.args(args).map_zero();
    container.namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid, Namespace::Uts]);
    let parked = container.park_at(gate).start_parked()?;
    // A missing program is an error of create, not of start.
    parked.lookup()?;
    fs::write(directory.join("pid"), parked.pid().to_string())?;
    // From here on the process outlives this one.
    parked.detach()?;
    Ok(())
}

fn delete(directory: &Path) -> Result<()> {
    let pid: u32 = fs::read_to_string(directory.join("pid"))?.parse()?;
    // A real runtime also stores the start time of the process, because its ID may be reused.
    match pidfd_open(pid) {
        Ok(pidfd) => pidfd_send_signal(&pidfd, Signal::KILL)?,
        Err(errno) if errno == Errno::SRCH => {}
        Err(errno) => return Err(errno.into()),
    }
    fs::remove_dir_all(directory)?;
    Ok(())
}

/// Runs the three commands, each as a process of its own.
fn all() -> Result<()> {
    let directory = env::temp_dir().join(format!("create-and-start-{}", std::process::id()));
    let path = directory.to_str().ok_or("the directory for temporary files is not UTF-8")?;
    command(&["create", path, "sh", "-c", "echo process $$ started"])?;
    println!("created in {path}");
    command(&["start", path])?;
    // The program is no child of this process: its end is the end of its process ID.
    let pid = fs::read_to_string(directory.join("pid"))?;
    while runs(&pid)? {
        sleep(Duration::from_millis(10));
    }
    command(&["delete", path])
}

fn command(words: &[&str]) -> Result<()> {
    let status = Command::new(env::current_exe()?).args(words).status()?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", words[0]).into()) }
}

/// Whether the process exists and has not exited.
fn runs(pid: &str) -> Result<bool> {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => Ok(!stat.contains(") Z ")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
