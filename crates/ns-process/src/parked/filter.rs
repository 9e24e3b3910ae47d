//! Whether a seccomp filter allows the calls of a gate.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::child::BpfInstruction;

use crate::plan::Plan;
use crate::settings::Payload;

/// `AUDIT_ARCH_*` of include/uapi/linux/audit.h.
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const ARCH: u32 = 0xc000_00f3;

/// The system calls of every release, by name and number.
const CALLS: [(&str, i64); 8] = [
    ("execveat", libc::SYS_execveat),
    ("recvmsg", libc::SYS_recvmsg),
    ("recvfrom", libc::SYS_recvfrom),
    ("mmap", libc::SYS_mmap),
    ("fcntl", libc::SYS_fcntl),
    ("prctl", libc::SYS_prctl),
    ("sendto", libc::SYS_sendto),
    ("exit_group", libc::SYS_exit_group),
];
const BY_PATH: (&str, i64) = ("execve", libc::SYS_execve);
/// The additional calls of a release through a listening socket.
const AT_LISTENER: [(&str, i64); 5] = [
    ("ppoll", libc::SYS_ppoll),
    ("accept4", libc::SYS_accept4),
    ("setsockopt", libc::SYS_setsockopt),
    ("shutdown", libc::SYS_shutdown),
    ("close", libc::SYS_close),
];
/// The additional calls of a security label.
const WITH_LABEL: [(&str, i64); 2] = [("openat", libc::SYS_openat), ("write", libc::SYS_write)];

/// The calls of a gate that `filter` does not allow, judged by their numbers: the arguments count
/// as 0.
pub(super) fn refused(filter: &[BpfInstruction], plan: &Plan) -> Vec<&'static str> {
    let is_path = plan.work.program().is_some_and(|program| program.file.is_none());
    let by_path = is_path.then_some(BY_PATH);
    let listener: &[_] = if plan.gate.is_some() { &AT_LISTENER } else { &[] };
    let has_label = plan.privileges.label_text().is_some();
    let label: &[_] = if has_label { &WITH_LABEL } else { &[] };
    let calls = CALLS.iter().copied().chain(by_path).chain(listener.iter().chain(label).copied());
    calls.filter(|(_, number)| !allows(filter, *number)).map(|(name, _)| name).collect()
}

/// The calls that only some payloads need, and a lookup before Linux 6.14.
const OF_PAYLOADS: [(&str, i64); 5] = [
    ("dup3", libc::SYS_dup3),
    ("prlimit64", libc::SYS_prlimit64),
    ("chdir", libc::SYS_chdir),
    BY_PATH,
    ("faccessat2", libc::SYS_faccessat2),
];

/// Those of [`OF_PAYLOADS`] that a filter forbids.
#[derive(Debug, Default)]
pub(super) struct ForbiddenCalls(Vec<&'static str>);

impl ForbiddenCalls {
    pub(super) fn of(filter: Option<&[BpfInstruction]>) -> Self {
        let Some(filter) = filter else { return Self::default() };
        let forbidden = OF_PAYLOADS.iter().filter(|(_, number)| !allows(filter, *number));
        Self(forbidden.map(|(name, _)| *name).collect())
    }

    pub(super) fn has(&self, call: &str) -> bool {
        self.0.contains(&call)
    }

    /// Fails if the payload needs a forbidden call; the message begins with the name of the setter.
    pub(super) fn check(&self, payload: &Payload) -> Result<(), String> {
        let needs = [
            (!payload.places_nothing(), "fd", "dup3"),
            (!payload.rlimits.is_empty(), "rlimit", "prlimit64"),
            (payload.workdir.is_some(), "workdir", "chdir"),
            (payload.program.is_some(), "program", "execve"),
        ];
        match needs.iter().find(|(is_needed, _, call)| *is_needed && self.has(call)) {
            Some((_, setter, call)) => Err(format!("{setter}: the seccomp filter forbids {call}")),
            None => Ok(()),
        }
    }
}

/// include/uapi/linux/seccomp.h.
pub(super) const RET_ALLOW: u32 = 0x7fff_0000;
pub(super) const RET_LOG: u32 = 0x7ffc_0000;
pub(super) const RET_ACTION: u32 = 0xffff_0000;

pub(super) fn allows(filter: &[BpfInstruction], number: i64) -> bool {
    // A filter that the kernel rejects is reported by the start.
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let Some(action) = evaluate(filter, number) else { return true };
    matches!(action & RET_ACTION, RET_ALLOW | RET_LOG)
}

/// The return value of a filter for a system call; `None` for an invalid filter.
///
/// The instructions are those that seccomp(2) accepts: kernel/seccomp.c `seccomp_check_filter`.
pub(super) fn evaluate(filter: &[BpfInstruction], number: u32) -> Option<u32> {
    let mut memory = [0_u32; 16];
    let (mut a, mut x) = (0_u32, 0_u32);
    let mut at = 0_usize;
    loop {
        let BpfInstruction { code, jt, jf, k } = *filter.get(at)?;
        at += 1;
        let operand = if code & 0x08 == 0 { k } else { x };
        match code {
            // LD and LDX: the data of the call, its length, a constant, the scratch memory.
            0x20 => a = data(k, number)?,
            0x80 => a = 64,
            0x81 => x = 64,
            0x00 => a = k,
            0x01 => x = k,
            0x60 => a = *memory.get(k as usize)?,
            0x61 => x = *memory.get(k as usize)?,
            0x02 => *memory.get_mut(k as usize)? = a,
            0x03 => *memory.get_mut(k as usize)? = x,
            // ALU.
            0x04 | 0x0c => a = a.wrapping_add(operand),
            0x14 | 0x1c => a = a.wrapping_sub(operand),
            0x24 | 0x2c => a = a.wrapping_mul(operand),
            // A division by zero ends the program with 0.
            0x34 | 0x3c => match a.checked_div(operand) {
                Some(quotient) => a = quotient,
                None => return Some(0),
            },
            0x44 | 0x4c => a |= operand,
            0x54 | 0x5c => a &= operand,
            0x64 | 0x6c => a = a.wrapping_shl(operand),
            0x74 | 0x7c => a = a.wrapping_shr(operand),
            0x84 => a = a.wrapping_neg(),
            0xa4 | 0xac => a ^= operand,
            // JMP.
            0x05 => at = at.checked_add(k as usize)?,
            0x15 | 0x1d => at += usize::from(if a == operand { jt } else { jf }),
            0x25 | 0x2d => at += usize::from(if a > operand { jt } else { jf }),
            0x35 | 0x3d => at += usize::from(if a >= operand { jt } else { jf }),
            0x45 | 0x4d => at += usize::from(if a & operand != 0 { jt } else { jf }),
            // MISC and RET.
            0x07 => x = a,
            0x87 => a = x,
            0x06 => return Some(k),
            0x16 => return Some(a),
            _ => return None,
        }
    }
}

/// A word of `struct seccomp_data` with this number and no arguments.
fn data(offset: u32, number: u32) -> Option<u32> {
    match offset {
        0 => Some(number),
        4 => Some(ARCH),
        8..64 if offset % 4 == 0 => Some(0),
        _ => None,
    }
}
