/* The strict JSON reader; json-read.h says what it refuses. */
#include <string.h>

#include "json-read.h"

struct cursor {
    struct json *json;
    size_t at;
    const char *problem;
};

static bool refuse(struct cursor *c, const char *problem)
{
    if (c->problem == NULL)
        c->problem = problem;
    return false;
}

static int peek(const struct cursor *c)
{
    return c->at < c->json->length ? (unsigned char)c->json->text[c->at] : -1;
}

static void skip_space(struct cursor *c)
{
    int ch = peek(c);
    while (ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r') {
        c->at++;
        ch = peek(c);
    }
}

static int new_token(struct cursor *c, enum json_type type, size_t start)
{
    if (c->json->count == JSON_TOKENS_MAX) {
        refuse(c, "too many values");
        return JSON_NONE;
    }
    int index = c->json->count++;
    c->json->tokens[index] = (struct json_token){type, (uint32_t)start, 0, index + 1};
    return index;
}

static void end_token(struct cursor *c, int index, size_t end)
{
    struct json_token *token = &c->json->tokens[index];
    token->length = (uint32_t)(end - token->start);
    token->after = c->json->count;
}

static int hex_digit(int ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F')
        return ch - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits at `at`, or -1. */
static int hex4(const struct json *json, size_t at)
{
    int value = 0;
    if (json->length - at < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit((unsigned char)json->text[at + i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Behind the backslash of an escape. Surrogates must come as a pair. */
static bool skip_escape(struct cursor *c)
{
    int ch = peek(c);
    c->at++;
    if (ch != 'u')
        return ch > 0 && strchr("\"\\/bfnrt", ch) != NULL ? true
                                                          : refuse(c, "unknown escape in a string");
    int unit = hex4(c->json, c->at);
    if (unit < 0)
        return refuse(c, "broken \\u escape");
    c->at += 4;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    const char *text = c->json->text;
    bool pair = unit < 0xdc00 && c->json->length - c->at >= 6 && text[c->at] == '\\' &&
                text[c->at + 1] == 'u';
    int low = pair ? hex4(c->json, c->at + 2) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return refuse(c, "lone surrogate in a string");
    c->at += 6;
    return true;
}

/* One character that is not ASCII (RFC 3629, table 3-7 of the Unicode standard). */
static bool skip_utf8(struct cursor *c)
{
    int lead = peek(c);
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4)
        return refuse(c, "a string is not UTF-8");
    c->at++;
    for (int i = 0; i < more; i++, c->at++) {
        int low = 0x80;
        int high = 0xbf;
        if (i == 0) {
            low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
            high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        }
        int ch = peek(c);
        if (ch < low || ch > high)
            return refuse(c, "a string is not UTF-8");
    }
    return true;
}

static bool parse_string(struct cursor *c)
{
    int token = new_token(c, JSON_STRING, ++c->at);
    if (token == JSON_NONE)
        return false;
    for (;;) {
        int ch = peek(c);
        if (ch < 0)
            return refuse(c, "a string has no end");
        if (ch < 0x20)
            return refuse(c, "control character in a string");
        if (ch >= 0x80) {
            if (!skip_utf8(c))
                return false;
            continue;
        }
        c->at++;
        if (ch == '"') {
            end_token(c, token, c->at - 1);
            return true;
        }
        if (ch == '\\' && !skip_escape(c))
            return false;
    }
}

static bool skip_digits(struct cursor *c)
{
    size_t start = c->at;
    while (peek(c) >= '0' && peek(c) <= '9')
        c->at++;
    return c->at > start;
}

static bool parse_number(struct cursor *c)
{
    int token = new_token(c, JSON_NUMBER, c->at);
    if (token == JSON_NONE)
        return false;
    if (peek(c) == '-')
        c->at++;
    bool zero = peek(c) == '0';
    size_t start = c->at;
    if (!skip_digits(c) || (zero && c->at - start > 1))
        return refuse(c, "broken number");
    if (peek(c) == '.') {
        c->at++;
        if (!skip_digits(c))
            return refuse(c, "broken number");
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        c->at++;
        if (peek(c) == '+' || peek(c) == '-')
            c->at++;
        if (!skip_digits(c))
            return refuse(c, "broken number");
    }
    end_token(c, token, c->at);
    return true;
}

static bool parse_word(struct cursor *c, const char *word, enum json_type type)
{
    size_t length = strlen(word);
    if (c->json->length - c->at < length || memcmp(c->json->text + c->at, word, length) != 0)
        return refuse(c, "unknown word");
    int token = new_token(c, type, c->at);
    if (token == JSON_NONE)
        return false;
    c->at += length;
    end_token(c, token, c->at);
    return true;
}

static bool same_text(const struct json *json, int a, int b)
{
    const struct json_token *left = &json->tokens[a];
    const struct json_token *right = &json->tokens[b];
    return left->length == right->length &&
           memcmp(json->text + left->start, json->text + right->start, left->length) == 0;
}

static bool is_repeated(const struct json *json, int object, int name)
{
    for (int other = object + 1; other < name; other = json->tokens[other + 1].after)
        if (same_text(json, other, name))
            return true;
    return false;
}

static bool parse_value(struct cursor *c, int depth);

static bool parse_members(struct cursor *c, int container, bool is_object, int depth)
{
    char closing = is_object ? '}' : ']';
    c->at++;
    skip_space(c);
    for (bool first = true; peek(c) != closing; first = false) {
        if (!first) {
            if (peek(c) != ',')
                return refuse(c, "comma or closing bracket expected");
            c->at++;
            skip_space(c);
        }
        if (is_object) {
            int name = c->json->count;
            if (peek(c) != '"')
                return refuse(c, "name of a member expected");
            if (!parse_string(c))
                return false;
            if (is_repeated(c->json, container, name))
                return refuse(c, "an object says the same name twice");
            skip_space(c);
            if (peek(c) != ':')
                return refuse(c, "colon expected");
            c->at++;
            skip_space(c);
        }
        if (!parse_value(c, depth + 1))
            return false;
        skip_space(c);
    }
    c->at++;
    end_token(c, container, c->at);
    return true;
}

static bool parse_value(struct cursor *c, int depth)
{
    if (depth > JSON_DEPTH_MAX)
        return refuse(c, "nested too deeply");
    int ch = peek(c);
    switch (ch) {
    case '{':
    case '[': {
        int token = new_token(c, ch == '{' ? JSON_OBJECT : JSON_ARRAY, c->at);
        return token != JSON_NONE && parse_members(c, token, ch == '{', depth);
    }
    case '"':
        return parse_string(c);
    case 't':
        return parse_word(c, "true", JSON_BOOL);
    case 'f':
        return parse_word(c, "false", JSON_BOOL);
    case 'n':
        return parse_word(c, "null", JSON_NULL);
    default:
        return parse_number(c);
    }
}

const char *json_parse(struct json *json, const char *text, size_t length)
{
    json->text = text;
    json->length = length;
    json->count = 0;
    if (length > JSON_BYTES_MAX)
        return "too long";
    struct cursor c = {json, 0, NULL};
    skip_space(&c);
    if (peek(&c) < 0)
        return "empty";
    if (!parse_value(&c, 0))
        return c.problem;
    skip_space(&c);
    return peek(&c) < 0 ? NULL : "something follows the value";
}
