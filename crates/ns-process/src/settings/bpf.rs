//! The evaluation of a seccomp filter.

use ns_sys::child::BpfInstruction;

/// `AUDIT_ARCH_*` of include/uapi/linux/audit.h.
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const ARCH: u32 = 0xc000_00f3;

/// include/uapi/linux/seccomp.h.
pub(crate) const RET_ALLOW: u32 = 0x7fff_0000;
pub(crate) const RET_LOG: u32 = 0x7ffc_0000;
pub(crate) const RET_ACTION: u32 = 0xffff_0000;

/// Whether a filter allows a system call, judged by its number: the arguments count as 0.
pub(crate) fn allows(filter: &[BpfInstruction], number: i64) -> bool {
    // A filter that the kernel rejects is reported by the start.
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let Some(action) = evaluate(filter, number) else { return true };
    matches!(action & RET_ACTION, RET_ALLOW | RET_LOG)
}

/// The return value of a filter for a system call; `None` for an invalid filter.
///
/// The instructions are those that seccomp(2) accepts: kernel/seccomp.c `seccomp_check_filter`.
pub(crate) fn evaluate(filter: &[BpfInstruction], number: u32) -> Option<u32> {
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
