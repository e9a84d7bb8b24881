/* Mount attributes of a Plan as the kernel's MOUNT_ATTR_ bits. */
#ifndef VITRINE_MOUNT_ATTR_H
#define VITRINE_MOUNT_ATTR_H

#include <stdint.h>

uint64_t mount_attrs(uint32_t set);

#endif
