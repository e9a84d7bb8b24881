/* Failing as a CNI plugin does: an error object on stdout, exit code 1 (CNI specification 1.1,
 * section 5). */
#ifndef VITRINE_CNI_FAIL_H
#define VITRINE_CNI_FAIL_H

/* Well-known codes of the specification, and above 99 our own. */
enum cni_code {
    CNI_INCOMPATIBLE_VERSION = 1,
    CNI_UNSUPPORTED_FIELD = 2,
    CNI_UNKNOWN_CONTAINER = 3,
    CNI_INVALID_ENVIRONMENT = 4,
    CNI_IO_FAILURE = 5,
    CNI_DECODING_FAILURE = 6,
    CNI_INVALID_CONFIG = 7,
    CNI_TRY_LATER = 11,
    CNI_NOT_AVAILABLE = 50,
    CNI_KERNEL_REFUSED = 100,
    CNI_POOL_EMPTY = 101,
    CNI_NOT_AS_ADDED = 102,
};

/* The version that the error object says; the newest we know until the configuration has been read.
 */
void fail_version(const char *version);

/* Called once with `argument` before the plugin fails, to take back what it has done so far; NULL:
 * nothing to do. */
void fail_undo(void (*undo)(void *), void *argument);

/* Prints the error object and exits. `format` is the message, lower case and without full stop. */
_Noreturn void fail(enum cni_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
