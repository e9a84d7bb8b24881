/* One buffer for whatever is being read right now. There is one thread, and nothing keeps data in it. */
#ifndef VITRINE_SHIM_BUFFER_H
#define VITRINE_SHIM_BUFFER_H

#include <stdint.h>

#define SHARED_BUFFER_SIZE (64 * 1024)

extern uint8_t shared_buffer[SHARED_BUFFER_SIZE];

#endif
