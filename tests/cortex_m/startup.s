/* The reset of a Cortex-M: switches the floating-point unit on, then enters newlib's start-up code, which asks the
 * emulator for stack and heap by semihosting. */
    .syntax unified
    .thumb
    .section .vectors, "a"
    .word __stack
    .word reset
    .text
    .thumb_func
    .global reset
reset:
    ldr r0, =0xe000ed88     /* CPACR */
    ldr r1, [r0]
    orr r1, r1, #0xf00000   /* full access to coprocessors 10 and 11 */
    str r1, [r0]
    dsb
    isb
    b _start

/* newlib calls these around the constructors; there are none. */
    .thumb_func
    .global _init
_init:
    .thumb_func
    .global _fini
_fini:
    bx lr
