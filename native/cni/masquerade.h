/*
 * Masquerading: packets of the pods that leave their network get the node's own address. One
 * nf_tables table a bridge, with one rule for the whole network, so that attaching a pod adds none.
 */
#ifndef VITRINE_CNI_MASQUERADE_H
#define VITRINE_CNI_MASQUERADE_H

#include <stdint.h>

/* Puts the rule there unless it is; `network` is in host byte order. Fails the plugin when refused.
 */
void masquerade(const char *bridge, uint32_t network, uint32_t prefix);

/* Removes the bridge's table; none there is fine. */
void stop_masquerade(const char *bridge);

#endif
