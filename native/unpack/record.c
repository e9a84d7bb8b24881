/* Reading of records: buffered, bounded, strict. Runs confined, with nothing but stdin to look at. */
#include "record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"

static uint8_t buffer[256 * 1024];
static size_t buffered;
static size_t consumed;
static uint8_t xattr_bytes[RECORD_XATTR_BYTES_MAX];

/* Makes at least one byte available. */
static void refill(int fd)
{
    ssize_t got;

    if (consumed < buffered)
        return;
    do
        got = read(fd, buffer, sizeof(buffer));
    while (got < 0 && errno == EINTR);
    if (got < 0)
        fail(errno, "read records", "");
    if (got == 0)
        fail(EPIPE, "records end before their end mark", "");
    consumed = 0;
    buffered = (size_t)got;
}

static void take(int fd, void *into, size_t size)
{
    uint8_t *out = into;

    while (size > 0) {
        refill(fd);
        size_t part = buffered - consumed < size ? buffered - consumed : size;
        memcpy(out, buffer + consumed, part);
        consumed += part;
        out += part;
        size -= part;
    }
}

static uint32_t get16(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8;
}

static uint32_t get32(const uint8_t *from)
{
    return get16(from) | get16(from + 2) << 16;
}

static uint64_t get64(const uint8_t *from)
{
    return (uint64_t)get32(from) | (uint64_t)get32(from + 4) << 32;
}

static void take_text(int fd, char *into, size_t length, const char *what)
{
    if (length > RECORD_PATH_MAX)
        fail(ENAMETOOLONG, what, "");
    take(fd, into, length);
    into[length] = '\0';
    if (strlen(into) != length)
        fail(EINVAL, what, into);
}

/* Refuses what the parser must have cleaned away: absolute, empty, "." and ".." parts. */
static void check_path(const struct record *record)
{
    const char *part = record->path;

    if (record->path[0] == '\0' && (record->type == RECORD_OPAQUE || record->type == RECORD_END))
        return;
    for (;;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') ||
            (length == 2 && part[0] == '.' && part[1] == '.'))
            fail(EINVAL, "path of a record", record->path);
        part += length;
        if (*part == '\0')
            return;
        part++;
    }
}

static void take_xattrs(int fd, struct record *record, size_t count, size_t total)
{
    size_t at = 0;

    if (count > RECORD_XATTRS_MAX || total > sizeof(xattr_bytes))
        fail(E2BIG, "extended attributes", record->path);
    take(fd, xattr_bytes, total);
    for (size_t i = 0; i < count; i++) {
        struct record_xattr *xattr = &record->xattrs[i];
        if (total - at < 6)
            fail(EINVAL, "extended attributes", record->path);
        size_t name = get16(xattr_bytes + at);
        xattr->size = get32(xattr_bytes + at + 2);
        at += 6;
        if (name == 0 || name > RECORD_XATTR_NAME_MAX || name > total - at ||
            xattr->size > total - at - name)
            fail(EINVAL, "extended attributes", record->path);
        memcpy(xattr->name, xattr_bytes + at, name);
        xattr->name[name] = '\0';
        xattr->value = xattr_bytes + at + name;
        at += name + xattr->size;
        /* trusted.* is overlayfs's own; only we write it. */
        if (strlen(xattr->name) != name || strncmp(xattr->name, "trusted.", 8) == 0)
            fail(EINVAL, "name of an extended attribute", record->path);
    }
    if (at != total)
        fail(EINVAL, "extended attributes", record->path);
    record->xattr_count = count;
}

void record_read(int fd, struct record *record)
{
    uint8_t header[RECORD_HEADER_SIZE];

    take(fd, header, sizeof(header));
    if (header[0] < RECORD_DIRECTORY || header[0] > RECORD_END || header[1] != 0)
        fail(EINVAL, "type of a record", "");
    record->type = (enum record_type)header[0];
    record->mode = get32(header + 8);
    record->uid = get32(header + 12);
    record->gid = get32(header + 16);
    record->mtime_ns = get32(header + 20);
    record->mtime_s = (int64_t)get64(header + 24);
    record->size = get64(header + 32);
    record->major = get32(header + 40);
    record->minor = get32(header + 44);
    take_text(fd, record->path, get16(header + 4), "path of a record");
    take_text(fd, record->link, get16(header + 6), "link of a record");
    check_path(record);
    if (record->mode > 07777 || record->mtime_ns > 999999999u ||
        (record->size != 0 && record->type != RECORD_FILE))
        fail(EINVAL, "fields of a record", record->path);
    take_xattrs(fd, record, get16(header + 2), get32(header + 48));
}

void record_copy_data(int fd, int out, uint64_t size, const char *path)
{
    while (size > 0) {
        refill(fd);
        size_t part = buffered - consumed < size ? buffered - consumed : (size_t)size;
        ssize_t wrote = write(out, buffer + consumed, part);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            fail(errno, "write", path);
        consumed += (size_t)wrote;
        size -= (uint64_t)wrote;
    }
}
