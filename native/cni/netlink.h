/*
 * Netlink, as much of it as a bridge needs: several requests in one message to the kernel, each
 * acknowledged, and requests with answers (netlink(7), rtnetlink(7)).
 */
#ifndef VITRINE_CNI_NETLINK_H
#define VITRINE_CNI_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink {
    int fd;
    uint32_t sequence;
    char detail[160]; /* the kernel's own words on the last refusal (NETLINK_EXT_ACK); may be empty
                       */
};

#define REQUESTS_MAX 16

/* Requests that go to the kernel together; they are carried out in order. */
struct requests {
    _Alignas(8) char bytes[8192];
    size_t length;
    int count;
    struct nlmsghdr *current;
    const char *whats[REQUESTS_MAX]; /* what each acknowledged one is for, for error messages */
};

/* Opens a socket of `protocol` in the network namespace of the caller. Fails the plugin when it
 * cannot. */
void netlink_open(struct netlink *link, int protocol);
void netlink_close(struct netlink *link);

/* Begins a request with its fixed part; `what` NULL asks for no acknowledgement. */
void request_begin(struct requests *all, const char *what, uint16_t type, uint16_t flags,
                   const void *body, size_t size);
void request_attr(struct requests *all, uint16_t type, const void *data, size_t size);
void request_string(struct requests *all, uint16_t type, const char *text);
void request_u32(struct requests *all, uint16_t type, uint32_t value);
void request_u8(struct requests *all, uint16_t type, uint8_t value);
/* Opens a nested attribute; close it with the returned offset. */
size_t request_nest(struct requests *all, uint16_t type);
/* The fixed part of a peer's description inside VETH_INFO_PEER and its like. */
void request_body(struct requests *all, const void *body, size_t size);
void request_nest_end(struct requests *all, size_t nest);

/*
 * Sends all and waits for every acknowledgement. Returns 0, or the first -errno; *failed then says
 * what that request was for, and link->detail what the kernel said.
 */
int netlink_send(struct netlink *link, struct requests *all, const char **failed);

/* Sends all; a refusal fails the plugin with a sentence. */
void netlink_demand(struct netlink *link, struct requests *all);

/* Called for each message of an answer; returns false to stop looking (the rest is still read). */
typedef bool netlink_visit(const struct nlmsghdr *message, void *argument);

/* Sends the one request in `all` and shows every answer to `visit`. Returns 0 or -errno. */
int netlink_ask(struct netlink *link, struct requests *all, netlink_visit *visit, void *argument);

/* The attribute of a type in a list, or NULL. */
const struct nlattr *find_attr(const void *first, size_t length, uint16_t type);
const void *attr_data(const struct nlattr *attr);
size_t attr_size(const struct nlattr *attr);

#endif
