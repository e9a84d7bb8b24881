/* Unit tests of the shim's pure parts, run under ASan and UBSan. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "records.h"
#include "request.h"

static int failures;

static void check(bool good, const char *what)
{
    if (good)
        return;
    failures++;
    fprintf(stderr, "FAILED: %s\n", what);
}

static void test_stamps(void)
{
    /* Around leap days, century and year ends, and 2038. */
    static const int64_t seconds[] = {0, 951782399, 951782400, 951868800, 1709164800, 1709251200,
                                      4107542399, 4107542400, 2147483647, 2147483648, 1767225599,
                                      1767225600, 7258118399, 1795478126};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        char expected[64], got[STAMP_SIZE];
        time_t at = seconds[i];
        struct tm parts;
        size_t length = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", gmtime_r(&at, &parts));
        snprintf(expected + length, sizeof expected - length, ".%09uZ", 12345678u);
        format_stamp(got, seconds[i] * 1000000000 + 12345678);
        check(strcmp(expected, got) == 0, expected);
    }
    char early[STAMP_SIZE];
    format_stamp(early, -5);
    check(strcmp(early, "1970-01-01T00:00:00.000000000Z") == 0, "a clock before 1970");
}

/* Feeds `input` in pieces of `piece` bytes and returns the tags and contents that were logged. */
static void logged(const char *input, size_t piece, uint32_t line_max, char *to, size_t size)
{
    struct log log = {.directory = -1, .line_max = line_max, .fd = memfd_create("log", MFD_CLOEXEC)};
    char text[4096];
    size_t left = strlen(input);
    for (size_t at = 0; at < strlen(input); at += piece, left -= piece < left ? piece : left)
        log_write(&log, SHIM_STDOUT, (const uint8_t *)input + at, left < piece ? left : piece);
    log_end(&log, SHIM_STDOUT);
    ssize_t length = pread(log.fd, text, sizeof text - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    log_close(&log);
    to[0] = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        strncat(to, line + STAMP_SIZE - 1 + strlen(" stdout "), size - strlen(to) - 1);
        strncat(to, "|", size - strlen(to) - 1);
    }
}

static void test_lines(void)
{
    static const struct {
        const char *input;
        uint32_t max;
        const char *expected;
    } rows[] = {
        {"a\nb\n", 100, "F a|F b|"},
        {"a", 100, "P a|"},
        {"\n\n", 100, "F |F |"},
        {"a\r\n\rb\r\n", 100, "F a|F \rb|"},
        {"abcdef\n", 3, "P abc|F def|"},
        {"abcdefg\n", 3, "P abc|P def|F g|"},
        {"abc\n", 3, "F abc|"},
        {"abcdef", 3, "P abc|P def|"},
        {"ab\r\n", 3, "F ab|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t piece = 1; piece <= 9; piece++) {
            char got[256];
            logged(rows[i].input, piece, rows[i].max, got, sizeof got);
            check(strcmp(got, rows[i].expected) == 0, rows[i].expected);
        }
}

static void test_requests(void)
{
    static const struct {
        const char *path;
        bool good;
    } paths[] = {{"/var/log/a", true}, {"", true}, {"a", false}, {"/a/../b", false},
                 {"/a/./b", false},    {"/..", false}, {"/a..b", true}, {"/a/...", true}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uint8_t data[256];
        struct writer body = {.data = data, .size = sizeof data};
        static struct create_request request;
        write_string(&body, "id", 2);
        write_u32(&body, SHIM_IO_STDIN);
        write_u16(&body, 0);
        write_u32(&body, 0);
        write_string(&body, paths[i].path, strlen(paths[i].path));
        write_u16(&body, 0);
        struct frame frame = {.body = data, .body_length = (uint32_t)body.length, .blob_length = 1};
        check(decode_create(&frame, &request) == paths[i].good, paths[i].path);
        frame.body_length--;
        check(!decode_create(&frame, &request), "a body that is cut");
        frame.body_length += 2;
        check(!decode_create(&frame, &request), "a body with a byte left over");
    }
    static const char *const bad[] = {"", ".", "..", "-a", "a/b", "a b", "a\n", ".hidden"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check(!id_ok(bad[i]), bad[i]);
    check(id_ok("a") && id_ok("0a_.-b"), "good ids");
}

static int taken;

static void take(struct records *records, const struct report_header *header, const uint8_t *record)
{
    (void)records;
    check(header->length == 40 && record[32] == 'x', "a record");
    taken++;
}

static void test_records(void)
{
    uint8_t data[120];
    memset(data, 'x', sizeof data);
    for (int i = 0; i < 3; i++) {
        struct report_header header = {.length = 40, .kind = REPORT_OP};
        memcpy(data + 40 * i, &header, sizeof header);
    }
    for (size_t piece = 1; piece <= sizeof data; piece++) {
        struct records records = {.length = 0};
        taken = 0;
        for (size_t at = 0; at < sizeof data; at += piece)
            check(records_feed(&records, data + at,
                               sizeof data - at < piece ? sizeof data - at : piece, take),
                  "records in pieces");
        check(taken == 3 && records.length == 0, "three records");
    }
    static const uint8_t shorter[2] = {31, 0}, longer[2] = {1, 2};
    struct records records = {.length = 0};
    check(records_feed(&records, shorter, 2, take) && !records_feed(&records, data, 1, take), "too short");
    records.length = 0;
    check(records_feed(&records, longer, 2, take) && !records_feed(&records, data, 1, take), "too long");
}

int main(void)
{
    test_stamps();
    test_lines();
    test_requests();
    test_records();
    if (failures == 0)
        printf("shim-test: passed\n");
    return failures == 0 ? 0 : 1;
}
