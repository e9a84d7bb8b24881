/* The shim's last words: one sentence on standard error, which is the daemon's while the shim starts. */
#ifndef VITRINE_SHIM_DIE_H
#define VITRINE_SHIM_DIE_H

/* Writes "vitrine-shim: WHAT: strerror(error)" and exits 1. `error` 0 leaves the second part out. */
__attribute__((noreturn)) void die(const char *what, int error);

#endif
