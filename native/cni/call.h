/* One call of the plugin: the parameters of the environment and the configuration of stdin,
 * checked. */
#ifndef VITRINE_CNI_CALL_H
#define VITRINE_CNI_CALL_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "json-read.h"

#define OWNER_SIZE 320

struct call {
    const char *command;
    char container[256];
    char ifname[IFNAMSIZ];
    char netns[PATH_MAX];   /* empty when the namespace is gone (DEL) */
    char owner[OWNER_SIZE]; /* "container/ifname": whose lease it is */

    struct json config;
    char version[16];
    char network_name[128];
    char bridge[IFNAMSIZ];
    char data_dir[PATH_MAX];
    uint32_t network; /* host byte order */
    uint32_t prefix;
    uint32_t gateway;
    uint32_t mtu; /* 0: the kernel's */
    bool ip_masq;
    bool hairpin;
};

/* Versions of the specification that we speak, newest last, as a JSON list. */
extern const char supported_versions[];

/* Reads CNI_COMMAND and stdin. Fails the plugin when anything is missing or makes no sense. */
void read_call(struct call *call);

/* Reads CNI_CONTAINERID, CNI_IFNAME and CNI_NETNS; the namespace may be missing for DEL only. */
void read_attachment(struct call *call, bool netns_required);

/* Fills `owner` from an id and an interface name. False when they are none. */
bool owner_of(const char *container, const char *ifname, char owner[OWNER_SIZE]);

/* Compares dotted versions: whether the configuration's is at least `version`. */
bool speaks(const struct call *call, const char *version);

#endif
