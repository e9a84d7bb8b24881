/* The primitives of the Plan's binary form: little-endian, bounded, nothing trusted. */
#include "reader.h"

#include <string.h>

static const uint8_t *take(struct reader *r, size_t size)
{
    if (r->bad || (size_t)(r->end - r->at) < size) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += size;
    return at;
}

static uint64_t little_endian(const uint8_t *at, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint64_t read_number(struct reader *r, unsigned width)
{
    const uint8_t *at = take(r, width);
    return at ? little_endian(at, width) : 0;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_number(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_number(r, 2);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_number(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_number(r, 8);
}

uint8_t read_enum(struct reader *r, uint8_t limit)
{
    uint8_t value = read_u8(r);
    if (value < limit)
        return value;
    r->bad = true;
    return 0;
}

bool read_bool(struct reader *r)
{
    return read_enum(r, 2) == 1;
}

uint32_t read_bits(struct reader *r, uint32_t all)
{
    uint32_t value = read_u32(r);
    if ((value & ~all) == 0)
        return value;
    r->bad = true;
    return 0;
}

const char *read_string(struct reader *r, uint32_t max)
{
    uint32_t length = read_u32(r);
    if (r->bad || length > max) {
        r->bad = true;
        return "";
    }
    const uint8_t *at = take(r, (size_t)length + 1);
    /* The first NUL must be the one at the end: none inside, and none missing. */
    if (!at || memchr(at, 0, (size_t)length + 1) != at + length) {
        r->bad = true;
        return "";
    }
    return (const char *)at;
}

struct op_bytes read_bytes(struct reader *r, uint32_t max)
{
    struct op_bytes bytes = {NULL, 0};
    uint32_t size = read_u32(r);
    if (r->bad || size > max) {
        r->bad = true;
        return bytes;
    }
    bytes.data = take(r, size);
    bytes.size = bytes.data ? size : 0;
    return bytes;
}

struct op_list read_strings(struct reader *r, uint32_t count_max, uint32_t per_element, uint32_t max)
{
    uint32_t count = read_u16(r);
    struct op_list list = {r->at, count};
    if (count > count_max)
        r->bad = true;
    for (uint32_t i = 0; i < count * per_element && !r->bad; i++)
        read_string(r, max);
    if (r->bad)
        list.count = 0;
    return list;
}

struct op_list read_numbers(struct reader *r, uint32_t count_max, uint32_t width)
{
    uint32_t count = read_u16(r);
    struct op_list list = {r->at, count};
    if (count > count_max || !take(r, (size_t)count * width)) {
        r->bad = true;
        list.count = 0;
    }
    return list;
}

uint16_t read_slot(struct reader *r)
{
    uint16_t slot = read_u16(r);
    if (slot < PLAN_SLOTS_MAX)
        return slot;
    r->bad = true;
    return 0;
}

uint16_t read_optional_slot(struct reader *r)
{
    uint16_t slot = read_u16(r);
    if (slot < PLAN_SLOTS_MAX || slot == PLAN_SLOT_NONE)
        return slot;
    r->bad = true;
    return PLAN_SLOT_NONE;
}

const char *list_string(struct op_list *list)
{
    uint32_t length = (uint32_t)little_endian(list->at, 4);
    const char *text = (const char *)list->at + 4;
    list->at += 4 + (size_t)length + 1;
    list->count--;
    return text;
}

uint32_t list_u32(struct op_list *list)
{
    uint32_t value = (uint32_t)little_endian(list->at, 4);
    list->at += 4;
    list->count--;
    return value;
}

uint16_t list_u16(struct op_list *list)
{
    uint16_t value = (uint16_t)little_endian(list->at, 2);
    list->at += 2;
    list->count--;
    return value;
}
