//! Mistakes, and the whole message for each; beside it, what the command that `space` replaces prints.
//!
//! A message names the option that is refused, in the words of the command line, the errno, the object, and what to
//! write instead.
#[macro_use]
#[path = "../common/mod.rs"]
mod common;
mod named;
mod others;
mod reported;
mod typed;

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;

/// The roles in which a mistake is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    All,
    Root,
    User,
}

/// A command line, its exit status and message, and the line of another command. `{dir}`, `{pid}`, `{tid}` and
/// `{uid}` are replaced; a word in brackets contains spaces. `…` stands for what depends on the kernel.
struct Mistake(By, &'static str, i32, &'static str, &'static str);

/// The files and processes of the mistakes.
struct Fixture {
    directory: PathBuf,
    thread: u32,
}

impl Fixture {
    fn new(thread: u32) -> Self {
        let directory = std::env::temp_dir().join(format!("space-mistakes-{}", std::process::id()));
        fs::create_dir(&directory).expect("make a directory");
        fs::copy(common::SPACE, directory.join("space")).expect("copy");
        fs::write(directory.join("prog"), "true\n").expect("write");
        fs::set_permissions(directory.join("prog"), fs::Permissions::from_mode(0o755))
            .expect("chmod");
        Self { directory, thread }
    }

    /// Replaces the names in a text.
    fn fill(&self, text: &str) -> String {
        let directory = self.directory.to_str().expect("UTF-8");
        let (pid, tid) = (std::process::id().to_string(), self.thread.to_string());
        let uid = rustix::process::geteuid().as_raw().to_string();
        let names = [("{dir}", directory), ("{pid}", &pid), ("{tid}", &tid), ("{uid}", &uid)];
        names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn run(&self, program: &str, line: &str) -> Option<Output> {
        let line = self.fill(line);
        let mut command = Command::new(program);
        command.args(words(&line)).current_dir(&self.directory).stdin(Stdio::null());
        command.output().ok()
    }
}

/// Splits a line at spaces, but not in brackets.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (word, after) = quoted.unwrap_or_else(|| rest.split_once(' ').unwrap_or((rest, "")));
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn check(mistakes: &[Mistake]) {
    let (send, tid) = channel();
    let (done, wait) = channel::<()>();
    let thread = std::thread::spawn(move || {
        send.send(rustix::thread::gettid().as_raw_nonzero().get()).expect("send");
        let _ = wait.recv();
    });
    let fixture = Fixture::new(u32::try_from(tid.recv().expect("receive")).expect("a number"));
    let is_root = rustix::process::geteuid().is_root();
    for Mistake(by, line, status, message, other) in mistakes {
        if *by != By::All && (*by == By::Root) != is_root {
            continue;
        }
        let output = fixture.run(common::SPACE, line).expect("run space");
        let printed = String::from_utf8(output.stderr).expect("UTF-8");
        show(&format!("space {}\n    {printed}{}", fixture.fill(line), of_other(&fixture, other)));
        let expected = fixture.fill(&format!("space: {message}\n"));
        let (start, end) = expected.split_once('…').unwrap_or((&expected, ""));
        let is_expected = printed.starts_with(start) && printed[start.len()..].ends_with(end);
        let is_whole = expected.contains('…') || printed == expected;
        assert!(is_expected && is_whole, "space {line}\n{printed}instead of\n{expected}");
        assert_eq!(output.status.code(), Some(*status), "space {line}: {printed}");
    }
    drop(done);
    thread.join().expect("the thread");
    fs::remove_dir_all(fixture.directory).expect("remove");
}

/// Prints a comparison, which `--show-output` shows.
fn show(text: &str) {
    for line in text.lines() {
        println!("shown: {line}");
    }
}

/// What another command prints, for comparison by a reader.
fn of_other(fixture: &Fixture, line: &str) -> String {
    let (program, arguments) = line.split_once(' ').unwrap_or((line, ""));
    match fixture.run(program, arguments) {
        Some(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let text = text.trim_end().replace('\n', "\n    ");
            format!("{}\n    {text} [{}]\n", fixture.fill(line), output.status)
        }
        None => format!("{line}\n    not installed\n"),
    }
}

/// Opens a descriptor as a shell does for `<(…)`.
fn open_63() -> OwnedFd {
    let file = fs::File::open("/dev/null").expect("open");
    let kept = rustix::io::fcntl_dupfd_cloexec(&file, 63).expect("duplicate to 63");
    rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty()).expect("clear close-on-exec");
    assert_eq!(kept.as_raw_fd(), 63);
    kept
}

#[test]
fn the_typed_option_and_its_value_are_named() {
    run_space_as!([Root, User], {
        check(&named::NAMED);
    });
}

#[test]
fn mistakes_of_users_are_answered() {
    run_space_as!([Root, User], {
        let _kept = open_63();
        check(&reported::REPORTED);
    });
}

#[test]
fn other_mistakes_are_answered() {
    run_space_as!([Root, User], {
        check(&others::OTHERS);
    });
}

#[test]
fn mistyped_lines_are_answered() {
    run_space_as!([Root, User], {
        check(&typed::TYPED);
    });
}
