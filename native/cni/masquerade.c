/*
 * The rule as nft(8) would print it:
 *   table ip vitrine-BRIDGE {
 *     chain NETWORK-PREFIX {
 *       type nat hook postrouting priority srcnat; policy accept;
 *       ip saddr NETWORK/PREFIX ip daddr != NETWORK/PREFIX ip daddr != 224.0.0.0/4 masquerade
 * The chain is named for its network: when it is there, the rule is there, for both come in one
 * transaction.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "masquerade.h"
#include "netlink.h"

#define NAME_SIZE 64
#define SOURCE_OFFSET 12 /* of the addresses in an IPv4 header */
#define TARGET_OFFSET 16
#define SRCNAT_PRIORITY 100
#define MULTICAST 0xe0000000u
#define MULTICAST_MASK 0xf0000000u

static void begin(struct requests *all, const char *what, int message, uint16_t flags)
{
    struct nfgenmsg body = {.nfgen_family = NFPROTO_IPV4, .version = NFNETLINK_V0};
    request_begin(all, what, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, &body,
                  sizeof body);
}

/* The frame of a transaction: all requests between these two hold, or none. */
static void frame(struct requests *all, uint16_t type)
{
    struct nfgenmsg body = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
    request_begin(all, NULL, type, 0, &body, sizeof body);
}

static size_t nest(struct requests *all, uint16_t type)
{
    return request_nest(all, type | NLA_F_NESTED);
}

/* nf_tables has its numbers in network byte order. */
static void number(struct requests *all, uint16_t type, uint32_t value)
{
    request_u32(all, type, htonl(value));
}

static void expression(struct requests *all, const char *name, size_t *element, size_t *data)
{
    *element = nest(all, NFTA_LIST_ELEM);
    request_string(all, NFTA_EXPR_NAME, name);
    *data = nest(all, NFTA_EXPR_DATA);
}

static void expression_end(struct requests *all, size_t element, size_t data)
{
    request_nest_end(all, data);
    request_nest_end(all, element);
}

static void value(struct requests *all, uint16_t type, uint32_t host_order)
{
    size_t at = nest(all, type);
    number(all, NFTA_DATA_VALUE, host_order);
    request_nest_end(all, at);
}

/* Compares an address of the packet, masked, with a network: payload, bitwise, cmp. */
static void match(struct requests *all, uint32_t offset, uint32_t mask, uint32_t operation,
                  uint32_t network)
{
    size_t element, data;
    expression(all, "payload", &element, &data);
    number(all, NFTA_PAYLOAD_DREG, NFT_REG_1);
    number(all, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    number(all, NFTA_PAYLOAD_OFFSET, offset);
    number(all, NFTA_PAYLOAD_LEN, sizeof(uint32_t));
    expression_end(all, element, data);
    expression(all, "bitwise", &element, &data);
    number(all, NFTA_BITWISE_SREG, NFT_REG_1);
    number(all, NFTA_BITWISE_DREG, NFT_REG_1);
    number(all, NFTA_BITWISE_LEN, sizeof(uint32_t));
    value(all, NFTA_BITWISE_MASK, mask);
    value(all, NFTA_BITWISE_XOR, 0);
    expression_end(all, element, data);
    expression(all, "cmp", &element, &data);
    number(all, NFTA_CMP_SREG, NFT_REG_1);
    number(all, NFTA_CMP_OP, operation);
    value(all, NFTA_CMP_DATA, network);
    expression_end(all, element, data);
}

static void table(struct requests *all, const char *what, int message, const char *name)
{
    begin(all, what, message, message == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
    request_string(all, NFTA_TABLE_NAME, name);
}

static void chain(struct requests *all, const char *table_name, const char *chain_name)
{
    begin(all, "add the masquerading chain", NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    request_string(all, NFTA_CHAIN_TABLE, table_name);
    request_string(all, NFTA_CHAIN_NAME, chain_name);
    size_t hook = nest(all, NFTA_CHAIN_HOOK);
    number(all, NFTA_HOOK_HOOKNUM, NF_INET_POST_ROUTING);
    number(all, NFTA_HOOK_PRIORITY, SRCNAT_PRIORITY);
    request_nest_end(all, hook);
    number(all, NFTA_CHAIN_POLICY, NF_ACCEPT);
    request_string(all, NFTA_CHAIN_TYPE, "nat");
}

static void rule(struct requests *all, const char *table_name, const char *chain_name,
                 uint32_t network, uint32_t mask)
{
    begin(all, "add the masquerading rule", NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    request_string(all, NFTA_RULE_TABLE, table_name);
    request_string(all, NFTA_RULE_CHAIN, chain_name);
    size_t list = nest(all, NFTA_RULE_EXPRESSIONS);
    match(all, SOURCE_OFFSET, mask, NFT_CMP_EQ, network);
    match(all, TARGET_OFFSET, mask, NFT_CMP_NEQ, network);
    match(all, TARGET_OFFSET, MULTICAST_MASK, NFT_CMP_NEQ, MULTICAST);
    size_t element, data;
    expression(all, "masq", &element, &data);
    expression_end(all, element, data);
    request_nest_end(all, list);
}

static bool nothing_to_see(const struct nlmsghdr *message, void *argument)
{
    (void)message;
    (void)argument;
    return false;
}

static bool has_table(struct netlink *filter, const char *table_name)
{
    struct requests all = {0};
    table(&all, "find the masquerading table", NFT_MSG_GETTABLE, table_name);
    return netlink_ask(filter, &all, nothing_to_see, NULL) == 0;
}

static bool has_chain(struct netlink *filter, const char *table_name, const char *chain_name)
{
    struct requests all = {0};
    begin(&all, "find the masquerading chain", NFT_MSG_GETCHAIN, 0);
    request_string(&all, NFTA_CHAIN_TABLE, table_name);
    request_string(&all, NFTA_CHAIN_NAME, chain_name);
    return netlink_ask(filter, &all, nothing_to_see, NULL) == 0;
}

void masquerade(const char *bridge, uint32_t network, uint32_t prefix)
{
    char table_name[NAME_SIZE];
    char chain_name[NAME_SIZE];
    struct in_addr address = {.s_addr = htonl(network)};
    snprintf(table_name, sizeof table_name, "vitrine-%s", bridge);
    snprintf(chain_name, sizeof chain_name, "%s-%u", inet_ntoa(address), prefix);
    struct netlink filter;
    netlink_open(&filter, NETLINK_NETFILTER);
    if (!has_chain(&filter, table_name, chain_name)) {
        struct requests all = {0};
        frame(&all, NFNL_MSG_BATCH_BEGIN);
        /* Of another network that the bridge had before. */
        if (has_table(&filter, table_name))
            table(&all, "clear the masquerading table", NFT_MSG_DELTABLE, table_name);
        table(&all, "add the masquerading table", NFT_MSG_NEWTABLE, table_name);
        chain(&all, table_name, chain_name);
        rule(&all, table_name, chain_name, network, 0xffffffffu << (32 - prefix));
        frame(&all, NFNL_MSG_BATCH_END);
        const char *failed;
        int error = netlink_send(&filter, &all, &failed);
        if (error != 0)
            fail(CNI_KERNEL_REFUSED, "cannot %s: %s (nf_tables; \"ipMasq\": false goes without)",
                 failed, strerror(-error));
    }
    netlink_close(&filter);
}

void stop_masquerade(const char *bridge)
{
    char table_name[NAME_SIZE];
    snprintf(table_name, sizeof table_name, "vitrine-%s", bridge);
    struct netlink filter;
    netlink_open(&filter, NETLINK_NETFILTER);
    struct requests all = {0};
    frame(&all, NFNL_MSG_BATCH_BEGIN);
    table(&all, "remove the masquerading table", NFT_MSG_DELTABLE, table_name);
    frame(&all, NFNL_MSG_BATCH_END);
    const char *failed;
    int error = netlink_send(&filter, &all, &failed);
    if (error != 0 && error != -ENOENT && error != -EOPNOTSUPP && error != -EINVAL)
        fail(CNI_KERNEL_REFUSED, "cannot %s: %s", failed, strerror(-error));
    /* The socket is left to the end of the program: closing it waits until the kernel has freed the
     * rules. */
}
