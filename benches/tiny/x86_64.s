# exit(0): two instructions and the call.
.globl _start
_start:
    xor %edi, %edi
    mov $60, %eax
    syscall
