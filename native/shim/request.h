/* Bodies of the daemon's requests (shim.h) as structs. Pure: no descriptor, no state, so it can be fuzzed. */
#ifndef VITRINE_SHIM_REQUEST_H
#define VITRINE_SHIM_REQUEST_H

#include "wire.h"

struct create_request {
    char container[SHIM_ID_MAX + 1];
    uint32_t io;
    uint16_t clone_index;
    uint32_t line_max;
    char log_path[SHIM_PATH_MAX + 1];
    uint16_t cgroup_count;
    /* The directories as NUL-ended strings one after another; they fit because a body is bounded. */
    char cgroups[SHIM_BODY_MAX];
    size_t cgroups_length;
};

struct exec_request {
    char container[SHIM_ID_MAX + 1];
    uint32_t io;
    uint16_t clone_index;
    uint64_t output_max[2];
    uint32_t timeout_ms;
    uint32_t drain_ms;
};

struct kill_request {
    char container[SHIM_ID_MAX + 1];
    int32_t signal;
    bool all;
};

struct attach_request {
    char container[SHIM_ID_MAX + 1];
    uint32_t io;
};

struct named_request {
    char container[SHIM_ID_MAX + 1];
};

struct resize_request {
    uint16_t width;
    uint16_t height;
};

struct window_request {
    uint8_t stream;
    uint32_t bytes;
};

/* Each returns false when the body is not exactly what shim.h says. */
bool decode_create(const struct frame *frame, struct create_request *request);
bool decode_exec(const struct frame *frame, struct exec_request *request);
bool decode_kill(const struct frame *frame, struct kill_request *request);
bool decode_attach(const struct frame *frame, struct attach_request *request);
bool decode_named(const struct frame *frame, struct named_request *request);
bool decode_resize(const struct frame *frame, struct resize_request *request);
bool decode_window(const struct frame *frame, struct window_request *request);

#endif
