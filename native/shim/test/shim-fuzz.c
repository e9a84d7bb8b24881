/*
 * Throws bytes at what reads foreign bytes in the shim: frames and bodies, report records, log lines. Usage:
 * shim-fuzz [SECONDS [SEED]]. Built with ASan and UBSan. Of log lines it checks that nothing is lost.
 */
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

static uint64_t state;
static volatile uint8_t touched; /* so that reading a byte is not optimized away */
static unsigned long frames_read, records_read, lines_read;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static bool body(struct frame_parser *parser)
{
    (void)parser;
    return true;
}

static bool blob(struct frame_parser *parser, const uint8_t *data, size_t length)
{
    (void)parser;
    if (length > 0)
        touched = data[length - 1];
    return true;
}

static bool end(struct frame_parser *parser)
{
    static struct create_request create;
    static struct exec_request exec;
    struct kill_request kill;
    struct attach_request attach;
    struct named_request named;
    struct resize_request resize;
    struct window_request window;
    const struct frame *frame = &parser->frame;
    frames_read++;
    /* Every decoder gets every body: a kind is only a number. */
    if (decode_create(frame, &create) && create.cgroups_length > sizeof create.cgroups)
        abort();
    (void)decode_exec(frame, &exec);
    (void)decode_kill(frame, &kill);
    (void)decode_attach(frame, &attach);
    (void)decode_named(frame, &named);
    (void)decode_resize(frame, &resize);
    (void)decode_window(frame, &window);
    return true;
}

static size_t valid_frame(uint8_t *to, size_t size)
{
    uint8_t data[512];
    struct writer body_writer = {.data = data, .size = sizeof data};
    uint16_t kind = (uint16_t)(1 + next_random() % 15);
    write_string(&body_writer, "container", 9);
    if (kind == SHIM_CREATE) {
        write_u32(&body_writer, next_random() % 32);
        write_u16(&body_writer, (uint16_t)next_random());
        write_u32(&body_writer, next_random() % 70000);
        write_string(&body_writer, "/var/log/0.log", 14);
        write_u16(&body_writer, 2);
        write_string(&body_writer, "/sys/fs/cgroup/a", 16);
        write_string(&body_writer, "/sys/fs/cgroup/b", 16);
    } else {
        for (uint32_t i = next_random() % 40; i > 0; i--)
            write_u8(&body_writer, (uint8_t)next_random());
    }
    frame_header(to, kind, 1 + next_random() % 9, body_writer.length);
    if (kind == SHIM_CREATE)
        to[4] = (uint8_t)(next_random() % 30);
    memcpy(to + SHIM_HEADER_SIZE, data, body_writer.length);
    size_t length = SHIM_HEADER_SIZE + body_writer.length + to[4];
    return length < size ? length : size;
}

static void mutate(uint8_t *data, size_t length)
{
    for (uint32_t i = next_random() % 4; i > 0; i--)
        data[next_random() % length] = (uint8_t)(next_random() % 3 == 0 ? 0xff : next_random());
}

static void fuzz_frames(void)
{
    static uint8_t data[8192];
    struct frame_parser parser = {.body = body, .blob = blob, .end = end};
    size_t length = 0;
    while (length < 4096)
        length += valid_frame(data + length, sizeof data - length);
    if (next_random() % 4 != 0)
        mutate(data, length);
    bool good = true;
    for (size_t at = 0; good && at < length;) {
        size_t piece = 1 + next_random() % 700;
        piece = piece < length - at ? piece : length - at;
        good = frame_feed(&parser, data + at, piece);
        at += piece;
    }
    frame_reset(&parser);
}

static void take(struct records *records, const struct report_header *header, const uint8_t *record)
{
    (void)records;
    records_read++;
    if (header->length < REPORT_HEADER_SIZE || header->length > REPORT_SIZE_MAX)
        abort();
    touched = record[header->length - 1];
}

static void fuzz_records(void)
{
    uint8_t data[2048] = {0};
    struct records records = {.length = 0};
    size_t length = 0;
    while (length < 1500) {
        uint16_t size = (uint16_t)(32 + next_random() % 481);
        memcpy(data + length, &size, sizeof size);
        length += size;
    }
    mutate(data, length);
    for (size_t at = 0; at < length;) {
        size_t piece = 1 + next_random() % 600;
        piece = piece < length - at ? piece : length - at;
        if (!records_feed(&records, data + at, piece, take))
            return;
        at += piece;
    }
}

/* Puts the contents of the records together again: newlines where a record is F. */
static size_t rebuild(const char *text, size_t length, uint8_t *to)
{
    size_t built = 0;
    const size_t prefix = STAMP_SIZE - 1 + strlen(" stdout F ");
    for (size_t at = 0; at < length;) {
        const char *newline = memchr(text + at, '\n', length - at);
        if (newline == NULL || (size_t)(newline - text) < at + prefix)
            abort();
        size_t content = (size_t)(newline - text) - at - prefix;
        memcpy(to + built, text + at + prefix, content);
        built += content;
        if (text[at + prefix - 2] == 'F')
            to[built++] = '\n';
        else if (text[at + prefix - 2] != 'P')
            abort();
        at += prefix + content + 1;
        lines_read++;
    }
    return built;
}

static void fuzz_log(int fd)
{
    static uint8_t input[3000], rebuilt[8000];
    static char text[400000];
    struct log log = {.directory = -1, .fd = fd, .line_max = 1 + next_random() % 200};
    size_t length = next_random() % sizeof input;
    for (size_t i = 0; i < length; i++) /* no carriage returns: those are left out on purpose */
        input[i] = next_random() % 40 == 0 ? '\n' : (uint8_t)('a' + next_random() % 26);
    for (size_t at = 0; at < length;) {
        size_t piece = 1 + next_random() % 300;
        piece = piece < length - at ? piece : length - at;
        log_write(&log, SHIM_STDOUT, input + at, piece);
        at += piece;
    }
    log_end(&log, SHIM_STDOUT);
    ssize_t size = pread(fd, text, sizeof text, 0);
    size_t built = rebuild(text, (size_t)size, rebuilt);
    if (size < 0 || built != length || memcmp(rebuilt, input, length) != 0)
        abort();
    for (int i = 0; i < 2; i++)
        free(log.pending[i].data);
    if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        abort();
}

int main(int argc, char **argv)
{
    long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
    state = state * 2654435761u + 1;
    printf("shim-fuzz: seed state %llu\n", (unsigned long long)state);
    int fd = memfd_create("log", MFD_CLOEXEC);
    unsigned long rounds = 0;
    for (time_t until = time(NULL) + seconds; time(NULL) < until; rounds++) {
        fuzz_frames();
        fuzz_records();
        if (rounds % 8 == 0)
            fuzz_log(fd);
    }
    printf("shim-fuzz: %lu rounds, %lu frames, %lu records, %lu log lines\n", rounds, frames_read,
           records_read, lines_read);
    return frames_read > 0 && records_read > 0 && lines_read > 0 ? 0 : 1;
}
