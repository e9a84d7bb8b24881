/* Namespaces of a Plan as the kernel's CLONE_NEW bits. */
#ifndef VITRINE_NAMESPACES_H
#define VITRINE_NAMESPACES_H

#include <stdint.h>

uint64_t namespace_flags(uint32_t set);

#endif
