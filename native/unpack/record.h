/*
 * What vitrine-unpack reads on its standard input: the entries of one layer, already parsed, already
 * cleaned, one record after the other, ended by RECORD_END. End of file before that is a failure.
 *
 *   record = header, path, link, xattrs, data
 *   header = u8 type, u8 zero, u16 xattr count, u16 path length, u16 link length,
 *            u32 mode (permission bits only), u32 uid, u32 gid, u32 mtime ns, i64 mtime s,
 *            u64 data length, u32 major, u32 minor, u32 length of xattrs
 *   xattrs = (u16 name length, u32 value length, name, value)...
 *
 * Integers are little-endian. Paths are relative to the target, without empty, "." and ".." parts and
 * without a NUL; the path of RECORD_OPAQUE may be empty, which is the target itself. `link` is the
 * target of a symlink as it is, or the path of a hard link's other name, which is resolved inside the
 * target. Anything else is refused.
 */
#ifndef VITRINE_UNPACK_RECORD_H
#define VITRINE_UNPACK_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_HEADER_SIZE 52
#define RECORD_PATH_MAX 4095
#define RECORD_XATTRS_MAX 64
#define RECORD_XATTR_NAME_MAX 255
#define RECORD_XATTR_BYTES_MAX (256u * 1024)

enum record_type {
    RECORD_DIRECTORY = 1,
    RECORD_FILE = 2,
    RECORD_HARDLINK = 3,
    RECORD_SYMLINK = 4,
    RECORD_CHAR = 5,
    RECORD_BLOCK = 6,
    RECORD_FIFO = 7,
    RECORD_WHITEOUT = 8, /* hides the path in layers below */
    RECORD_OPAQUE = 9,   /* hides what layers below have in the directory */
    RECORD_END = 10,
};

struct record_xattr {
    char name[RECORD_XATTR_NAME_MAX + 1];
    const uint8_t *value;
    uint32_t size;
};

struct record {
    enum record_type type;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    int64_t mtime_s;
    uint32_t mtime_ns;
    uint64_t size;
    uint32_t major;
    uint32_t minor;
    char path[RECORD_PATH_MAX + 1];
    char link[RECORD_PATH_MAX + 1];
    size_t xattr_count;
    struct record_xattr xattrs[RECORD_XATTRS_MAX];
};

/* Reads the next record, its data excepted; fails by fail() on anything malformed. */
void record_read(int fd, struct record *record);

/* Copies the data of the record just read to `out`, all `size` bytes of it. */
void record_copy_data(int fd, int out, uint64_t size, const char *path);

#endif
