//! The built-in init in x86_64 assembly. The module documentation of `init` describes what it does.
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
            "2:",
            // prctl(PR_SET_NAME, argv[0])
            "mov rsi, [rsp + 8]",
            "mov edi, 15",
            "mov eax, 157",
            "syscall",
            // ebx: the program's process ID, which is argv[1] in decimal
            "mov rsi, [rsp + 16]",
            "xor ebx, ebx",
            "3:",
            "movzx eax, byte ptr [rsi]",
            "inc rsi",
            "sub eax, 48",
            "cmp eax, 9",
            "ja 4f",
            "imul ebx, ebx, 10",
            "add ebx, eax",
            "jmp 3b",
            // r12d: the flags of wait4: WNOHANG | __WALL
            "4:",
            "mov r12d, 0x40000001",
            "sub rsp, 32",
            // rt_sigtimedwait(all, NULL, NULL, 8)
            "5:",
            "mov qword ptr [rsp + 8], -1",
            "lea rdi, [rsp + 8]",
            "xor esi, esi",
            "xor edx, edx",
            "mov r10d, 8",
            "mov eax, 128",
            "syscall",
            "cmp eax, 17",
            "je 7f",
            "test eax, eax",
            "js 6f",
            // kill(program, signal)
            "mov esi, eax",
            "mov edi, ebx",
            "mov eax, 62",
            "syscall",
            "jmp 5b",
            // Except for EINTR: without signals, wait until a child terminates.
            "6:",
            "cmp eax, -4",
            "je 5b",
            "and r12d, -2",
            // wait4(-1, status, flags, NULL)
            "7:",
            "mov edi, -1",
            "mov rsi, rsp",
            "mov edx, r12d",
            "xor r10d, r10d",
            "mov eax, 61",
            "syscall",
            "test eax, eax",
            "jz 5b",
            "js 9f",
            "cmp eax, ebx",
            "jne 7b",
            // write(3, [status, 1], 8)
            "mov dword ptr [rsp + 4], 1",
            "mov edi, 3",
            "mov rsi, rsp",
            "mov edx, 8",
            "mov eax, 1",
            "syscall",
            // exit_group(the exit code, or 128 + the signal)
            "mov edi, [rsp]",
            "mov eax, edi",
            "shr edi, 8",
            "and eax, 127",
            "jz 8f",
            "lea edi, [rax + 128]",
            "8:",
            "mov eax, 231",
            "syscall",
            "9:",
            "mov edi, 127",
            "jmp 8b",
            "12:",
            ".popsection",
            "lea {start}, [rip + 2b]",
            "lea {end}, [rip + 12b]",
            start = out(reg) start,
            end = out(reg) end,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    (start, end)
}
