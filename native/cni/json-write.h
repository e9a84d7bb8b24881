/* JSON text into a fixed buffer: what a CNI plugin prints. Strings are escaped; too much is cut and
 * noticed. */
#ifndef VITRINE_CNI_JSON_WRITE_H
#define VITRINE_CNI_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_text {
    char bytes[16 * 1024];
    size_t length;
    bool overflow;
};

/* Appends `text` as it stands: punctuation, names, numbers, values copied from parsed JSON. */
void put_raw(struct json_text *out, const char *text, size_t length);
void put_text(struct json_text *out, const char *text);
/* Appends a string with its quotes. */
void put_string(struct json_text *out, const char *text);
/* Appends `"name":` and then the string. */
void put_member(struct json_text *out, const char *name, const char *text);
void put_uint(struct json_text *out, uint32_t number);

/* Writes it all to stdout with a newline; false when it did not fit or could not be written. */
bool print_json(const struct json_text *out);

#endif
