#include "wire.h"

#include <stdlib.h>
#include <string.h>

/* The next `length` bytes, or NULL and `bad` when there are fewer. */
static const uint8_t *take(struct reader *reader, size_t length)
{
    if (reader->bad || reader->left < length) {
        reader->bad = true;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += length;
    reader->left -= length;
    return at;
}

static uint64_t read_bytes(struct reader *reader, size_t length)
{
    const uint8_t *at = take(reader, length);
    uint64_t value = 0;
    for (size_t i = 0; at != NULL && i < length; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint8_t read_u8(struct reader *reader)
{
    return (uint8_t)read_bytes(reader, 1);
}

uint16_t read_u16(struct reader *reader)
{
    return (uint16_t)read_bytes(reader, 2);
}

uint32_t read_u32(struct reader *reader)
{
    return (uint32_t)read_bytes(reader, 4);
}

uint64_t read_u64(struct reader *reader)
{
    return read_bytes(reader, 8);
}

void read_string(struct reader *reader, char *to, size_t size)
{
    size_t length = read_u16(reader);
    to[0] = '\0';
    if (length >= size)
        reader->bad = true;
    const uint8_t *at = take(reader, length);
    if (at == NULL)
        return;
    if (memchr(at, '\0', length) != NULL) {
        reader->bad = true;
        return;
    }
    memcpy(to, at, length);
    to[length] = '\0';
}

bool read_whole(const struct reader *reader)
{
    return !reader->bad && reader->left == 0;
}

static void put(struct writer *writer, uint64_t value, size_t length)
{
    if (writer->over || writer->size - writer->length < length) {
        writer->over = true;
        return;
    }
    for (size_t i = 0; i < length; i++)
        writer->data[writer->length++] = (uint8_t)(value >> (8 * i));
}

void write_u8(struct writer *writer, uint8_t value)
{
    put(writer, value, 1);
}

void write_u16(struct writer *writer, uint16_t value)
{
    put(writer, value, 2);
}

void write_u32(struct writer *writer, uint32_t value)
{
    put(writer, value, 4);
}

void write_i32(struct writer *writer, int32_t value)
{
    put(writer, (uint32_t)value, 4);
}

void write_u64(struct writer *writer, uint64_t value)
{
    put(writer, value, 8);
}

void write_string(struct writer *writer, const char *text, size_t length)
{
    if (length > UINT16_MAX)
        length = UINT16_MAX;
    write_u16(writer, (uint16_t)length);
    if (writer->over || writer->size - writer->length < length) {
        writer->over = true;
        return;
    }
    memcpy(writer->data + writer->length, text, length);
    writer->length += length;
}

void frame_header(uint8_t *to, uint16_t kind, uint32_t id, size_t body_length)
{
    struct writer writer = {.data = to, .size = SHIM_HEADER_SIZE};
    write_u32(&writer, (uint32_t)body_length);
    write_u32(&writer, 0);
    write_u16(&writer, kind);
    write_u16(&writer, 0);
    write_u32(&writer, id);
}

/* Checks the header that is now complete and makes room for the body. */
static bool begin_frame(struct frame_parser *parser)
{
    struct reader reader = {.at = parser->header, .left = SHIM_HEADER_SIZE};
    struct frame *frame = &parser->frame;
    frame->body_length = read_u32(&reader);
    frame->blob_length = read_u32(&reader);
    frame->kind = read_u16(&reader);
    uint16_t zero = read_u16(&reader);
    frame->id = read_u32(&reader);
    bool takes_blob = frame->kind == SHIM_CREATE || frame->kind == SHIM_EXEC;
    if (zero != 0 || frame->id == 0 || frame->body_length > SHIM_BODY_MAX ||
        frame->blob_length > (takes_blob ? SHIM_BLOB_MAX : 0))
        return false;
    frame->body = NULL;
    if (frame->body_length > 0) {
        frame->body = malloc(frame->body_length);
        if (frame->body == NULL)
            return false;
    }
    return true;
}

void frame_reset(struct frame_parser *parser)
{
    free(parser->frame.body);
    parser->frame = (struct frame){0};
    parser->header_length = 0;
    parser->body_length = 0;
    parser->blob_length = 0;
    parser->body_told = false;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Takes what it can of `data`: bytes of the header, of the body or of the blob. Returns how many. */
static size_t feed_part(struct frame_parser *parser, const uint8_t *data, size_t length, bool *good)
{
    struct frame *frame = &parser->frame;
    size_t taken;
    if (parser->header_length < SHIM_HEADER_SIZE) {
        taken = smaller(SHIM_HEADER_SIZE - parser->header_length, length);
        memcpy(parser->header + parser->header_length, data, taken);
        parser->header_length += taken;
        if (parser->header_length == SHIM_HEADER_SIZE)
            *good = begin_frame(parser);
    } else if (parser->body_length < frame->body_length) {
        taken = smaller(frame->body_length - parser->body_length, length);
        memcpy(frame->body + parser->body_length, data, taken);
        parser->body_length += taken;
    } else {
        taken = smaller(frame->blob_length - parser->blob_length, length);
        *good = parser->blob(parser, data, taken);
        parser->blob_length += taken;
    }
    return taken;
}

bool frame_feed(struct frame_parser *parser, const uint8_t *data, size_t length)
{
    bool good = true;
    while (good && length > 0) {
        size_t taken = feed_part(parser, data, length, &good);
        data += taken;
        length -= taken;
        struct frame *frame = &parser->frame;
        if (!good || parser->header_length < SHIM_HEADER_SIZE ||
            parser->body_length < frame->body_length)
            continue;
        if (!parser->body_told) {
            parser->body_told = true;
            good = parser->body(parser);
        }
        if (good && parser->blob_length == frame->blob_length) {
            good = parser->end(parser);
            frame_reset(parser);
        }
    }
    return good;
}

bool id_ok(const char *id)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if (id[0] == '\0' || strchr(letters, id[0]) == NULL || strlen(id) > SHIM_ID_MAX)
        return false;
    for (const char *at = id; *at != '\0'; at++)
        if (strchr(letters, *at) == NULL && strchr("_.-", *at) == NULL)
            return false;
    return true;
}
