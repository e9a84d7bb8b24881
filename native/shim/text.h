/* Small text without stdio, which would cost the shim a tenth of its memory. */
#ifndef VITRINE_SHIM_TEXT_H
#define VITRINE_SHIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Joins strings up to a NULL into `to`, cut at `size`; returns the length. */
size_t text_join(char *to, size_t size, const char *const *parts);
/* Decimal digits, in a buffer that the next eight calls leave alone. */
const char *text_of_number(uint64_t number);

#endif
