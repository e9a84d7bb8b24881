/* Commands run in a container beside its init: their output streams to the connection that asked. */
#ifndef VITRINE_SHIM_EXEC_H
#define VITRINE_SHIM_EXEC_H

#include "connection.h"
#include "request.h"

void exec_start(const struct requester *from, const struct exec_request *request, int plan_fd);
/* Frames of a running exec. False when `from` is none. */
bool exec_frame(const struct requester *from, const struct frame *frame, bool *good);
/* Looks again whether outputs that waited for the connection may go on. */
void execs_wake(const struct connection *connection);
/* A connection has gone: its execs are killed. */
void execs_disown(const struct connection *connection);
bool execs_none(void);

#endif
