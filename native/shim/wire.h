/* Bytes of the protocol (shim.h): bounded reading and writing, and the splitting of a stream into frames. */
#ifndef VITRINE_SHIM_WIRE_H
#define VITRINE_SHIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim.h"

/* Reads fields one after another; after the first that does not fit, `bad` stays set and all are 0. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

uint8_t read_u8(struct reader *reader);
uint16_t read_u16(struct reader *reader);
uint32_t read_u32(struct reader *reader);
uint64_t read_u64(struct reader *reader);
/* Copies a string of at most `size` - 1 bytes and ends it with a NUL; a NUL inside is bad. */
void read_string(struct reader *reader, char *to, size_t size);
/* True when every field fitted and nothing is left over. */
bool read_whole(const struct reader *reader);

/* Writes fields into a buffer of fixed size; what does not fit sets `over`. */
struct writer {
    uint8_t *data;
    size_t size;
    size_t length;
    bool over;
};

void write_u8(struct writer *writer, uint8_t value);
void write_u16(struct writer *writer, uint16_t value);
void write_u32(struct writer *writer, uint32_t value);
void write_i32(struct writer *writer, int32_t value);
void write_u64(struct writer *writer, uint64_t value);
/* `length` bytes of text, cut at 65535. */
void write_string(struct writer *writer, const char *text, size_t length);

struct frame {
    uint16_t kind;
    uint32_t id;
    uint32_t body_length;
    uint32_t blob_length;
    uint8_t *body;
};

/*
 * Splits a stream of bytes into frames from the daemon. `body` is called once for each frame when its body is
 * there, with blob bytes still to come; `blob` with each piece of the blob; `end` when all is there.
 * Each returns false to give the connection up.
 */
struct frame_parser {
    uint8_t header[SHIM_HEADER_SIZE];
    size_t header_length;
    struct frame frame;
    size_t body_length;
    size_t blob_length;
    bool body_told;
    bool (*body)(struct frame_parser *parser);
    bool (*blob)(struct frame_parser *parser, const uint8_t *data, size_t length);
    bool (*end)(struct frame_parser *parser);
};

/* Feeds bytes; false when they break the protocol or a callback gave up. */
bool frame_feed(struct frame_parser *parser, const uint8_t *data, size_t length);
/* Frees what a half-read frame holds. */
void frame_reset(struct frame_parser *parser);
/* Fills SHIM_HEADER_SIZE bytes. */
void frame_header(uint8_t *to, uint16_t kind, uint32_t id, size_t body_length);

/* Whether `id` is a well-formed id of a container or pod. */
bool id_ok(const char *id);

#endif
