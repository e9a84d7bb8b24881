/* Reading the environment and the configuration (call.h). */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "fail.h"

#define PREFIX_MIN 8
#define PREFIX_MAX 30
#define MTU_MAX 65535
#define DEFAULT_BRIDGE "vitrine0"
#define DEFAULT_SUBNET "10.88.0.0/16"
#define DEFAULT_DATA_DIR "/var/lib/vitrine/cni/networks"

const char supported_versions[] = "[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]";

/* Reads all of stdin, into memory that lives as long as the program. */
static size_t read_stdin(char *bytes, size_t size)
{
    size_t length = 0;
    for (;;) {
        ssize_t count = read(STDIN_FILENO, bytes + length, size - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            fail(CNI_IO_FAILURE, "cannot read the configuration from stdin: %s", strerror(errno));
        if (count == 0)
            return length;
        length += (size_t)count;
        if (length == size)
            fail(CNI_DECODING_FAILURE, "configuration is longer than %zu bytes", size - 1);
    }
}

/* Names as the specification has them: alphanumeric first, then also . _ - */
static bool is_name(const char *text)
{
    if (!isalnum((unsigned char)*text))
        return false;
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr("._-", *text) == NULL)
            return false;
    return true;
}

/* What the kernel takes for an interface (dev_valid_name). */
static bool is_interface(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (; *text != '\0'; text++)
        if (*text == '/' || *text == ':' || isspace((unsigned char)*text) ||
            iscntrl((unsigned char)*text))
            return false;
    return true;
}

static uint32_t version_number(const char *version)
{
    unsigned a = 0, b = 0, c = 0;
    (void)sscanf(version, "%3u.%3u.%3u", &a, &b, &c);
    return a * 1000000 + b * 1000 + c;
}

bool speaks(const struct call *call, const char *version)
{
    return version_number(call->version) >= version_number(version);
}

bool owner_of(const char *container, const char *ifname, char owner[OWNER_SIZE])
{
    if (!is_name(container) || strlen(container) > 255 || !is_interface(ifname))
        return false;
    snprintf(owner, OWNER_SIZE, "%s/%s", container, ifname);
    return true;
}

/* A member that is a string, or absent; anything else fails. */
static bool optional_string(const struct call *call, const char *name, char *out, size_t size)
{
    int token = json_member(&call->config, 0, name);
    if (token == JSON_NONE)
        return false;
    if (!json_string(&call->config, token, out, size))
        fail(CNI_INVALID_CONFIG, "\"%s\" must be a string of less than %zu bytes", name, size);
    return true;
}

static bool optional_bool(const struct call *call, const char *name, bool fallback)
{
    int token = json_member(&call->config, 0, name);
    bool value = fallback;
    if (token != JSON_NONE && !json_bool(&call->config, token, &value))
        fail(CNI_INVALID_CONFIG, "\"%s\" must be true or false", name);
    return value;
}

static void read_version(struct call *call)
{
    if (!optional_string(call, "cniVersion", call->version, sizeof call->version))
        fail(CNI_INCOMPATIBLE_VERSION, "configuration has no cniVersion; supported are %s",
             supported_versions);
    char quoted[sizeof call->version + 2];
    snprintf(quoted, sizeof quoted, "\"%s\"", call->version);
    if (strstr(supported_versions, quoted) == NULL)
        fail(CNI_INCOMPATIBLE_VERSION, "cniVersion %s is not supported; supported are %s", quoted,
             supported_versions);
    fail_version(call->version);
}

static void read_subnet(struct call *call)
{
    char text[64] = DEFAULT_SUBNET;
    (void)optional_string(call, "subnet", text, sizeof text);
    char *slash = strchr(text, '/');
    char *end = NULL;
    struct in_addr address;
    long prefix = -1;
    if (slash != NULL) {
        *slash = '\0';
        prefix = isdigit((unsigned char)slash[1]) ? strtol(slash + 1, &end, 10) : -1;
    }
    if (slash == NULL || end == NULL || *end != '\0' || inet_pton(AF_INET, text, &address) != 1 ||
        prefix < PREFIX_MIN || prefix > PREFIX_MAX)
        fail(CNI_INVALID_CONFIG,
             "\"subnet\" must be an IPv4 network such as 10.88.0.0/16, prefix %d to %d", PREFIX_MIN,
             PREFIX_MAX);
    call->prefix = (uint32_t)prefix;
    call->network = ntohl(address.s_addr) & (0xffffffffu << (32 - prefix));
    call->gateway = call->network + 1;
}

/* Fields of other plugins that would silently do nothing here. */
static void refuse_foreign_fields(const struct call *call)
{
    static const char *const foreign[] = {"ipam", "vlan", "vlanTrunk", "macspoofchk", "isGateway"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (json_member(&call->config, 0, foreign[i]) != JSON_NONE)
            fail(CNI_UNSUPPORTED_FIELD,
                 "\"%s\" is not a field of this plugin: it has its own address pool (\"subnet\") "
                 "and is always gateway",
                 foreign[i]);
}

static void read_config(struct call *call)
{
    static char text[JSON_BYTES_MAX + 1];
    size_t length = read_stdin(text, sizeof text);
    const char *problem = json_parse(&call->config, text, length);
    if (problem != NULL)
        fail(CNI_DECODING_FAILURE, "configuration on stdin is not JSON as it must be: %s", problem);
    if (!json_is(&call->config, 0, JSON_OBJECT))
        fail(CNI_DECODING_FAILURE, "configuration on stdin is not a JSON object");
    read_version(call);
    if (!optional_string(call, "name", call->network_name, sizeof call->network_name) ||
        !is_name(call->network_name))
        fail(CNI_INVALID_CONFIG, "\"name\" must be letters, digits, dot, underscore and hyphen");
    refuse_foreign_fields(call);
    strcpy(call->bridge, DEFAULT_BRIDGE);
    strcpy(call->data_dir, DEFAULT_DATA_DIR);
    (void)optional_string(call, "bridge", call->bridge, sizeof call->bridge);
    if (!is_interface(call->bridge))
        fail(CNI_INVALID_CONFIG, "\"bridge\" is no interface name: %s", call->bridge);
    (void)optional_string(call, "dataDir", call->data_dir, sizeof call->data_dir);
    if (call->data_dir[0] != '/')
        fail(CNI_INVALID_CONFIG, "\"dataDir\" must be an absolute path");
    read_subnet(call);
    int mtu = json_member(&call->config, 0, "mtu");
    if (mtu != JSON_NONE && !json_uint(&call->config, mtu, MTU_MAX, &call->mtu))
        fail(CNI_INVALID_CONFIG, "\"mtu\" must be a whole number up to %d", MTU_MAX);
    call->ip_masq = optional_bool(call, "ipMasq", true);
    call->hairpin = optional_bool(call, "hairpinMode", true);
}

void read_call(struct call *call)
{
    call->command = getenv("CNI_COMMAND");
    if (call->command == NULL)
        fail(CNI_INVALID_ENVIRONMENT,
             "CNI_COMMAND is not set; this is a CNI plugin, a container runtime calls it");
    if (strcmp(call->command, "VERSION") != 0)
        read_config(call);
}

static const char *parameter(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

void read_attachment(struct call *call, bool netns_required)
{
    const char *container = parameter("CNI_CONTAINERID");
    const char *ifname = parameter("CNI_IFNAME");
    const char *netns = parameter("CNI_NETNS");
    if (!owner_of(container, ifname, call->owner))
        fail(CNI_INVALID_ENVIRONMENT,
             "CNI_CONTAINERID \"%.64s\" or CNI_IFNAME \"%.32s\" is missing or invalid", container,
             ifname);
    strcpy(call->container, container);
    strcpy(call->ifname, ifname);
    if (strlen(netns) >= sizeof call->netns || (netns_required && netns[0] != '/'))
        fail(CNI_INVALID_ENVIRONMENT, "CNI_NETNS \"%.64s\" is not an absolute path", netns);
    strcpy(call->netns, netns);
}
