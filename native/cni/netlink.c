/* Netlink (netlink.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fail.h"
#include "netlink.h"

/* Length of the head of an attribute; the header file has it as a signed number. */
#define ATTR_HEADER sizeof(struct nlattr)
#define ANSWER_SIZE (32 * 1024)
/* The kernel answers at once; this only keeps a bug from becoming a hang. */
#define ANSWER_SECONDS 10

void netlink_open(struct netlink *link, int protocol)
{
    *link = (struct netlink){.fd = -1};
    link->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (link->fd < 0)
        fail(CNI_KERNEL_REFUSED, "no netlink socket (protocol %d): %s", protocol, strerror(errno));
    int on = 1;
    struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    /* Without these two errors are only less well explained. */
    (void)setsockopt(link->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    (void)setsockopt(link->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    (void)setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

void netlink_close(struct netlink *link)
{
    close(link->fd);
    link->fd = -1;
}

static void *grow(struct requests *all, size_t size)
{
    size_t aligned = NLMSG_ALIGN(size);
    if (aligned > sizeof all->bytes - all->length)
        fail(CNI_KERNEL_REFUSED, "netlink request too long");
    void *place = all->bytes + all->length;
    memset(place, 0, aligned);
    all->length += aligned;
    if (all->current != NULL)
        all->current->nlmsg_len = (uint32_t)(all->bytes + all->length - (char *)all->current);
    return place;
}

void request_begin(struct requests *all, const char *what, uint16_t type, uint16_t flags,
                   const void *body, size_t size)
{
    all->current = NULL;
    struct nlmsghdr *header = grow(all, sizeof *header);
    all->current = header;
    header->nlmsg_type = type;
    header->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
    header->nlmsg_len = sizeof *header;
    if (what != NULL) {
        if (all->count == REQUESTS_MAX)
            fail(CNI_KERNEL_REFUSED, "too many netlink requests");
        header->nlmsg_flags |= NLM_F_ACK;
        /* Numbered from 1 here; netlink_send moves the numbers to where the socket is. */
        header->nlmsg_seq = (uint32_t)all->count + 1;
        all->whats[all->count++] = what;
    }
    memcpy(grow(all, size), body, size);
}

void request_attr(struct requests *all, uint16_t type, const void *data, size_t size)
{
    struct nlattr *attr = grow(all, ATTR_HEADER + size);
    attr->nla_type = type;
    attr->nla_len = (uint16_t)(ATTR_HEADER + size);
    memcpy((char *)attr + ATTR_HEADER, data, size);
}

void request_string(struct requests *all, uint16_t type, const char *text)
{
    request_attr(all, type, text, strlen(text) + 1);
}

void request_u32(struct requests *all, uint16_t type, uint32_t value)
{
    request_attr(all, type, &value, sizeof value);
}

void request_u8(struct requests *all, uint16_t type, uint8_t value)
{
    request_attr(all, type, &value, sizeof value);
}

size_t request_nest(struct requests *all, uint16_t type)
{
    size_t at = all->length;
    struct nlattr *attr = grow(all, ATTR_HEADER);
    attr->nla_type = type;
    return at;
}

void request_body(struct requests *all, const void *body, size_t size)
{
    memcpy(grow(all, size), body, size);
}

void request_nest_end(struct requests *all, size_t nest)
{
    struct nlattr *attr = (struct nlattr *)(void *)(all->bytes + nest);
    attr->nla_len = (uint16_t)(all->length - nest);
}

const void *attr_data(const struct nlattr *attr)
{
    return (const char *)attr + ATTR_HEADER;
}

size_t attr_size(const struct nlattr *attr)
{
    return (size_t)attr->nla_len - ATTR_HEADER;
}

const struct nlattr *find_attr(const void *first, size_t length, uint16_t type)
{
    const char *at = first;
    while (length >= ATTR_HEADER) {
        const struct nlattr *attr = (const struct nlattr *)(const void *)at;
        if (attr->nla_len < ATTR_HEADER || attr->nla_len > length)
            return NULL;
        if ((attr->nla_type & NLA_TYPE_MASK) == type)
            return attr;
        size_t step = NLA_ALIGN(attr->nla_len);
        if (step >= length)
            return NULL;
        at += step;
        length -= step;
    }
    return NULL;
}

/* Keeps what the kernel says beside an errno. With CAP_ACK nothing but the header of our request
 * comes back. */
static void keep_detail(struct netlink *link, const struct nlmsghdr *message)
{
    link->detail[0] = '\0';
    if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
        return;
    size_t fixed = NLMSG_HDRLEN + sizeof(struct nlmsgerr);
    if ((message->nlmsg_flags & NLM_F_CAPPED) == 0)
        return;
    if (message->nlmsg_len <= fixed)
        return;
    const struct nlattr *attr =
        find_attr((const char *)message + fixed, message->nlmsg_len - fixed, NLMSGERR_ATTR_MSG);
    if (attr != NULL && attr_size(attr) > 0)
        snprintf(link->detail, sizeof link->detail, "%.*s", (int)attr_size(attr) - 1,
                 (const char *)attr_data(attr));
}

/* One datagram of answers; its length or -errno. */
static int receive(struct netlink *link, char *bytes, size_t size)
{
    ssize_t length;
    do
        length = recv(link->fd, bytes, size, 0);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    return (int)length;
}

static int send_all(struct netlink *link, struct requests *all, uint32_t *base)
{
    *base = link->sequence;
    link->sequence += (uint32_t)all->count;
    for (size_t at = 0; at < all->length;) {
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)(all->bytes + at);
        if (header->nlmsg_seq != 0)
            header->nlmsg_seq += *base;
        at += NLMSG_ALIGN(header->nlmsg_len);
    }
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent;
    do
        sent =
            sendto(link->fd, all->bytes, all->length, 0, (struct sockaddr *)&kernel, sizeof kernel);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int error_of(const struct nlmsghdr *message)
{
    const struct nlmsgerr *error =
        (const struct nlmsgerr *)(const void *)((const char *)message + NLMSG_HDRLEN);
    return message->nlmsg_len >= NLMSG_HDRLEN + sizeof *error ? error->error : -EBADMSG;
}

int netlink_send(struct netlink *link, struct requests *all, const char **failed)
{
    _Alignas(8) static char bytes[ANSWER_SIZE];
    uint32_t base;
    int first_error = send_all(link, all, &base);
    *failed = all->count > 0 ? all->whats[0] : "send";
    for (int answered = 0; first_error == 0 && answered < all->count;) {
        int length = receive(link, bytes, sizeof bytes);
        if (length < 0)
            return length;
        size_t left = (size_t)length;
        for (struct nlmsghdr *m = (struct nlmsghdr *)(void *)bytes; NLMSG_OK(m, left);
             m = NLMSG_NEXT(m, left)) {
            if (m->nlmsg_type != NLMSG_ERROR)
                continue;
            int error = error_of(m);
            if (m->nlmsg_seq == 0 && error != 0)
                return error; /* the frame of a batch was refused, and with it all that is inside */
            uint32_t number = m->nlmsg_seq - base;
            if (number == 0 || number > (uint32_t)all->count)
                continue;
            answered++;
            if (error == 0 || first_error != 0)
                continue;
            first_error = error;
            *failed = all->whats[number - 1];
            keep_detail(link, m);
        }
    }
    return first_error;
}

void netlink_demand(struct netlink *link, struct requests *all)
{
    const char *failed;
    int error = netlink_send(link, all, &failed);
    if (error == 0)
        return;
    const char *detail = link->detail;
    fail(CNI_KERNEL_REFUSED, "cannot %s: %s%s%s", failed, strerror(-error), *detail ? ": " : "",
         detail);
}

int netlink_ask(struct netlink *link, struct requests *all, netlink_visit *visit, void *argument)
{
    _Alignas(8) static char bytes[ANSWER_SIZE];
    uint32_t base;
    int error = send_all(link, all, &base);
    bool looking = true;
    while (error == 0) {
        int length = receive(link, bytes, sizeof bytes);
        if (length < 0)
            return length;
        size_t left = (size_t)length;
        for (struct nlmsghdr *m = (struct nlmsghdr *)(void *)bytes; NLMSG_OK(m, left);
             m = NLMSG_NEXT(m, left)) {
            if (m->nlmsg_seq != base + 1)
                continue;
            if (m->nlmsg_type == NLMSG_DONE)
                return 0;
            if (m->nlmsg_type == NLMSG_ERROR)
                return error_of(m);
            if (looking)
                looking = visit(m, argument);
        }
    }
    return error;
}
