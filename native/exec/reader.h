/* Reads the primitives of the Plan's binary form; after the first bad one everything reads as zero. */
#ifndef VITRINE_READER_H
#define VITRINE_READER_H

#include "plan-op.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
bool read_bool(struct reader *r);
/* A number below `limit`. */
uint8_t read_enum(struct reader *r, uint8_t limit);
/* A set of bits inside `all`. */
uint32_t read_bits(struct reader *r, uint32_t all);
/* A string of at most `max` bytes without a NUL inside, followed by one. Never NULL. */
const char *read_string(struct reader *r, uint32_t max);
struct op_bytes read_bytes(struct reader *r, uint32_t max);
/* A list whose elements are checked: strings of at most `max` bytes, or `width` bytes each. */
struct op_list read_strings(struct reader *r, uint32_t count_max, uint32_t per_element, uint32_t max);
struct op_list read_numbers(struct reader *r, uint32_t count_max, uint32_t width);
uint16_t read_slot(struct reader *r);
uint16_t read_optional_slot(struct reader *r);

#endif
