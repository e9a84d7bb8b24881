/* A seccomp filter with the system calls that writing a tree takes; any other kills the process. */
#ifndef VITRINE_UNPACK_SANDBOX_H
#define VITRINE_UNPACK_SANDBOX_H

void sandbox(void);

#endif
