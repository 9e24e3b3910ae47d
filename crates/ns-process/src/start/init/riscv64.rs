//! The built-in init in riscv64 assembly. The module documentation of `init` describes what it
//! does.
#![allow(unsafe_code, reason = "assembly")]

use core::arch::asm;

/// The start and the end of the instructions, in a read-only section of this program.
pub(super) fn code() -> (*const u8, *const u8) {
    let (start, end);
    // SAFETY: this only takes two addresses; the instructions are data of this program and are not
    // executed here.
    unsafe {
        asm!(
            ".pushsection .rodata.init, \"a\"",
            ".option push",
            // Keeps the linker from changing the distances between the instructions.
            ".option norelax",
            ".balign 4",
            "2:",
            // prctl(PR_SET_NAME, argv[0])
            "ld a1, 8(sp)",
            "li a0, 15",
            "li a7, 167",
            "ecall",
            // s1: the program's process ID, which is argv[1] in decimal
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
            // s2: the flags of wait4: WNOHANG | __WALL
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
            // Except for EINTR: without signals, wait until a child terminates.
            "6:",
            "li a1, -4",
            "beq a0, a1, 5b",
            "andi s2, s2, -2",
            // wait4(-1, status, flags, NULL)
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
            // exit_group(the exit code, or 128 + the signal)
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
