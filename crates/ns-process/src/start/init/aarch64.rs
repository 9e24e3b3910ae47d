//! The built-in init in aarch64 assembly. The module documentation of `init` describes what it
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
            ".balign 4",
            "2:",
            // prctl(PR_SET_NAME, argv[0])
            "ldr x1, [sp, #8]",
            "mov x0, #15",
            "mov x8, #167",
            "svc 0",
            // w20: the program's process ID, which is argv[1] in decimal
            "ldr x19, [sp, #16]",
            "mov w20, wzr",
            "mov w1, #10",
            "3:",
            "ldrb w0, [x19], #1",
            "sub w0, w0, #48",
            "cmp w0, #9",
            "b.hi 4f",
            "madd w20, w20, w1, w0",
            "b 3b",
            // w21: the flags of wait4: WNOHANG | __WALL
            "4:",
            "mov w21, #1",
            "movk w21, #0x4000, lsl #16",
            "sub sp, sp, #32",
            // rt_sigtimedwait(all, NULL, NULL, 8)
            "5:",
            "mov x0, #-1",
            "str x0, [sp, #8]",
            "add x0, sp, #8",
            "mov x1, xzr",
            "mov x2, xzr",
            "mov x3, #8",
            "mov x8, #137",
            "svc 0",
            "cmp w0, #17",
            "b.eq 7f",
            "tbnz w0, #31, 6f",
            // kill(program, signal)
            "mov w1, w0",
            "mov w0, w20",
            "mov x8, #129",
            "svc 0",
            "b 5b",
            // Except for EINTR: without signals, wait until a child terminates.
            "6:",
            "cmn w0, #4",
            "b.eq 5b",
            "and w21, w21, #0xfffffffe",
            // wait4(-1, status, flags, NULL)
            "7:",
            "mov w0, #-1",
            "mov x1, sp",
            "mov w2, w21",
            "mov x3, xzr",
            "mov x8, #260",
            "svc 0",
            "cbz w0, 5b",
            "tbnz w0, #31, 9f",
            "cmp w0, w20",
            "b.ne 7b",
            // write(3, [status, 1], 8)
            "mov w0, #1",
            "str w0, [sp, #4]",
            "mov x0, #3",
            "mov x1, sp",
            "mov x2, #8",
            "mov x8, #64",
            "svc 0",
            // exit_group(the exit code, or 128 + the signal)
            "ldr w1, [sp]",
            "ubfx w0, w1, #8, #8",
            "ands w1, w1, #127",
            "b.eq 8f",
            "add w0, w1, #128",
            "8:",
            "mov x8, #94",
            "svc 0",
            "9:",
            "mov w0, #127",
            "b 8b",
            "12:",
            ".popsection",
            "adrp {start}, 2b",
            "add {start}, {start}, :lo12:2b",
            "adrp {end}, 12b",
            "add {end}, {end}, :lo12:12b",
            start = out(reg) start,
            end = out(reg) end,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    (start, end)
}
