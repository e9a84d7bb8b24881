import { beforeEach, describe, expect, test } from "vitest";
import type { Machine } from "../machine.ts";
import { programBed, type Ran, runProgram, runShell } from "./program-bed.ts";

type Json = Record<string, unknown>;

const bridge: Json = {
  cniVersion: "1.0.0",
  name: "mynet",
  type: "bridge",
  bridge: "cni9",
  isGateway: true,
  ipMasq: true,
  hairpinMode: true,
  ipam: {
    type: "host-local",
    ranges: [[{ subnet: "10.99.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
  },
};
const vitrine: Json = { cniVersion: "1.1.0", name: "vitrine", type: "vitrine-bridge" };
const leases = "/var/lib/cni/networks/mynet";
const pool = "/var/lib/vitrine/cni/networks/vitrine";

let machine: Machine;

beforeEach(() => {
  machine = programBed();
  runShell(machine, "ip netns add a; ip netns add b");
});

function call(
  plugin: string,
  command: string,
  config: Json | string,
  more: { readonly id?: string; readonly netns?: string; readonly ifName?: string } = {},
): Ran & { readonly json: Json } {
  const id = more.id ?? "a";
  const ran = runProgram(machine, [`/opt/cni/bin/${plugin}`], {
    stdin: typeof config === "string" ? config : JSON.stringify(config),
    env: [
      `CNI_COMMAND=${command}`,
      `CNI_CONTAINERID=${id}`,
      `CNI_NETNS=${more.netns ?? `/run/netns/${id}`}`,
      `CNI_IFNAME=${more.ifName ?? "eth0"}`,
      "CNI_PATH=/opt/cni/bin",
    ],
  });
  return { ...ran, json: ran.stdout === "" ? {} : (JSON.parse(ran.stdout) as Json) };
}

const sh = (text: string) => runShell(machine, text).stdout;
const withResult = (config: Json, prevResult: Json) => ({ ...config, prevResult });

describe("bridge with host-local", () => {
  test("ADD: interfaces, address, routes, leases on disk; the pods and the world are reached", () => {
    const added = call("bridge", "ADD", bridge);
    expect(added.code).toBe(0);
    expect(added.json).toMatchObject({
      cniVersion: "1.0.0",
      interfaces: [
        { name: "cni9" },
        { name: expect.stringMatching(/^veth[0-9a-f]{8}$/) },
        { name: "eth0", sandbox: "/run/netns/a" },
      ],
      ips: [{ interface: 2, address: "10.99.0.2/16", gateway: "10.99.0.1" }],
      routes: [{ dst: "0.0.0.0/0" }],
      dns: {},
    });
    expect(Object.keys(added.json)).toEqual(["cniVersion", "interfaces", "ips", "routes", "dns"]);
    expect(sh(`cat ${leases}/10.99.0.2`)).toBe("a\r\neth0");
    expect(sh(`cat ${leases}/last_reserved_ip.0`)).toBe("10.99.0.2");
    expect(sh("ip netns exec a ip route")).toBe(
      "default via 10.99.0.1 dev eth0 \n10.99.0.0/16 dev eth0 proto kernel scope link src 10.99.0.2 \n",
    );
    expect(call("bridge", "ADD", bridge, { id: "b" }).json["ips"]).toMatchObject([
      { address: "10.99.0.3/16" },
    ]);
    expect(runShell(machine, "ip netns exec b ping -c 1 10.99.0.2").code).toBe(0);
    expect(runShell(machine, "ip netns exec b wget -q -O - http://example.com/").code).toBe(0);
  });

  test("a second ADD is refused, CHECK agrees, DEL gives back and may be repeated", () => {
    const { json } = call("bridge", "ADD", bridge);
    const again = call("bridge", "ADD", bridge);
    expect([again.code, again.json["code"], again.json["msg"]]).toEqual([
      1,
      999,
      "container veth name provided (eth0) already exists",
    ]);
    const full = withResult(bridge, json);
    expect(call("bridge", "CHECK", full).code).toBe(0);
    sh("ip netns exec a ip link del eth0");
    expect(call("bridge", "CHECK", full).json["msg"]).toBe("Interface name eth0 not found");
    for (let round = 0; round < 2; round++) {
      expect(call("bridge", "DEL", full)).toMatchObject({ code: 0, stdout: "" });
    }
    expect(call("bridge", "CHECK", full).json["msg"]).toBe(
      "host-local: Failed to find address added by container a",
    );
    expect(sh(`ls ${leases}`)).toBe("last_reserved_ip.0\nlock\n");
    expect(machine.init.namespaces.net.network.rules).toEqual([]);
    expect(call("bridge", "ADD", bridge).json["ips"]).toMatchObject([{ address: "10.99.0.3/16" }]);
  });

  test("DEL without a namespace gives the address back", () => {
    call("bridge", "ADD", bridge);
    expect(sh("ip -br link")).toContain("veth");
    sh("ip netns del a");
    // The namespace had no process: its binding was all that kept it.
    expect(sh("ip -br link")).not.toContain("veth");
    expect(call("bridge", "DEL", bridge).code).toBe(0);
    expect(call("bridge", "DEL", bridge, { netns: "" }).code).toBe(0);
    expect(sh(`ls ${leases}`)).not.toContain("10.99");
  });

  const results: [string, Json][] = [
    [
      "0.2.0",
      {
        cniVersion: "0.2.0",
        ip4: { ip: "10.99.0.2/16", gateway: "10.99.0.1", routes: [{ dst: "0.0.0.0/0" }] },
      },
    ],
    ["0.4.0", { ips: [{ version: "4", interface: 2, address: "10.99.0.2/16" }] }],
    ["1.1.0", { ips: [{ interface: 2, address: "10.99.0.2/16" }] }],
  ];
  test.each(results)("the result in version %s", (cniVersion, expected) => {
    expect(call("bridge", "ADD", { ...bridge, cniVersion }).json).toMatchObject(expected);
  });

  const refusals: [number, string, string, Json | string, object][] = [
    [4, "required env variables [CNI_NETNS] missing", "ADD", bridge, { netns: "" }],
    [4, "invalid characters in containerID", "ADD", bridge, { id: "a/b" }],
    [4, "interface name is too long", "ADD", bridge, { ifName: "sixteen-letters-" }],
    [4, "unknown CNI_COMMAND: FROB", "FROB", bridge, {}],
    [1, "incompatible CNI versions", "ADD", { ...bridge, cniVersion: "9.9.9" }, {}],
    [1, "config version does not allow CHECK", "CHECK", { ...bridge, cniVersion: "0.3.1" }, {}],
    [6, "error unmarshall network config: unexpected end of JSON input", "ADD", "", {}],
    [7, "missing network name", "ADD", { cniVersion: "1.0.0" }, {}],
    [7, "invalid characters found in network name", "ADD", { ...bridge, name: "x y" }, {}],
    [
      999,
      'failed to open netns "/nope": failed to Statfs "/nope": no such file or directory',
      "ADD",
      bridge,
      { netns: "/nope" },
    ],
    [
      999,
      'failed to find plugin "nope" in path [/opt/cni/bin]',
      "ADD",
      { ...bridge, ipam: { type: "nope" } },
      {},
    ],
    [
      999,
      'failed to create bridge "lo": "lo" already exists but is not a bridge',
      "ADD",
      { ...bridge, bridge: "lo" },
      {},
    ],
  ];
  test.each(refusals)("code %i: %s", (code, msg, command, config, more) => {
    const ran = call("bridge", command, config, more);
    expect([ran.code, ran.json["code"], ran.json["msg"]]).toEqual([1, code, msg]);
  });
});

describe("host-local", () => {
  const small: Json = {
    cniVersion: "1.1.0",
    name: "mynet",
    type: "x",
    ipam: { type: "host-local", subnet: "10.98.0.0/30" },
  };

  test("one address and no more, each owner once; GC takes what nobody has", () => {
    expect(call("host-local", "ADD", small).json).toEqual({
      cniVersion: "1.1.0",
      ips: [{ address: "10.98.0.2/30", gateway: "10.98.0.1" }],
      dns: {},
    });
    expect(call("host-local", "ADD", small).json["msg"]).toBe(
      "failed to allocate for range 0: 10.98.0.2 has been allocated to a, duplicate allocation is not allowed",
    );
    expect(call("host-local", "ADD", small, { id: "b" }).json["msg"]).toBe(
      "failed to allocate for range 0: no IP addresses available in range set: 10.98.0.1-10.98.0.2",
    );
    expect(call("host-local", "CHECK", small).code).toBe(0);
    const valid = (id: string) => ({
      "cni.dev/valid-attachments": [{ containerID: id, ifname: "eth0" }],
    });
    expect(call("host-local", "GC", { ...small, ...valid("a") }).code).toBe(0);
    expect(call("host-local", "CHECK", small).code).toBe(0);
    call("host-local", "GC", { ...small, ...valid("z") });
    expect(call("host-local", "CHECK", small).code).toBe(1);
  });

  test("addresses come in turn through all ranges, without gateways", () => {
    const ranges = [[{ subnet: "10.1.0.0/29", rangeStart: "10.1.0.5" }, { subnet: "10.2.0.0/30" }]];
    const config = { ...small, ipam: { type: "host-local", ranges } };
    const take = (id: string) =>
      (call("host-local", "ADD", config, { id }).json["ips"] as Json[])?.[0]?.["address"];
    expect(["p", "q", "r"].map(take)).toEqual(["10.1.0.5/29", "10.1.0.6/29", "10.2.0.2/30"]);
    call("host-local", "DEL", config, { id: "p" });
    expect(take("s")).toBe("10.1.0.5/29");
    expect(take("t")).toBeUndefined();
  });

  const wrong: [string, Json][] = [
    ["no IP ranges specified", { type: "host-local" }],
    [
      "invalid range set 0: Network 10.0.0.0/31 too small to allocate from",
      { type: "host-local", subnet: "10.0.0.0/31" },
    ],
  ];
  test.each(wrong)("%s", (msg, ipam) => {
    expect(call("host-local", "ADD", { ...small, ipam }).json["msg"]).toBe(msg);
  });
});

describe("loopback", () => {
  const config = { cniVersion: "1.0.0", name: "lo", type: "loopback" };
  test("ADD brings lo up, DEL down; gone namespaces are fine for DEL", () => {
    const lo = { ifName: "lo" };
    expect(call("loopback", "ADD", config, lo).json).toEqual({
      cniVersion: "1.0.0",
      interfaces: [{ name: "lo", mac: "00:00:00:00:00:00", sandbox: "/run/netns/a" }],
      ips: [
        { interface: 0, address: "127.0.0.1/8" },
        { interface: 0, address: "::1/128" },
      ],
      dns: {},
    });
    expect(call("loopback", "CHECK", config, lo).code).toBe(0);
    expect(call("loopback", "DEL", config, lo).code).toBe(0);
    expect(call("loopback", "CHECK", config, lo).code).toBe(1);
    expect(call("loopback", "DEL", config, { ...lo, netns: "/nope" }).code).toBe(0);
    expect(call("loopback", "ADD", config, { ...lo, netns: "/nope" }).json["msg"]).toBe(
      'failed to Statfs "/nope": no such file or directory',
    );
  });
});

describe("portmap", () => {
  const mapping = { hostPort: 8080, containerPort: 80, protocol: "tcp" };
  const portmap = (prevResult: Json, mappings: Json[] = [mapping]) => ({
    cniVersion: "1.0.0",
    name: "mynet",
    type: "portmap",
    runtimeConfig: { portMappings: mappings },
    prevResult,
  });

  test("a port of the host leads to the pod, from the host, from localhost, from the next pod, until DEL", () => {
    const { json } = call("bridge", "ADD", bridge);
    call("bridge", "ADD", bridge, { id: "b" });
    sh("mkdir /www; echo mapped >/www/index.html; ip netns exec a httpd -p 80 -h /www");
    const get = (where: string, ip: string) =>
      sh(`${where} wget -q -T 3 -O - http://${ip}:8080/`).trim();
    expect(get("", "192.0.2.10")).toBe("");
    const mapped = call("portmap", "ADD", portmap(json));
    expect(mapped.json).toEqual(json);
    expect(get("", "192.0.2.10")).toBe("mapped");
    expect(get("", "127.0.0.1")).toBe("mapped");
    expect(get("ip netns exec b", "10.99.0.1")).toBe("mapped");
    expect(get("ip netns exec a", "10.99.0.1")).toBe("mapped");
    expect(call("portmap", "CHECK", portmap(json)).code).toBe(0);
    for (let round = 0; round < 2; round++)
      expect(call("portmap", "DEL", portmap(json)).code).toBe(0);
    expect(call("portmap", "CHECK", portmap(json)).code).toBe(1);
    expect(get("", "192.0.2.10")).toBe("");
  });

  test("refusals", () => {
    const { json } = call("bridge", "ADD", bridge);
    const { prevResult: _, ...alone } = portmap(json);
    expect(call("portmap", "ADD", alone).json["msg"]).toBe("must be called as chained plugin");
    expect(call("portmap", "ADD", portmap(json, [{ ...mapping, hostPort: 0 }])).json["msg"]).toBe(
      "failed to parse config: Invalid host port number: 0",
    );
  });
});

describe("vitrine-bridge", () => {
  test("ADD, the same ADD again, CHECK, DEL: nothing is left", () => {
    const added = call("vitrine-bridge", "ADD", vitrine);
    expect(added.json).toEqual({
      cniVersion: "1.1.0",
      interfaces: [
        { name: "vitrine0", mac: "0a:57:0a:58:00:01" },
        { name: expect.stringMatching(/^veth[0-9a-f]{10}$/), mac: "0a:56:0a:58:00:02" },
        { name: "eth0", mac: "0a:58:0a:58:00:02", sandbox: "/run/netns/a" },
      ],
      ips: [{ interface: 2, address: "10.88.0.2/16", gateway: "10.88.0.1" }],
      routes: [{ dst: "0.0.0.0/0", gw: "10.88.0.1" }],
      dns: {},
    });
    expect(sh(`readlink ${pool}/10.88.0.2`)).toBe("a/eth0\n");
    expect(runShell(machine, "ip netns exec a ping -c 1 203.0.113.80").code).toBe(0);
    expect(call("vitrine-bridge", "ADD", vitrine).json).toEqual(added.json);
    const full = withResult(vitrine, added.json);
    expect(call("vitrine-bridge", "CHECK", full).code).toBe(0);
    for (let round = 0; round < 2; round++) {
      expect(call("vitrine-bridge", "DEL", full)).toMatchObject({ code: 0, stdout: "" });
    }
    expect(sh("ip -br link | wc -l")).toBe("2\n");
    expect(sh(`ls ${pool} 2>&1`)).toContain("");
    expect(runShell(machine, `test -e ${pool}`).code).toBe(1);
    expect(machine.init.namespaces.net.network.rules).toEqual([]);
  });

  test("an address rests before it is used again; the network stays while somebody is in it", () => {
    const ip = (id: string) =>
      (call("vitrine-bridge", "ADD", vitrine, { id }).json["ips"] as Json[])[0]?.["address"];
    expect([ip("a"), ip("b")]).toEqual(["10.88.0.2/16", "10.88.0.3/16"]);
    call("vitrine-bridge", "DEL", vitrine);
    expect(sh("ip -br link")).toContain("vitrine0");
    expect(ip("a")).toBe("10.88.0.4/16");
    expect(runShell(machine, "ip netns exec a ping -c 1 10.88.0.3").code).toBe(0);
  });

  test("a lease that somebody else wrote or took away counts", () => {
    call("vitrine-bridge", "ADD", vitrine);
    sh(`ln -s z/eth0 ${pool}/10.88.0.3`);
    expect(call("vitrine-bridge", "ADD", vitrine, { id: "b" }).json["ips"]).toMatchObject([
      { address: "10.88.0.4/16" },
    ]);
    sh(`rm ${pool}/10.88.0.2`);
    const check = call("vitrine-bridge", "CHECK", withResult(vitrine, { ips: [] }));
    expect(check.json).toMatchObject({ code: 102, msg: "no address is leased to a/eth0" });
  });

  test("a failed ADD takes everything back", () => {
    const failed = call("vitrine-bridge", "ADD", vitrine, { netns: "/run/netns/none" });
    expect(failed.json).toMatchObject({ cniVersion: "1.1.0", code: 3 });
    expect(sh("ip -br link | wc -l")).toBe("2\n");
    expect(runShell(machine, `test -e ${pool}`).code).toBe(1);
  });

  test("CHECK says what is missing", () => {
    const { json } = call("vitrine-bridge", "ADD", vitrine);
    const check = () => call("vitrine-bridge", "CHECK", withResult(vitrine, json)).json["msg"];
    sh("ip netns exec a ip route del default");
    expect(check()).toBe("the pod has lost its default route");
    sh("ip netns exec a ip addr flush dev eth0");
    expect(check()).toBe("interface eth0 of the pod has lost its address");
    sh("ip netns exec a ip link set eth0 down");
    expect(check()).toBe("interface eth0 of the pod is down");
    sh("ip netns exec a ip link del eth0");
    expect(check()).toMatch(/^the host's end veth\w+ of the veth pair is gone$/);
    sh("ip link del vitrine0");
    expect(check()).toBe("bridge vitrine0 is gone");
  });

  test("STATUS knows when the pool is empty, GC makes room", () => {
    const small = { ...vitrine, subnet: "10.5.0.0/30" };
    expect(call("vitrine-bridge", "STATUS", small).code).toBe(0);
    call("vitrine-bridge", "ADD", small);
    expect(call("vitrine-bridge", "STATUS", small).json["code"]).toBe(50);
    expect(call("vitrine-bridge", "ADD", small, { id: "b" }).json).toMatchObject({
      code: 101,
      msg: "all 1 addresses of network vitrine are taken",
    });
    call("vitrine-bridge", "GC", { ...small, "cni.dev/valid-attachments": [] });
    expect(call("vitrine-bridge", "STATUS", small).code).toBe(0);
    expect(sh("ip netns exec a ip -br link | wc -l")).toBe("1\n");
  });

  const refusals: [number, string, Json][] = [
    [1, "configuration has no cniVersion", { name: "x" }],
    [1, 'cniVersion "0.2.0" is not supported', { ...vitrine, cniVersion: "0.2.0" }],
    [2, '"ipam" is not a field of this plugin', { ...vitrine, ipam: {} }],
    [7, '"subnet" must be an IPv4 network', { ...vitrine, subnet: "10.0.0.0/31" }],
    [7, '"bridge" is no interface name', { ...vitrine, bridge: "a/b" }],
    [7, "link lo is there and is no bridge", { ...vitrine, bridge: "lo" }],
    [7, '"mtu" must be a whole number', { ...vitrine, mtu: "x" }],
  ];
  test.each(refusals)("code %i: %s", (code, msg, config) => {
    const ran = call("vitrine-bridge", "ADD", config);
    expect([ran.code, ran.json["code"], ran.json["msg"]]).toEqual([
      1,
      code,
      expect.stringContaining(msg),
    ]);
  });
});
