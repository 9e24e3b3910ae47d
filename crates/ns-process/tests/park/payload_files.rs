//! The descriptors of a payload.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::common::{Directory, shell};
use crate::support::{Gate, code_of, parked};
use ns_process::{Container, Errno, Payload, Resource, Stdio, Step};

/// A file that contains its number.
fn numbered(directory: &Directory, number: RawFd) -> File {
    let path = directory.join(number.to_string());
    let options = || File::options().read(true).write(true).create(true).clone();
    let mut file = options().open(path).expect("create");
    writeln!(file, "{number}").expect("write");
    file.rewind().expect("seek");
    file
}

/// A shell script that prints each of the descriptors, which contain their numbers.
fn print(numbers: impl Iterator<Item = RawFd>) -> String {
    let commands: Vec<_> = numbers.map(|number| format!("cat /proc/self/fd/{number}; ")).collect();
    commands.concat()
}

/// What [`print`] prints.
fn printed(numbers: impl Iterator<Item = RawFd>) -> String {
    let lines: Vec<_> = numbers.map(|number| format!("{number}\n")).collect();
    lines.concat()
}

/// Each file is at its number, also where the received descriptors overlap the numbers, and no
/// other is open.
#[test]
fn e12_files_of_a_payload_arrive_in_any_order() {
    ns_testbed::run_as!([Root, User, Nested], {
        let directory = Directory::new("files");
        for count in [1, 7, 14] {
            let numbers: Vec<RawFd> = (3..3 + count).collect();
            let script = print(numbers.iter().copied());
            let expected = printed(numbers.iter().copied());
            let planned = shell(&format!("{script} ls /proc/self/fd | wc -l"));
            let reversed = numbers.iter().rev().copied().collect();
            let rotated = numbers.iter().cycle().skip(3).take(numbers.len()).copied().collect();
            for order in [numbers.clone(), reversed, rotated] {
                let mut payload = Payload::new();
                payload.stdout(Stdio::piped());
                for number in order {
                    payload.fd(number, numbered(&directory, number));
                }
                let process = parked(&planned).release_with(&payload).expect("release");
                let output = process.wait_with_output().expect("output");
                let text = String::from_utf8(output.stdout).expect("text");
                // Of ls, its directory is open as well.
                assert_eq!(text, format!("{expected}{}\n", count + 4));
            }
        }
    });
}

/// The same for descriptors of the caller that have the numbers of others.
#[test]
fn e03_swapped_files_of_a_payload_arrive() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("swapped");
        let files: Vec<OwnedFd> =
            (0..10).map(|number| numbered(&directory, number).into()).collect();
        let numbers: Vec<RawFd> = files.iter().map(AsRawFd::as_raw_fd).collect();
        let targets = numbers.iter().rev();
        let mut payload = Payload::new();
        payload.stdout(Stdio::piped());
        for (file, number) in files.iter().zip(targets.clone()) {
            payload.fd(*number, file.try_clone().expect("dup"));
        }
        let planned = shell(&print(targets.copied()));
        let process = parked(&planned).release_with(&payload).expect("release");
        let output = process.wait_with_output().expect("output");
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(text, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    });
}

/// Exactly 15 descriptors arrive, and `Stdio::inherit` keeps a planned one without counting.
#[test]
fn e12_15_descriptors_arrive() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("fifteen");
        let numbers = 6..20;
        let mut planned = shell(&format!("cat /proc/self/fd/5; {}", print(numbers.clone())));
        planned.fd(5, numbered(&directory, 5));
        let mut payload = Payload::new();
        payload.stdout(Stdio::piped()).fd(5, Stdio::inherit()).stderr(Stdio::inherit());
        for number in numbers.clone() {
            payload.fd(number, numbered(&directory, number));
        }
        let process = parked(&planned).release_with(&payload).expect("release");
        let output = process.wait_with_output().expect("output");
        let expected = printed(5..20);
        assert_eq!(String::from_utf8(output.stdout).expect("text"), expected);
        // The program is not one of them.
        payload.program_fd(File::open("/bin/sh").expect("open"));
        let process = parked(&planned).release_with(&payload).expect("release");
        assert_eq!(process.wait_with_output().expect("output").stdout, expected.as_bytes());
        payload.fd(20, numbered(&directory, 20));
        let error = parked(&planned).release_with(&payload).expect_err("16");
        let message = "fd: a payload has at most 15 descriptors";
        assert_eq!((error.step(), error.object()), (Step::Check, Some(message)));
    });
}

/// With a small limit on descriptors, the error names the step, or the files arrive.
#[test]
fn f20_a_small_limit_on_descriptors_is_a_typed_error() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("limit");
        let mut works = 0;
        for limit in 0..16 {
            let mut planned = Container::new("true");
            planned.rlimit(Resource::Nofile, limit, limit);
            let Ok(waiting) = planned.start_parked() else {
                assert!(limit < 5, "{limit}");
                continue;
            };
            // Plainly, a release needs no new descriptor.
            let error = waiting.release().map(|process| process.join()).err();
            if let Some(error) = error {
                assert!(limit < 4, "{limit}: {error}");
            }
            let mut payload = Payload::new();
            payload.stdin(Stdio::null()).fd(4, numbered(&directory, 4));
            match parked(&planned).release_with(&payload) {
                Ok(process) => {
                    works += 1;
                    process.join().expect("join");
                }
                Err(error) => {
                    let errno = error.errno().expect("an errno");
                    let is_known = [Errno::MFILE, Errno::INVAL, Errno::BADF].contains(&errno);
                    assert!(is_known && error.step() == Step::PlaceFd, "{limit}: {error}");
                    assert!(error.to_string().contains("RLIMIT_NOFILE"), "{limit}: {error}");
                }
            }
        }
        assert!(works > 3, "{works}");
    });
}

/// A pipe of the payload ends with the program, and the caller's files stay open and unchanged.
#[test]
fn e12_files_of_the_caller_stay() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("stay");
        let mut file = numbered(&directory, 7);
        let mut payload = Payload::new();
        payload.fd(9, file.try_clone().expect("dup")).stdout(Stdio::piped());
        let mut process =
            parked(&shell("echo written >&9")).release_with(&payload).expect("release");
        let mut rest = Vec::new();
        process.take_stdout().expect("pipe").read_to_end(&mut rest).expect("read");
        assert!(rest.is_empty());
        assert_eq!(code_of(&process), Some(0));
        file.rewind().expect("seek");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("read");
        assert_eq!(text, "written\n");
    });
}

/// A file may get the number of the gate, of the program, or of a descriptor on its way.
#[test]
fn e12_files_replace_the_gate_and_the_program() {
    ns_testbed::run_as!([Root, User], {
        let mut planned = shell("exit 3");
        planned.program_fd(File::open("/bin/sh").expect("open"));
        for by_payload in [false, true] {
            for first in 3..12 {
                let waiting = parked(&planned);
                let mut payload = Payload::new();
                for number in first..first + 15 {
                    payload.fd(number, Stdio::null());
                }
                if by_payload {
                    payload.program_fd(File::open("/bin/sh").expect("open"));
                }
                assert_eq!(code_of(&waiting.release_with(&payload).expect("release")), Some(3));
            }
        }
        // A failure is reported as well.
        for first in 3..12 {
            let waiting = parked(&planned);
            let mut payload = Payload::new();
            for number in first..first + 5 {
                payload.fd(number, Stdio::null());
            }
            payload.program("/nope");
            let error = waiting.release_with(&payload).expect_err("no program");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
        }
    });
}

/// At a path the planned files arrive, the listening socket is not among them.
#[test]
fn e01_planned_files_arrive_at_a_path() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("planned");
        let script = format!("{} ls /proc/self/fd | wc -l", print(3..9));
        let mut planned = shell(&script);
        planned.stdout(Stdio::piped());
        for number in (3..9).rev() {
            planned.fd(number, numbered(&directory, number));
        }
        let _gate = Gate::of(&mut planned);
        let process = parked(&planned).release().expect("release");
        let output = process.wait_with_output().expect("output");
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(text, "3\n4\n5\n6\n7\n8\n10\n");
    });
}
