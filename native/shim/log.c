#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop.h"
#include "shim.h"

#define FILE_MODE 0640
#define DIRECTORY_MODE 0755
#define PREFIX_MAX 64
#define OUT_SIZE (SHIM_LINE_MAX + 2 * PREFIX_MAX) /* the longest record fits */

/* Records of one read, gathered so that many lines cost one write. */
static struct {
    char data[OUT_SIZE];
    size_t length;
    char prefix[PREFIX_MAX];
    size_t prefix_length; /* up to before the tag */
} out;

/* Days to a civil date: the algorithm of the proleptic Gregorian calendar with years beginning in March. */
static void civil_date(int64_t days, int64_t *year, unsigned int *month, unsigned int *day)
{
    days += 719468;
    int64_t era = days / 146097;
    unsigned int of_era = (unsigned int)(days - era * 146097);
    unsigned int years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned int of_year = of_era - (365 * years + years / 4 - years / 100);
    unsigned int from_march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int64_t)years + era * 400 + (*month <= 2 ? 1 : 0);
}

static char *digits(char *to, uint64_t number, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        to[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + count;
}

void format_stamp(char to[STAMP_SIZE], int64_t unix_ns)
{
    /* A clock before 1970 is no clock. */
    uint64_t ns = unix_ns < 0 ? 0 : (uint64_t)unix_ns;
    uint64_t seconds = ns / 1000000000;
    int64_t year;
    unsigned int month, day;
    civil_date((int64_t)(seconds / 86400), &year, &month, &day);
    char *at = digits(to, (uint64_t)year, 4);
    *at++ = '-';
    at = digits(at, month, 2);
    *at++ = '-';
    at = digits(at, day, 2);
    *at++ = 'T';
    at = digits(at, seconds / 3600 % 24, 2);
    *at++ = ':';
    at = digits(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = digits(at, seconds % 60, 2);
    *at++ = '.';
    at = digits(at, ns % 1000000000, 9);
    *at++ = 'Z';
    *at = '\0';
}

/* Walks to the directory of `path` one component at a time, making what is missing. Returns an fd or -errno. */
static int open_directory(const char *path, const char *name)
{
    char component[256];
    int directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (directory >= 0) {
        path += strspn(path, "/");
        if (path == name)
            return directory;
        size_t length = strcspn(path, "/");
        if (length >= sizeof component) {
            close(directory);
            return -ENAMETOOLONG;
        }
        memcpy(component, path, length);
        component[length] = '\0';
        path += length;
        int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int next = openat(directory, component, flags);
        if (next < 0 && errno == ENOENT &&
            (mkdirat(directory, component, DIRECTORY_MODE) == 0 || errno == EEXIST))
            next = openat(directory, component, flags);
        int error = errno;
        close(directory);
        directory = next;
        errno = error;
    }
    return -errno;
}

/* Opens the file itself: a regular one with a single name, whatever somebody may have planted. */
static int open_file(int directory, const char *name)
{
    struct stat stat;
    int fd = openat(directory, name,
                    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                    FILE_MODE);
    if (fd < 0)
        return -errno;
    int error = fstat(fd, &stat) < 0                               ? errno
                : !S_ISREG(stat.st_mode)                            ? EINVAL
                : stat.st_nlink > 1 /* somebody else's file too */ ? EMLINK
                                                                    : 0;
    if (error != 0) {
        close(fd);
        return -error;
    }
    return fd;
}

int log_open(struct log *log, const char *path, uint32_t line_max)
{
    *log = (struct log){.directory = -1, .fd = -1};
    log->line_max = line_max == 0 ? SHIM_LINE_DEFAULT : line_max;
    if (path[0] == '\0')
        return 0;
    const char *name = strrchr(path, '/') + 1;
    log->name = strdup(name);
    log->directory = log->name == NULL ? -ENOMEM : open_directory(path, name);
    log->fd = log->directory < 0 ? log->directory : open_file(log->directory, name);
    int error = log->fd;
    if (error < 0)
        log_close(log);
    return error < 0 ? error : 0;
}

int log_reopen(struct log *log)
{
    if (log->directory < 0)
        return 0;
    int fd = open_file(log->directory, log->name);
    if (fd < 0)
        return fd;
    close(log->fd);
    log->fd = fd;
    return 0;
}

void log_close(struct log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    if (log->directory >= 0)
        close(log->directory);
    for (int i = 0; i < 2; i++)
        free(log->pending[i].data);
    free(log->name);
    *log = (struct log){.directory = -1, .fd = -1, .lost = log->lost};
}

/* A record must not end in the middle: what of the last one has been written is taken back. */
static void take_back(struct log *log, const char *data, size_t written)
{
    const char *end = memrchr(data, '\n', written);
    size_t whole = end == NULL ? 0 : (size_t)(end + 1 - data);
    struct stat stat;
    if (whole < written && fstat(log->fd, &stat) == 0)
        (void)!ftruncate(log->fd, stat.st_size - (off_t)(written - whole));
}

static void flush(struct log *log)
{
    const char *data = out.data;
    size_t left = out.length;
    out.length = 0;
    while (left > 0) {
        ssize_t written = write(log->fd, data, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == (ssize_t)left)
            return;
        if (written <= 0) {
            /* No space, a quota, a broken disk: the container goes on, its output is counted as lost. */
            log->lost += left;
            return;
        }
        take_back(log, data, (size_t)written);
        const char *end = memrchr(data, '\n', (size_t)written);
        size_t whole = end == NULL ? 0 : (size_t)(end + 1 - data);
        data += whole;
        left -= whole;
        if (whole == 0) {
            log->lost += left;
            return;
        }
    }
}

/* One record: what was begun before and what comes now. */
static void emit(struct log *log, char tag, const struct log_pending *begun, const uint8_t *data,
                 size_t length)
{
    size_t need = out.prefix_length + 2 + begun->length + length + 1;
    if (need > OUT_SIZE - out.length)
        flush(log);
    char *at = out.data + out.length;
    memcpy(at, out.prefix, out.prefix_length);
    at += out.prefix_length;
    *at++ = tag;
    *at++ = ' ';
    if (begun->length > 0)
        memcpy(at, begun->data, begun->length);
    at += begun->length;
    memcpy(at, data, length);
    at += length;
    *at = '\n';
    out.length += need;
}

/* Keeps the beginning of a line until its end comes; without memory it is written as a piece. */
static void keep(struct log *log, struct log_pending *begun, const uint8_t *data, size_t length)
{
    size_t size = begun->size == 0 ? 128 : begun->size;
    while (size < begun->length + length)
        size *= 2;
    if (size > begun->size) {
        char *grown = realloc(begun->data, size);
        if (grown == NULL) {
            emit(log, 'P', begun, data, length);
            begun->length = 0;
            return;
        }
        begun->data = grown;
        begun->size = (uint32_t)size;
    }
    memcpy(begun->data + begun->length, data, length);
    begun->length += (uint32_t)length;
}

static void finish(struct log_pending *begun)
{
    begun->length = 0;
    /* A quiet container keeps no memory for its lines. */
    if (begun->size > 1024) {
        free(begun->data);
        begun->data = NULL;
        begun->size = 0;
    }
}

static void make_prefix(int stream)
{
    const char *name = stream == SHIM_STDOUT ? " stdout " : " stderr ";
    format_stamp(out.prefix, now_unix());
    memcpy(out.prefix + STAMP_SIZE - 1, name, 8);
    out.prefix_length = STAMP_SIZE - 1 + 8;
}

void log_write(struct log *log, int stream, const uint8_t *data, size_t length)
{
    if (log->fd < 0)
        return;
    struct log_pending *begun = &log->pending[stream - 1];
    make_prefix(stream);
    while (length > 0) {
        const uint8_t *newline = memchr(data, '\n', length);
        size_t line = newline == NULL ? length : (size_t)(newline - data);
        if (begun->length + line > log->line_max) {
            size_t piece = log->line_max - begun->length;
            emit(log, 'P', begun, data, piece);
            begun->length = 0;
            data += piece;
            length -= piece;
            continue;
        }
        if (newline == NULL) {
            keep(log, begun, data, length);
            break;
        }
        size_t shown = line;
        /* A carriage return before the newline is not part of the line; it may have come earlier. */
        if (line > 0 && data[line - 1] == '\r')
            shown--;
        else if (line == 0 && begun->length > 0 && begun->data[begun->length - 1] == '\r')
            begun->length--;
        emit(log, 'F', begun, data, shown);
        begun->length = 0;
        data += line + 1;
        length -= line + 1;
    }
    if (begun->length == 0)
        finish(begun);
    flush(log);
}

void log_end(struct log *log, int stream)
{
    struct log_pending *begun = &log->pending[stream - 1];
    if (log->fd >= 0 && begun->length > 0) {
        make_prefix(stream);
        emit(log, 'P', begun, (const uint8_t *)"", 0);
        flush(log);
    }
    finish(begun);
}
