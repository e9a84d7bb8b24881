/* How a shim ends: when it is told to, or when nobody has needed it for a while. */
#ifndef VITRINE_SHIM_SHUTDOWN_H
#define VITRINE_SHIM_SHUTDOWN_H

#include "connection.h"

/* Kills every container, answers, and ends the shim. */
void shutdown_begin(const struct requester *from);
bool shutdown_begun(void);
void shutdown_disown(const struct connection *connection);

#endif
