#include "request.h"

#include <string.h>

static struct reader reader_of(const struct frame *frame)
{
    return (struct reader){.at = frame->body, .left = frame->body_length};
}

/* An absolute path without "." and ".." components, or the empty string where that is allowed. */
static bool path_ok(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *at = path; *at != '\0';) {
        size_t slashes = strspn(at, "/");
        size_t length = strcspn(at + slashes, "/");
        const char *name = at + slashes;
        if ((length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
            return false;
        at = name + length;
    }
    return true;
}

static bool io_ok(uint32_t io)
{
    return (io & ~SHIM_IO_ALL) == 0;
}

bool decode_create(const struct frame *frame, struct create_request *request)
{
    struct reader reader = reader_of(frame);
    read_string(&reader, request->container, sizeof request->container);
    request->io = read_u32(&reader);
    request->clone_index = read_u16(&reader);
    request->line_max = read_u32(&reader);
    read_string(&reader, request->log_path, sizeof request->log_path);
    request->cgroup_count = read_u16(&reader);
    request->cgroups_length = 0;
    if (reader.bad || request->cgroup_count > SHIM_CGROUPS_MAX)
        return false;
    for (uint16_t i = 0; i < request->cgroup_count; i++) {
        char *to = request->cgroups + request->cgroups_length;
        read_string(&reader, to, sizeof request->cgroups - request->cgroups_length);
        if (reader.bad || !path_ok(to))
            return false;
        request->cgroups_length += strlen(to) + 1;
    }
    return read_whole(&reader) && id_ok(request->container) && io_ok(request->io) &&
           request->line_max <= SHIM_LINE_MAX && frame->blob_length > 0 &&
           (request->log_path[0] == '\0' || path_ok(request->log_path));
}

bool decode_exec(const struct frame *frame, struct exec_request *request)
{
    struct reader reader = reader_of(frame);
    read_string(&reader, request->container, sizeof request->container);
    request->io = read_u32(&reader);
    request->clone_index = read_u16(&reader);
    request->output_max[0] = read_u64(&reader);
    request->output_max[1] = read_u64(&reader);
    request->timeout_ms = read_u32(&reader);
    request->drain_ms = read_u32(&reader);
    return read_whole(&reader) && id_ok(request->container) && io_ok(request->io) &&
           frame->blob_length > 0;
}

bool decode_kill(const struct frame *frame, struct kill_request *request)
{
    struct reader reader = reader_of(frame);
    read_string(&reader, request->container, sizeof request->container);
    request->signal = (int32_t)read_u32(&reader);
    uint8_t all = read_u8(&reader);
    request->all = all == 1;
    return read_whole(&reader) && id_ok(request->container) && all <= 1 && request->signal >= 0 &&
           request->signal <= 64;
}

bool decode_attach(const struct frame *frame, struct attach_request *request)
{
    struct reader reader = reader_of(frame);
    read_string(&reader, request->container, sizeof request->container);
    request->io = read_u32(&reader);
    return read_whole(&reader) && id_ok(request->container) && io_ok(request->io);
}

bool decode_named(const struct frame *frame, struct named_request *request)
{
    struct reader reader = reader_of(frame);
    read_string(&reader, request->container, sizeof request->container);
    return read_whole(&reader) && id_ok(request->container);
}

bool decode_resize(const struct frame *frame, struct resize_request *request)
{
    struct reader reader = reader_of(frame);
    request->width = read_u16(&reader);
    request->height = read_u16(&reader);
    return read_whole(&reader);
}

bool decode_window(const struct frame *frame, struct window_request *request)
{
    struct reader reader = reader_of(frame);
    request->stream = read_u8(&reader);
    request->bytes = read_u32(&reader);
    return read_whole(&reader) && (request->stream == SHIM_STDOUT || request->stream == SHIM_STDERR);
}
