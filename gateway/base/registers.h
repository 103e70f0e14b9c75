/*
 * What is left in the processor's vector registers.
 *
 * Copying, comparing and digesting leave up to 64 bytes of text in each, and
 * a process that waits keeps them: in a core, or for whoever may trace it.
 * Any thread; of the calling thread's registers.
 */
#ifndef BASE_REGISTERS_H
#define BASE_REGISTERS_H

/* Zero all vector registers of x86-64 and AArch64; elsewhere nothing. */
void registers_wipe(void);

#endif
