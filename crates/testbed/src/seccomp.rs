//! System calls that fail, or that somebody is asked about.
#![allow(unsafe_code, reason = "seccomp filters")]

use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

/// `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | BPF_JEQ | BPF_K` and `BPF_RET | BPF_K` of filter.h.
const LOAD: u16 = 0x20;
const JUMP_IF: u16 = 0x15;
const RETURN: u16 = 0x06;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// From here on, system call `number` fails with `errno` in this process and its children, as on a kernel
/// without it.
///
/// # Panics
/// Where the filter cannot be set.
pub fn refuse(number: impl Into<i64>, errno: Errno) {
    let told = libc::SECCOMP_RET_ERRNO | errno.raw_os_error().unsigned_abs();
    install(&filter(&[number.into()], told), 0);
}

/// From here on, this thread and its children wait at each of the system calls `numbers` until a reader
/// of the descriptor says what becomes of it; see seccomp_unotify(2).
///
/// # Panics
/// Where the filter cannot be set.
pub fn ask_about(numbers: &[i64]) -> OwnedFd {
    let filter = filter(numbers, libc::SECCOMP_RET_USER_NOTIF);
    let listener = install(&filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    let listener = i32::try_from(listener).expect("a descriptor");
    // SAFETY: the kernel has just made it.
    unsafe { OwnedFd::from_raw_fd(listener) }
}

/// Loads the number, compares it with each, answers or allows.
fn filter(numbers: &[i64], answer: u32) -> Vec<libc::sock_filter> {
    let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = vec![line(LOAD, 0, 0, 0)];
    for (index, number) in numbers.iter().enumerate() {
        let to_answer = u8::try_from(numbers.len() - index).expect("few calls");
        filter.push(line(JUMP_IF, to_answer, 0, u32::try_from(*number).expect("a number")));
    }
    filter.extend([line(RETURN, 0, 0, ALLOW), line(RETURN, 0, 0, answer)]);
    filter
}

fn install(filter: &[libc::sock_filter], flags: libc::c_ulong) -> libc::c_long {
    rustix::thread::set_no_new_privs(true).expect("no_new_privs");
    let length = u16::try_from(filter.len()).expect("short");
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the kernel reads a filter that outlives the call.
    let set = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    assert!(set >= 0, "seccomp: {}", std::io::Error::last_os_error());
    set
}
