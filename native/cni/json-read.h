/*
 * A strict, bounded reader of JSON (RFC 8259). CNI hands its configuration over as JSON, and this
 * plugin is the only C program of the project that reads any; nothing else may link this.
 *
 * Text becomes a flat array of tokens in document order; a container is followed by what it holds.
 * Refused: more than JSON_BYTES_MAX bytes, JSON_TOKENS_MAX tokens or JSON_DEPTH_MAX levels,
 * anything after the value, control characters in strings, broken UTF-8, lone surrogates, numbers
 * that RFC 8259 has not, and an object that says the same name twice (two readers would believe two
 * different things).
 */
#ifndef VITRINE_CNI_JSON_READ_H
#define VITRINE_CNI_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_BYTES_MAX (1024u * 1024u)
#define JSON_TOKENS_MAX 8192
#define JSON_DEPTH_MAX 32
/* What a lookup returns when there is no such token. */
#define JSON_NONE (-1)

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_token {
    enum json_type type;
    uint32_t start;  /* of the value in the text; a string's is behind its quote */
    uint32_t length; /* bytes of the value; a string's without its quotes */
    int after;       /* index of the first token that is not inside this one */
};

struct json {
    const char *text;
    size_t length;
    int count;
    struct json_token tokens[JSON_TOKENS_MAX];
};

/* Parses `text`; token 0 is the value. NULL on success, else a sentence on what is wrong. */
const char *json_parse(struct json *json, const char *text, size_t length);

/* The value of a member of an object, or JSON_NONE (also when `object` is no object or JSON_NONE).
 */
int json_member(const struct json *json, int object, const char *name);

/* First element of an array, and the one after `element`; JSON_NONE at the end or for what is no
 * array. */
int json_first(const struct json *json, int array);
int json_next(const struct json *json, int array, int element);

bool json_is(const struct json *json, int token, enum json_type type);

/* Copies a string, escapes resolved, with a NUL. False for no string, one with a NUL inside, or one
 * too long. */
bool json_string(const struct json *json, int token, char *out, size_t size);

/* Reads true or false; false as result for anything else. */
bool json_bool(const struct json *json, int token, bool *out);

/* Reads a whole number from 0 to `max`; false for anything else. */
bool json_uint(const struct json *json, int token, uint32_t max, uint32_t *out);

#endif
