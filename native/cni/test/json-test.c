/* The JSON reader under ASan and UBSan: what it takes, what it refuses, and random damage to what
 * it takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../json-read.h"

static struct json json;
static int checks;

static void expect(bool good, const char *text, const char *why)
{
    checks++;
    if (good)
        return;
    fprintf(stderr, "json-test: %s: %s\n", text, why);
    exit(1);
}

/* Parses a copy that has exactly the text's length, so that reading one byte too far is an error.
 */
static const char *parse(const char *text, size_t length)
{
    char *copy = malloc(length + (length == 0));
    memcpy(copy, text, length);
    const char *problem = json_parse(&json, copy, length);
    free(copy);
    json.text = text;
    return problem;
}

static const char *const good[] = {
    "0",
    "-0",
    "1.5e-7",
    "1E+9",
    "true",
    " null\n",
    "\"\"",
    "[]",
    "{}",
    "[1,[2,[3]]]",
    "{\"a\":{\"b\":[]}}",
    "\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\xc3\xa9\xf0\x9f\x98\x80\"",
    "{\"\":1}",
    "\"\x7f\"",
    "[\t1 ,\r\n2 ]",
};

static const char *const bad[] = {
    "",
    " ",
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "-",
    "0x10",
    "NaN",
    "Infinity",
    "tru",
    "nullx",
    "True",
    "'a'",
    "\"",
    "\"a",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800\\u0041\"",
    "\"\\udc00\"",
    "\"\n\"",
    "\"\x01\"",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\"\xe0\x80\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xc3\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{1:1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1,\"a\":2}",
    "1 2",
    "[]]",
    "// c\n1",
    "\xef\xbb\xbf{}",
};

static void test_values(void)
{
    static const char text[] =
        "{\"s\":\"\\u00e9\\ud83d\\ude00\\n\",\"nul\":\"a\\u0000b\",\"t\":true,\"f\":false,"
        "\"n\":65535,\"big\":65536,\"neg\":-1,\"frac\":1.0,\"list\":[1,[2,3],4],\"empty\":[]}";
    char out[16];
    char tiny[7];
    bool flag;
    uint32_t number;
    expect(parse(text, strlen(text)) == NULL, text, "does not parse");
    expect(json_string(&json, json_member(&json, 0, "s"), out, sizeof out) &&
               strcmp(out, "\xc3\xa9\xf0\x9f\x98\x80\n") == 0,
           "s", "escapes are decoded");
    expect(!json_string(&json, json_member(&json, 0, "s"), tiny, sizeof tiny), "s",
           "7 bytes need 8");
    expect(!json_string(&json, json_member(&json, 0, "nul"), out, sizeof out), "nul",
           "no NUL inside a string");
    expect(!json_string(&json, json_member(&json, 0, "t"), out, sizeof out), "t", "is no string");
    expect(json_bool(&json, json_member(&json, 0, "t"), &flag) && flag, "t", "is true");
    expect(json_bool(&json, json_member(&json, 0, "f"), &flag) && !flag, "f", "is false");
    expect(json_uint(&json, json_member(&json, 0, "n"), 65535, &number) && number == 65535, "n",
           "is 65535");
    expect(!json_uint(&json, json_member(&json, 0, "big"), 65535, &number), "big", "is too big");
    expect(!json_uint(&json, json_member(&json, 0, "neg"), 65535, &number), "neg", "is negative");
    expect(!json_uint(&json, json_member(&json, 0, "frac"), 65535, &number), "frac",
           "is not whole");
    expect(json_member(&json, 0, "none") == JSON_NONE, "none", "is not there");
    expect(json_member(&json, JSON_NONE, "s") == JSON_NONE, "member of nothing", "is not there");
    int list = json_member(&json, 0, "list");
    int count = 0;
    for (int item = json_first(&json, list); item != JSON_NONE; item = json_next(&json, list, item))
        count++;
    expect(count == 3, "list", "has 3 elements");
    expect(json_first(&json, json_member(&json, 0, "empty")) == JSON_NONE, "empty", "has none");
}

static void test_limits(void)
{
    static char text[JSON_BYTES_MAX + 2];
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        text[depth] = '1';
        memset(text + depth + 1, ']', (size_t)depth);
        bool fits = depth == JSON_DEPTH_MAX;
        expect((parse(text, 2 * (size_t)depth + 1) == NULL) == fits, "nesting", "bound");
    }
    /* One array and its elements: the bound is on all tokens. */
    for (int count = JSON_TOKENS_MAX - 1; count <= JSON_TOKENS_MAX; count++) {
        size_t length = 0;
        for (int i = 0; i < count; i++) {
            text[length++] = i == 0 ? '[' : ',';
            text[length++] = '1';
        }
        text[length++] = ']';
        expect((parse(text, length) == NULL) == (count < JSON_TOKENS_MAX), "tokens", "bound");
    }
    memset(text, ' ', sizeof text);
    text[0] = '1';
    expect(parse(text, JSON_BYTES_MAX) == NULL, "bytes", "at the bound");
    expect(parse(text, JSON_BYTES_MAX + 1) != NULL, "bytes", "beyond the bound");
}

/* A generator of our own, so that a failure comes again: xorshift64*. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static void test_damage(void)
{
    static const char text[] =
        "{\"cniVersion\":\"1.0.0\",\"name\":\"n\\u00e9\",\"plugins\":[{\"type\":\"a\",\"x\":"
        "[1,2.5e3,true,null]},{\"\\ud83d\\ude00\":{\"deep\":[[[[]]]]}}],\"last\":\"\xc3\xa9\"}";
    static const char spice[] = "\"\\{}[],:0-eu\xff\xed ";
    uint64_t state = 0x9e3779b97f4a7c15ull;
    char damaged[sizeof text];
    for (int round = 0; round < 200000; round++) {
        size_t length = sizeof text - 1;
        memcpy(damaged, text, length);
        for (uint64_t i = next_random(&state) % 4 + 1; i > 0; i--)
            damaged[next_random(&state) % length] = spice[next_random(&state) % (sizeof spice - 1)];
        length -= next_random(&state) % 8 == 0 ? next_random(&state) % length : 0;
        if (parse(damaged, length) != NULL)
            continue;
        char out[64];
        for (int token = 0; token < json.count; token++)
            (void)json_string(&json, token, out, sizeof out);
        (void)json_member(&json, 0, "last");
        checks++;
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *problem = parse(good[i], strlen(good[i]));
        expect(problem == NULL, good[i], problem);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect(parse(bad[i], strlen(bad[i])) != NULL, bad[i], "should be refused");
    test_values();
    test_limits();
    test_damage();
    printf("json-test: %d checks\n", checks);
    return 0;
}
