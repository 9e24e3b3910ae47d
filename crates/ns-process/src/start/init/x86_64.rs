//! The built-in init in the instructions of x86_64; `init` tells what it does.
#![allow(unsafe_code, reason = "assembly")]

use core::arch::asm;

/// `e_machine` of this processor (include/uapi/linux/elf-em.h).
pub(super) const MACHINE: u16 = 62;

/// Where the instructions begin and end, among this program's constants.
pub(super) fn code() -> (*const u8, *const u8) {
    let (start, end);
    // SAFETY: two addresses are taken; nothing of it is executed here.
    unsafe {
        asm!(
            ".pushsection .rodata.init, \"a\"",
            "2:",
            // prctl(PR_SET_NAME, argv[0])
            "mov rsi, [rsp + 8]",
            "mov edi, 15",
            "mov eax, 157",
            "syscall",
            // ebx: the program's id, which is argv[1] in decimal
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
            // r12d: how to wait for children: WNOHANG | __WALL
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
            // Not for EINTR alone: without signals, wait until a child ends.
            "6:",
            "cmp eax, -4",
            "je 5b",
            "and r12d, -2",
            // wait4(-1, status, how, NULL)
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
            // exit_group(as a shell tells it)
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
