/* Looking values up in parsed JSON (json-read.h). */
#include <string.h>

#include "json-read.h"

bool json_is(const struct json *json, int token, enum json_type type)
{
    return token >= 0 && token < json->count && json->tokens[token].type == type;
}

int json_member(const struct json *json, int object, const char *name)
{
    if (!json_is(json, object, JSON_OBJECT))
        return JSON_NONE;
    size_t length = strlen(name);
    int end = json->tokens[object].after;
    for (int key = object + 1; key < end; key = json->tokens[key + 1].after) {
        const struct json_token *token = &json->tokens[key];
        if (token->length == length && memcmp(json->text + token->start, name, length) == 0)
            return key + 1;
    }
    return JSON_NONE;
}

int json_first(const struct json *json, int array)
{
    if (!json_is(json, array, JSON_ARRAY) || json->tokens[array].after == array + 1)
        return JSON_NONE;
    return array + 1;
}

int json_next(const struct json *json, int array, int element)
{
    int next = json->tokens[element].after;
    return next < json->tokens[array].after ? next : JSON_NONE;
}

static unsigned hex_value(const char *digits)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned ch = (unsigned char)digits[i];
        value = value * 16 + (ch <= '9' ? ch - '0' : (ch | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(char out[4], unsigned point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | (point >> 6));
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | (point >> 12));
        out[1] = (char)(0x80 | ((point >> 6) & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (point >> 18));
    out[1] = (char)(0x80 | ((point >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((point >> 6) & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* Decodes the escape whose backslash is at `text`; returns how many bytes of text it takes. */
static size_t decode_escape(const char *text, char out[4], size_t *written)
{
    static const char letters[] = "bfnrt";
    static const char values[] = "\b\f\n\r\t";
    if (text[1] == 'u') {
        unsigned point = hex_value(text + 2);
        size_t taken = 6;
        if (point >= 0xd800 && point <= 0xdbff) {
            point = 0x10000 + ((point - 0xd800) << 10) + (hex_value(text + 8) - 0xdc00);
            taken = 12;
        }
        *written = put_utf8(out, point);
        return taken;
    }
    const char *letter = strchr(letters, text[1]);
    out[0] = letter != NULL ? values[letter - letters] : text[1];
    *written = 1;
    return 2;
}

bool json_string(const struct json *json, int token, char *out, size_t size)
{
    if (!json_is(json, token, JSON_STRING))
        return false;
    const char *text = json->text + json->tokens[token].start;
    const char *end = text + json->tokens[token].length;
    size_t used = 0;
    while (text < end) {
        char bytes[4] = {*text};
        size_t count = 1;
        text += *text == '\\' ? decode_escape(text, bytes, &count) : 1;
        if (bytes[0] == '\0' || size - used <= count)
            return false;
        memcpy(out + used, bytes, count);
        used += count;
    }
    if (used >= size)
        return false;
    out[used] = '\0';
    return true;
}

bool json_bool(const struct json *json, int token, bool *out)
{
    if (!json_is(json, token, JSON_BOOL))
        return false;
    *out = json->text[json->tokens[token].start] == 't';
    return true;
}

bool json_uint(const struct json *json, int token, uint32_t max, uint32_t *out)
{
    if (!json_is(json, token, JSON_NUMBER))
        return false;
    const struct json_token *number = &json->tokens[token];
    uint64_t value = 0;
    for (uint32_t i = 0; i < number->length; i++) {
        char ch = json->text[number->start + i];
        if (ch < '0' || ch > '9')
            return false;
        value = value * 10 + (uint64_t)(ch - '0');
        if (value > max)
            return false;
    }
    *out = (uint32_t)value;
    return true;
}
