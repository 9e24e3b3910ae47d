//! System calls that fail, or that wait for a supervisor.
#![allow(unsafe_code, reason = "seccomp filters")]

use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

// Instruction codes of include/uapi/linux/bpf_common.h.

/// `BPF_LD | BPF_W | BPF_ABS`.
const LOAD: u16 = 0x20;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
const JUMP_IF: u16 = 0x15;
/// `BPF_RET | BPF_K`.
const RETURN: u16 = 0x06;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// Makes the system call `number` fail with `errno`, in this thread and its future children.
///
/// # Panics
/// The filter cannot be set.
pub fn refuse(number: impl Into<i64>, errno: Errno) {
    let action = libc::SECCOMP_RET_ERRNO | errno.raw_os_error().unsigned_abs();
    install(&filter(&[number.into()], action), 0);
}

/// Makes this thread and its future children wait at each of the system calls `numbers` for a reply through
/// the returned listener; see seccomp_unotify(2).
///
/// # Panics
/// The filter cannot be set.
pub fn ask_about(numbers: &[i64]) -> OwnedFd {
    let filter = filter(numbers, libc::SECCOMP_RET_USER_NOTIF);
    let listener = install(&filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    let listener = i32::try_from(listener).expect("a descriptor");
    // SAFETY: the kernel has just returned it, and nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(listener) }
}

/// Returns `action` for each of the system calls `numbers`, and allows all others.
fn filter(numbers: &[i64], action: u32) -> Vec<libc::sock_filter> {
    let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = vec![line(LOAD, 0, 0, 0)];
    for (index, number) in numbers.iter().enumerate() {
        let to_action = u8::try_from(numbers.len() - index).expect("few calls");
        filter.push(line(JUMP_IF, to_action, 0, u32::try_from(*number).expect("a number")));
    }
    filter.extend([line(RETURN, 0, 0, ALLOW), line(RETURN, 0, 0, action)]);
    filter
}

fn install(filter: &[libc::sock_filter], flags: libc::c_ulong) -> libc::c_long {
    rustix::thread::set_no_new_privs(true).expect("no_new_privs");
    let length = u16::try_from(filter.len()).expect("short");
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the kernel reads a program that outlives the call.
    let set = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    assert!(set >= 0, "seccomp: {}", std::io::Error::last_os_error());
    set
}
