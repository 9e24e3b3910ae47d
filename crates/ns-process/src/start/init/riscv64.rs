//! The built-in init in the instructions of riscv64; `init` tells what it does.
#![allow(unsafe_code, reason = "assembly")]

use core::arch::asm;

/// `e_machine` of this processor (include/uapi/linux/elf-em.h).
pub(super) const MACHINE: u16 = 243;

/// Where the instructions begin and end, among this program's constants.
pub(super) fn code() -> (*const u8, *const u8) {
    let (start, end);
    // SAFETY: two addresses are taken; nothing of it is executed here.
    unsafe {
        asm!(
            ".pushsection .rodata.init, \"a\"",
            ".option push",
            // The linker is to leave the distances within as they are.
            ".option norelax",
            ".balign 4",
            "2:",
            // prctl(PR_SET_NAME, argv[0])
            "ld a1, 8(sp)",
            "li a0, 15",
            "li a7, 167",
            "ecall",
            // s1: the program's id, which is argv[1] in decimal
            "ld s0, 16(sp)",
            "li s1, 0",
            "li a1, 9",
            "li a2, 10",
            "3:",
            "lbu a0, 0(s0)",
            "addi s0, s0, 1",
            "addi a0, a0, -48",
            "bltu a1, a0, 4f",
            "mul s1, s1, a2",
            "add s1, s1, a0",
            "j 3b",
            // s2: how to wait for children: WNOHANG | __WALL
            "4:",
            "li s2, 0x40000001",
            "addi sp, sp, -32",
            // rt_sigtimedwait(all, NULL, NULL, 8)
            "5:",
            "li a0, -1",
            "sd a0, 8(sp)",
            "addi a0, sp, 8",
            "li a1, 0",
            "li a2, 0",
            "li a3, 8",
            "li a7, 137",
            "ecall",
            "li a1, 17",
            "beq a0, a1, 7f",
            "bltz a0, 6f",
            // kill(program, signal)
            "mv a1, a0",
            "mv a0, s1",
            "li a7, 129",
            "ecall",
            "j 5b",
            // Not for EINTR alone: without signals, wait until a child ends.
            "6:",
            "li a1, -4",
            "beq a0, a1, 5b",
            "andi s2, s2, -2",
            // wait4(-1, status, how, NULL)
            "7:",
            "li a0, -1",
            "mv a1, sp",
            "mv a2, s2",
            "li a3, 0",
            "li a7, 260",
            "ecall",
            "beqz a0, 5b",
            "bltz a0, 9f",
            "bne a0, s1, 7b",
            // write(3, [status, 1], 8)
            "li a0, 1",
            "sw a0, 4(sp)",
            "li a0, 3",
            "mv a1, sp",
            "li a2, 8",
            "li a7, 64",
            "ecall",
            // exit_group(as a shell tells it)
            "lw a1, 0(sp)",
            "srli a0, a1, 8",
            "andi a0, a0, 255",
            "andi a1, a1, 127",
            "beqz a1, 8f",
            "addi a0, a1, 128",
            "8:",
            "li a7, 94",
            "ecall",
            "9:",
            "li a0, 127",
            "j 8b",
            "12:",
            ".option pop",
            ".popsection",
            "lla {start}, 2b",
            "lla {end}, 12b",
            start = out(reg) start,
            end = out(reg) end,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    (start, end)
}
