# exit(0): two instructions and the call.
.globl _start
_start:
    li a0, 0
    li a7, 93
    ecall
