/* Writing JSON (json-write.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json-write.h"

void put_raw(struct json_text *out, const char *text, size_t length)
{
    if (length > sizeof out->bytes - 1 - out->length) {
        out->overflow = true;
        return;
    }
    memcpy(out->bytes + out->length, text, length);
    out->length += length;
}

void put_text(struct json_text *out, const char *text)
{
    put_raw(out, text, strlen(text));
}

void put_string(struct json_text *out, const char *text)
{
    put_text(out, "\"");
    for (; *text != '\0'; text++) {
        unsigned char ch = (unsigned char)*text;
        if (ch == '"' || ch == '\\') {
            put_text(out, "\\");
            put_raw(out, text, 1);
        } else if (ch < 0x20 || ch == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", ch);
            put_text(out, escape);
        } else {
            put_raw(out, text, 1);
        }
    }
    put_text(out, "\"");
}

void put_member(struct json_text *out, const char *name, const char *text)
{
    put_string(out, name);
    put_text(out, ":");
    put_string(out, text);
}

void put_uint(struct json_text *out, uint32_t number)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%u", number);
    put_text(out, digits);
}

bool print_json(const struct json_text *out)
{
    char line[sizeof out->bytes];
    memcpy(line, out->bytes, out->length);
    line[out->length] = '\n';
    size_t done = 0;
    while (!out->overflow && done <= out->length) {
        ssize_t count = write(STDOUT_FILENO, line + done, out->length + 1 - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return !out->overflow;
}
