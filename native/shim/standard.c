#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct standard *standard_of(struct terminal *terminal)
{
    return CONTAINER_OF(terminal, struct standard, terminal);
}

static void master_arrived(struct terminal *terminal, int master)
{
    struct standard *standard = standard_of(terminal);
    int writing = fcntl(master, F_DUPFD_CLOEXEC, 0);
    if (writing >= 0)
        input_open(&standard->in, writing, true);
    output_open(&standard->out[0], master, SHIM_STDOUT);
}

static int open_output(struct output *output, int stream, int *theirs)
{
    int ours;
    int error = pipe_open(&ours, theirs);
    return error < 0 ? error : output_open(output, ours, stream);
}

int standard_open(struct standard *standard, uint32_t io, struct launch_io *theirs)
{
    int error = 0;
    standard->out[0].watch.fd = standard->out[1].watch.fd = standard->in.watch.fd = -1;
    standard->terminal.socket.fd = standard->terminal.master = -1;
    standard->is_terminal = (io & SHIM_IO_TERMINAL) != 0;
    *theirs = (struct launch_io){.in = -1, .out = -1, .err = -1, .start = -1, .console = -1};
    if (standard->is_terminal)
        error = terminal_open(&standard->terminal, &theirs->console, master_arrived);
    if (error == 0 && !standard->is_terminal && (io & SHIM_IO_STDIN) != 0) {
        int ours;
        error = pipe_open(&theirs->in, &ours);
        if (error == 0)
            error = input_open(&standard->in, ours, false);
    }
    if (error == 0 && !standard->is_terminal && (io & SHIM_IO_STDOUT) != 0)
        error = open_output(&standard->out[0], SHIM_STDOUT, &theirs->out);
    if (error == 0 && !standard->is_terminal && (io & SHIM_IO_STDERR) != 0)
        error = open_output(&standard->out[1], SHIM_STDERR, &theirs->err);
    int *streams[] = {&theirs->in, &theirs->out, &theirs->err};
    for (int i = 0; error == 0 && i < 3; i++) {
        if (*streams[i] >= 0)
            continue;
        *streams[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (*streams[i] < 0)
            error = -errno;
    }
    return error;
}

void standard_close_theirs(struct launch_io *theirs)
{
    fd_close(&theirs->in);
    fd_close(&theirs->out);
    fd_close(&theirs->err);
    fd_close(&theirs->start);
    fd_close(&theirs->console);
}

bool standard_silent(const struct standard *standard)
{
    return standard->out[0].watch.fd < 0 && standard->out[1].watch.fd < 0;
}

void standard_close(struct standard *standard)
{
    output_close(&standard->out[0]);
    output_close(&standard->out[1]);
    input_close(&standard->in);
    terminal_close(&standard->terminal);
}
