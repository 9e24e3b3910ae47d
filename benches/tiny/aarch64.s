// exit(0): two instructions and the call.
.globl _start
_start:
    mov x0, #0
    mov x8, #93
    svc #0
