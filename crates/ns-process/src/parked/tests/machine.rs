//! The gate of a machine makes the calls of a list: that of this machine, or that of another one in an emulator.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::{env, str};

use ns_sys::Errno;
use ns_sys::child::BpfInstruction;
use ns_testbed::LONG;
use rustix::io::write;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::parked::call_list::{Call, CallList, Errnos, Fd};
use crate::parked::numbers::MSG_NOSIGNAL;
use crate::parked::report;
use crate::parked::send::send_list;
use crate::start::gate::{self, COMPARE, WAIT};
use crate::start::program_file;
use crate::{Container, Process, Stdio, Step};

/// Where a gate has its socket, and where the emulator finds the gate.
const GATE: i32 = 0;
const PROGRAM: i32 = 9;

/// The system calls of a machine.
#[derive(Clone, Copy)]
struct Numbers {
    /// `e_machine` of the file; `None` for this machine.
    machine: Option<u16>,
    write: i64,
    close: i64,
    socket: i64,
    sendto: i64,
    execve: i64,
    exit_group: i64,
}

const OWN: Numbers = Numbers {
    machine: None,
    write: libc::SYS_write,
    close: libc::SYS_close,
    socket: libc::SYS_socket,
    sendto: libc::SYS_sendto,
    execve: libc::SYS_execve,
    exit_group: libc::SYS_exit_group,
};

/// Those of include/uapi/asm-generic/unistd.h.
const fn generic(machine: u16) -> Numbers {
    Numbers {
        machine: Some(machine),
        write: 64,
        close: 57,
        socket: 198,
        sendto: 206,
        execve: 221,
        exit_group: 94,
    }
}

/// The gate to test. `cargo xtask cross` sets the variables: an emulator such as `qemu-riscv64-static`, and a file with
/// the instructions.
struct Machine {
    numbers: Numbers,
    emulator: Option<String>,
    file: OwnedFd,
}

impl Machine {
    fn new() -> Self {
        let Ok(emulator) = env::var("NS_GATE_EMULATOR") else {
            let file = gate::make(GATE).expect("make the gate");
            return Self { numbers: OWN, emulator: None, file };
        };
        let numbers = generic(if emulator.contains("aarch64") { 183 } else { 243 });
        let code = env::var_os("NS_GATE_CODE").expect("the path of the instructions");
        let mut file = gate::executable(&fs::read(code).expect("read the instructions"), GATE);
        file[18..20].copy_from_slice(&numbers.machine.unwrap_or_default().to_le_bytes());
        let file = program_file::make(c"gate", &file).expect("make the gate");
        Self { numbers, emulator: Some(emulator), file }
    }

    /// Starts the gate. Its standard output is a pipe.
    fn start(&self) -> (OwnedFd, Process) {
        self.start_with(|_| {})
    }

    fn start_with(&self, set: impl FnOnce(&mut Container)) -> (OwnedFd, Process) {
        let (own, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .expect("socketpair");
        let file = self.file.try_clone().expect("duplicate the gate");
        let mut container = Container::new(self.emulator.as_deref().unwrap_or("gate"));
        if self.emulator.is_some() {
            container.arg(format!("/proc/self/fd/{PROGRAM}")).fd(PROGRAM, Stdio::fd(file));
        } else {
            container.program_fd(file);
        }
        container.fd(GATE, Stdio::fd(theirs)).stdout(Stdio::piped());
        set(&mut container);
        (own, container.start().expect("start the gate"))
    }

    /// The output and the exit code of a gate that makes the calls that `add` adds. After a failure that no call
    /// expects, it writes `failed` and exits with 1.
    fn run(&self, add: impl FnOnce(&mut CallList, Numbers)) -> (String, Option<i32>) {
        let (gate, process) = self.start();
        send_list(gate.as_fd(), &self.list(add), &[], None).expect("send the list");
        ended(process)
    }

    fn list(&self, add: impl FnOnce(&mut CallList, Numbers)) -> Vec<u8> {
        let mut list = CallList::default();
        add(&mut list, self.numbers);
        let failed = list.here();
        push_write(&mut list, self.numbers, "failed");
        push_exit(&mut list, self.numbers, 1);
        list.finish(failed)
    }
}

fn ended(process: Process) -> (String, Option<i32>) {
    let output = process.wait_with_output_timeout(LONG).expect("wait");
    let text = str::from_utf8(&output.stdout).expect("text").to_owned();
    (text, output.status.code())
}

fn push_write(list: &mut CallList, numbers: Numbers, text: &str) {
    let at = list.bytes(text.as_bytes());
    list.push(Call::on(numbers.write, Fd::Number(1), [at, text.len() as u64]));
}

fn push_exit(list: &mut CallList, numbers: Numbers, code: u64) {
    list.push(Call::new(numbers.exit_group, [code]));
}

/// A call that fails with `EAFNOSUPPORT`, which is 97.
fn fails_with_97(numbers: Numbers) -> Call {
    assert_eq!(Errno::AFNOSUPPORT.raw_os_error(), 97);
    Call::new(numbers.socket, [999, 1, 0])
}

/// A call that fails with `EACCES`, which is 13, also for root: a directory is no program.
fn fails_with_13(list: &mut CallList, numbers: Numbers) -> Call {
    let path = list.text(c"/");
    Call::new(numbers.execve, [path, 0, 0])
}

#[test]
fn the_calls_are_made_in_order() {
    ns_testbed::run_as!([Root, User], {
        let ended = Machine::new().run(|list, numbers| {
            push_write(list, numbers, "one ");
            push_write(list, numbers, "two");
            push_exit(list, numbers, 7);
        });
        assert_eq!(ended, ("one two".to_owned(), Some(7)));
    });
}

#[test]
fn a_failure_goes_on_where_the_call_says() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        let errno = |number| Errnos::of(&[Errno::from_raw_os_error(number)]);
        // The errno of the call, the errnos of its mask, and whether the mask has the errno.
        let cases = [
            (13, errno(13), true),
            (97, errno(97), true),
            (13, Errnos::ALL, true),
            (97, Errnos::ALL, true),
            (13, Errnos::NONE, false),
            (97, Errnos::NONE, false),
            // The same bit in the other half, and the bits beside it.
            (13, errno(64 + 13), false),
            (97, errno(97 - 64), false),
            (97, errno(96), false),
            (97, errno(98), false),
        ];
        for (number, mask, is_in_mask) in cases {
            let ended = machine.run(|list, numbers| {
                let other = list.label();
                let call = match number {
                    13 => fails_with_13(list, numbers),
                    _ => fails_with_97(numbers),
                };
                list.push(call.otherwise(mask, other));
                push_write(list, numbers, "next");
                push_exit(list, numbers, 2);
                list.place(other);
                push_write(list, numbers, "other");
                push_exit(list, numbers, 3);
            });
            let expected = if is_in_mask { ("other", 3) } else { ("failed", 1) };
            assert_eq!(ended, (expected.0.to_owned(), Some(expected.1)), "{number}, {mask:?}");
        }
    });
}

#[test]
fn a_comparison_fails_if_the_words_differ_and_clears_the_word() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        let sign = 1 << 63;
        for (word, value) in [(5, 5), (5, 6), (0, 1), (1, 0), (sign, 0), (0, sign), (sign, sign)] {
            let ended = machine.run(|list, numbers| {
                let other = list.label();
                let at = list.words(&[word]);
                list.push(Call::new(COMPARE, [at, value]).otherwise(Errnos::ALL, other));
                // The word is 0 now.
                list.push(Call::new(COMPARE, [at, 0]));
                push_write(list, numbers, "equal");
                push_exit(list, numbers, 0);
                list.place(other);
                list.push(Call::new(COMPARE, [at, 0]));
                push_write(list, numbers, "differs");
                push_exit(list, numbers, 0);
            });
            let expected = if word == value { "equal" } else { "differs" };
            assert_eq!(ended, (expected.to_owned(), Some(0)), "{word}, {value}");
        }
    });
}

#[test]
fn descriptors_come_with_a_list_and_from_results() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        let (gate, process) = machine.start();
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("pipe");
        let null = File::open("/dev/null").expect("open");
        let files = [writer.as_fd(), null.as_fd()];
        // A list without descriptors leaves room for those of the next one.
        let nothing = machine.list(|list, _| list.push(Call::new(WAIT, [])));
        send_list(gate.as_fd(), &nothing, &[], None).expect("send the list");
        let list = machine.list(|list, numbers| {
            let text = list.text(c"received");
            list.push(Call::on(numbers.write, Fd::Received(0), [text, 8]));
            list.push(Call::on(numbers.close, Fd::Received(1), []));
            // It was not received: the number is -1, and not that of the standard input.
            let other = list.label();
            let missing = Call::on(numbers.close, Fd::Received(2), []);
            list.push(missing.otherwise(Errnos::of(&[Errno::BADF]), other));
            push_exit(list, numbers, 2);
            list.place(other);
            let opened = Call::new(numbers.socket, [1, 1, 0]);
            let opened = list.push_step(opened, Step::Prepare, b"");
            list.push(Call::on(numbers.close, Fd::Result(opened), []));
            push_write(list, numbers, "closed");
            push_exit(list, numbers, 0);
        });
        send_list(gate.as_fd(), &list, &files, None).expect("send the list");
        drop(writer);
        assert_eq!(ended(process), ("closed".to_owned(), Some(0)));
        let text = std::io::read_to_string(File::from(reader)).expect("read");
        assert_eq!(text, "received");
    });
}

#[test]
fn a_list_that_ends_is_followed_by_another_one() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        let (gate, process) = machine.start();
        // The second list is longer than a page and than what a socket takes at once.
        for size in [1, 3_000_000, 1] {
            let list = machine.list(|list, numbers| {
                let long = list.bytes(&vec![b'x'; size]);
                list.push(Call::on(numbers.write, Fd::Number(1), [long + size as u64 - 1, 1]));
                list.push(Call::new(WAIT, []));
            });
            send_list(gate.as_fd(), &list, &[], None).expect("send the list");
        }
        drop(gate);
        assert_eq!(ended(process), ("xxx".to_owned(), Some(125)), "at the end of the stream");
    });
}

#[test]
fn an_invalid_message_ends_the_gate() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        let header = |length: u64| [length, 0].map(u64::to_le_bytes).concat();
        let short = [&header(64)[..], &[0; 63]].concat();
        let messages = [vec![], vec![0; 15], header(0), header(1 << 62), header(u64::MAX), short];
        for message in messages {
            let (gate, process) = machine.start();
            write(&gate, &message).expect("write");
            drop(gate);
            assert_eq!(ended(process), (String::new(), Some(125)), "{message:?}");
        }
    });
}

#[test]
fn the_length_of_a_list_is_no_multiple_of_a_word() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        let (gate, process) = machine.start();
        let mut list = machine.list(|list, numbers| push_exit(list, numbers, 5));
        list.extend_from_slice(b"abc");
        send_list(gate.as_fd(), &list, &[], None).expect("send the list");
        assert_eq!(ended(process), (String::new(), Some(5)));
    });
}

#[test]
fn the_report_has_each_result() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        let (gate, process) = machine.start();
        let mut list = CallList::default();
        let numbers = machine.numbers;
        let closed = Call::on(numbers.close, Fd::Number(2), []);
        list.push_step(closed, Step::CloseRest, b"2");
        list.push_step(fails_with_97(numbers), Step::PlaceFd, b"the object");
        list.push_step(Call::on(numbers.close, Fd::Number(2), []), Step::Workdir, b"not made");
        let failed = list.here();
        let to = Fd::Number(GATE);
        list.push_report(Call::on(numbers.sendto, to, [0, 0, MSG_NOSIGNAL, 0, 0]));
        push_exit(&mut list, numbers, 4);
        send_list(gate.as_fd(), &list.finish(failed), &[], None).expect("send the list");
        assert_eq!(ended(process), (String::new(), Some(4)));
        let mut report = Vec::new();
        File::from(gate).read_to_end(&mut report).expect("read");
        let (header, rest) = report.split_first_chunk().expect("a header");
        assert_eq!(report::rest_length(header), Some(rest.len()));
        let failed = report::failure(header, rest).expect("a failure");
        let shown = (failed.step, failed.errno, failed.object.as_str());
        assert_eq!(shown, (Step::PlaceFd, Errno::AFNOSUPPORT, "the object"));
    });
}

#[test]
fn a_program_is_executed() {
    ns_testbed::run_as!([Root, User], {
        let ended = Machine::new().run(|list, numbers| {
            let argv = list.array([c"sh", c"-c", c"echo $0 $VALUE", c"name"].into_iter());
            let envp = list.array([c"VALUE=value"].into_iter());
            let path = list.text(c"/bin/sh");
            list.push(Call::new(numbers.execve, [path, argv, envp]));
        });
        assert_eq!(ended, ("name value\n".to_owned(), Some(0)));
    });
}

/// An emulator does not emulate filters.
#[test]
fn an_errno_beyond_the_mask_is_a_failure() {
    ns_testbed::run_as!([Root, User], {
        let machine = Machine::new();
        if machine.emulator.is_some() {
            return;
        }
        let cases = [(127, "other"), (128, "failed"), (156, "failed"), (4095, "failed")];
        for (number, expected) in cases {
            let (gate, process) = machine.start_with(|container| {
                let errno = libc::SECCOMP_RET_ERRNO | number;
                let call = u32::try_from(OWN.socket).expect("a number");
                let instruction = |code, jf, k| BpfInstruction { code, jt: 0, jf, k };
                container.no_new_privs().seccomp([
                    instruction(0x20, 0, 0),
                    instruction(0x15, 1, call),
                    instruction(0x06, 0, errno),
                    instruction(0x06, 0, libc::SECCOMP_RET_ALLOW),
                ]);
            });
            let list = machine.list(|list, numbers| {
                let call = Call::new(numbers.socket, [1, 1, 0]);
                let other = list.label();
                list.push(call.otherwise(Errnos::ALL, other));
                push_exit(list, numbers, 2);
                list.place(other);
                push_write(list, numbers, "other");
                push_exit(list, numbers, 1);
            });
            send_list(gate.as_fd(), &list, &[], None).expect("send the list");
            assert_eq!(ended(process), (expected.to_owned(), Some(1)), "{number}");
        }
    });
}
