/*
 * vitrine-bridge: a CNI plugin (https://github.com/containernetworking/cni, specification 1.1) that
 * connects pods to a bridge of the host: a veth pair, an address of its own pool, a default route,
 * masquerading. It speaks netlink itself and starts no other program.
 *
 *   { "type": "vitrine-bridge", "name": "...", "cniVersion": "1.0.0",
 *     "bridge": "vitrine0", "subnet": "10.88.0.0/16", "dataDir": "/var/lib/vitrine/cni/networks",
 *     "ipMasq": true, "hairpinMode": true, "mtu": 1500, "dns": { ... copied into the result ... } }
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "json-write.h"

static void command_version(struct call *call)
{
    (void)call;
    static struct json_text out;
    put_text(&out, "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":");
    put_text(&out, supported_versions);
    put_text(&out, "}");
    print_json(&out);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(struct call *call);
    } commands[] = {{"ADD", command_add},       {"DEL", command_del}, {"CHECK", command_check},
                    {"STATUS", command_status}, {"GC", command_gc},   {"VERSION", command_version}};
    static struct call call;
    read_call(&call);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(call.command, commands[i].name) == 0) {
            commands[i].run(&call);
            return 0;
        }
    }
    fail(CNI_INVALID_ENVIRONMENT, "CNI_COMMAND \"%.32s\" is unknown", call.command);
}
