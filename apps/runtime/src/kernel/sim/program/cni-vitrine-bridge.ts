/** The project's own CNI plugin, as native/cni does it: bridge, veth pair, address pool, masquerading in one program. */
import { formatIp } from "../net/ip.ts";
import type { NetDevice } from "../net/network.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close } from "../syscall/file.ts";
import {
  addressAdd,
  linkAdd,
  linkDelete,
  linkOf,
  linkSet,
  routeAdd,
  ruleAdd,
  ruleDelete,
  rulesOf,
} from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import {
  CniError,
  cniCode,
  environmentOf,
  errorObject,
  isAtLeast,
  isObject,
  type JsonObject,
  print,
  readInput,
} from "./cni-call.ts";
import { LeasePool } from "./cni-lease-pool.ts";
import { inNetns, netnsOf, openNetns, setSysctl } from "./cni-netns.ts";
import {
  cidrOf,
  ownerOf,
  parseVitrineConfig,
  readVersion,
  readVitrineCall,
  type VitrineCall,
  vitrineVersions,
} from "./cni-vitrine-call.ts";
import { errnoMessage } from "./errno-message.ts";

const kernelRefused = 100;
const notAsAdded = 102;
/** Label of a bridge that we made. */
const bridgeAlias = "made by the vitrine-bridge CNI plugin";

function fail(code: number, message: string): never {
  throw new CniError(code, message);
}

/** FNV-1a, 64 bits, over a text and the zero behind it. */
function mix(hash: bigint, text: string): bigint {
  let mixed = hash;
  for (const byte of new TextEncoder().encode(`${text}\0`)) {
    mixed = BigInt.asUintN(64, (mixed ^ BigInt(byte)) * 0x100000001b3n);
  }
  return mixed;
}

/** Name of the pod's end on the host, made from the owner: found again without any record. */
function hostNameOf(call: VitrineCall, owner: string): string {
  const hash = mix(mix(0xcbf29ce484222325n, call.network), owner);
  return `veth${((hash ^ (hash >> 40n)) & 0xffffffffffn).toString(16).padStart(10, "0")}`;
}

/** A locally administered address with the IPv4 address in it. */
function macFor(kind: number, address: number): string {
  const bytes = [
    0x0a,
    kind,
    address >>> 24,
    (address >>> 16) & 255,
    (address >>> 8) & 255,
    address & 255,
  ];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function masqueradeOwner(bridge: string): string {
  return `vitrine-${bridge}`;
}

function masquerade({ self, bridge, subnet, prefix }: VitrineCall): void {
  const owner = masqueradeOwner(bridge);
  const network = `${formatIp(subnet)}/${prefix}`;
  if (rulesOf(self, owner).some(({ match }) => match.source === network)) return;
  const chain = "postrouting";
  const accept = { kind: "accept" } as const;
  ruleAdd(self, {
    chain,
    owner,
    match: { source: network, destination: "224.0.0.0/4" },
    action: accept,
  });
  ruleAdd(self, {
    chain,
    owner,
    match: { source: network, notDestination: network },
    action: { kind: "masquerade" },
  });
}

/** Runs calls to netlink; a refusal ends the plugin. */
function demand<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return fail(kernelRefused, `cannot ${what}: ${errnoMessage(thrown)}`);
  }
}

function ensureBridge(call: VitrineCall): NetDevice {
  const { self, bridge, gateway, mtu } = call;
  let link = linkOf(self, bridge);
  if (link === undefined) {
    link = demand("create the bridge", () => {
      const mac = macFor(0x57, gateway);
      const made = linkAdd(self, {
        name: bridge,
        kind: "bridge",
        mac,
        ...(mtu === 0 ? {} : { mtu }),
      });
      linkSet(self, bridge, { up: true, alias: bridgeAlias });
      return made;
    });
    setSysctl(self, `net/ipv6/conf/${bridge}/accept_ra`, "0");
  }
  if (link.kind !== "bridge") {
    fail(cniCode.invalidConfig, `link ${bridge} is there and is no bridge`);
  }
  const cidr = cidrOf(call, gateway);
  const has = link.addresses.some(({ ip, prefixLength }) => `${ip}/${prefixLength}` === cidr);
  if (!has) demand("add the address of the bridge", () => addressAdd(self, bridge, cidr));
  setSysctl(self, "net/ipv4/ip_forward", "1");
  if (call.ipMasq) masquerade(call);
  return link;
}

function deleteVethOf(call: VitrineCall, owner: string): void {
  const name = hostNameOf(call, owner);
  if (linkOf(call.self, name) !== undefined)
    demand("delete the veth pair", () => linkDelete(call.self, name));
}

/** After the last lease: removes bridge, masquerading and pool, as far as they are ours. */
function removeUnusedNetwork(call: VitrineCall, pool: LeasePool): void {
  const { self, bridge } = call;
  if (pool.count > 0) return;
  const link = linkOf(self, bridge);
  if (link !== undefined && (link.alias !== bridgeAlias || (link.ports?.size ?? 0) > 0)) return;
  ruleDelete(self, masqueradeOwner(bridge));
  if (link !== undefined) demand("delete the bridge", () => linkDelete(self, bridge));
  pool.remove();
}

function enterPod(call: VitrineCall): number {
  const { self, netns } = call;
  try {
    return openNetns(self, netns);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const why = errnoMessage(thrown);
    if (isRefusal(thrown, "EINVAL")) {
      fail(cniCode.invalidEnvironment, `CNI_NETNS ${netns} is no network namespace: ${why}`);
    }
    const code = isRefusal(thrown, "ENOENT") ? cniCode.unknownContainer : cniCode.ioFailure;
    return fail(code, `cannot open the network namespace ${netns}: ${why}`);
  }
}

/** The veth pair, both ends set up; the name of the host's. */
function connectPod(call: VitrineCall, address: number): string {
  const { self, ifName, netns, bridge, gateway, mtu } = call;
  deleteVethOf(call, call.owner);
  const fd = enterPod(call);
  try {
    if (inNetns(self, fd, () => linkOf(self, ifName)) !== undefined) {
      fail(cniCode.invalidEnvironment, `interface ${ifName} is already there in ${netns}`);
    }
    const name = hostNameOf(call, call.owner);
    demand("create the veth pair", () =>
      linkAdd(self, {
        name,
        kind: "veth",
        peerName: ifName,
        peerNamespace: netnsOf(self, fd),
        mac: macFor(0x56, address),
        peerMac: macFor(0x58, address),
        ...(mtu === 0 ? {} : { mtu }),
      }),
    );
    inNetns(self, fd, () => {
      setSysctl(self, `net/ipv6/conf/${ifName}/accept_ra`, "0");
      demand("bring the pod's interface up", () => linkSet(self, ifName, { up: true }));
      demand("add the address", () => addressAdd(self, ifName, cidrOf(call, address)));
      const route = {
        destination: "default",
        gateway: formatIp(gateway),
        device: ifName,
        replace: true,
      };
      demand("add the pod's default route", () => routeAdd(self, route));
    });
    demand("attach the pod to the bridge", () => linkSet(self, name, { master: bridge, up: true }));
    demand("set up the bridge port", () => linkSet(self, name, { hairpin: call.hairpin }));
    return name;
  } finally {
    close(self, fd);
  }
}

function resultOf(call: VitrineCall, bridge: NetDevice, name: string, address: number): JsonObject {
  const gateway = formatIp(call.gateway);
  const dns = call.config["dns"];
  return {
    cniVersion: call.version,
    interfaces: [
      { name: call.bridge, mac: bridge.mac },
      { name, mac: macFor(0x56, address) },
      { name: call.ifName, mac: macFor(0x58, address), sandbox: call.netns },
    ],
    ips: [
      {
        ...(isAtLeast(call.version, "1.0.0") ? {} : { version: "4" }),
        interface: 2,
        address: cidrOf(call, address),
        gateway,
      },
    ],
    routes: [{ dst: "0.0.0.0/0", gw: gateway }],
    dns: isObject(dns) ? dns : {},
  };
}

function add(call: VitrineCall): JsonObject {
  const pool = LeasePool.open(call, true);
  if (pool === undefined) return fail(cniCode.ioFailure, "cannot open the address pool");
  try {
    const address = pool.take();
    const bridge = ensureBridge(call);
    const name = connectPod(call, address);
    return resultOf(call, bridge, name, address);
  } catch (thrown) {
    // Whatever was done is taken back; the first cause is what the caller must hear.
    deleteVethOf(call, call.owner);
    pool.release(call.owner);
    removeUnusedNetwork(call, pool);
    throw thrown;
  } finally {
    pool.close();
  }
}

function del(call: VitrineCall): undefined {
  const pool = LeasePool.open(call, false);
  deleteVethOf(call, call.owner);
  if (pool === undefined) return;
  // The address is free only when nothing answers to it any more.
  pool.release(call.owner);
  removeUnusedNetwork(call, pool);
  pool.close();
}

function gc(call: VitrineCall): undefined {
  const valid = call.config["cni.dev/valid-attachments"];
  if (!Array.isArray(valid)) {
    fail(cniCode.invalidConfig, 'GC needs the list "cni.dev/valid-attachments"');
  }
  const owners = new Set(
    valid.filter(isObject).map((one) => ownerOf(String(one["containerID"]), String(one["ifname"]))),
  );
  const pool = LeasePool.open(call, false);
  if (pool === undefined) return;
  pool.sweep((owner) => {
    if (owners.has(owner)) return false;
    deleteVethOf(call, owner);
    return true;
  });
  removeUnusedNetwork(call, pool);
  pool.close();
}

function checkHostEnd(call: VitrineCall): void {
  const { self } = call;
  const bridge = linkOf(self, call.bridge);
  if (bridge?.kind !== "bridge") fail(notAsAdded, `bridge ${call.bridge} is gone`);
  const name = hostNameOf(call, call.owner);
  const end = linkOf(self, name);
  if (end === undefined) fail(notAsAdded, `the host's end ${name} of the veth pair is gone`);
  if (end.master !== bridge) fail(notAsAdded, `${name} is no port of bridge ${call.bridge}`);
  const cidr = cidrOf(call, call.gateway);
  if (!bridge.addresses.some(({ ip, prefixLength }) => `${ip}/${prefixLength}` === cidr)) {
    fail(notAsAdded, `bridge ${call.bridge} has lost the gateway's address`);
  }
}

function checkPodEnd(call: VitrineCall, address: number): void {
  const { self, ifName } = call;
  const fd = enterPod(call);
  try {
    inNetns(self, fd, () => {
      const link = linkOf(self, ifName);
      if (link === undefined) fail(notAsAdded, `interface ${ifName} is gone from the pod`);
      if (!link.up) fail(notAsAdded, `interface ${ifName} of the pod is down`);
      const cidr = cidrOf(call, address);
      if (!link.addresses.some(({ ip, prefixLength }) => `${ip}/${prefixLength}` === cidr)) {
        fail(notAsAdded, `interface ${ifName} of the pod has lost its address`);
      }
      const gateway = formatIp(call.gateway);
      const { routes } = self.namespaces.net.network;
      const hasRoute = routes.some(
        (route) => route.length === 0 && route.gateway === gateway && route.device === link,
      );
      if (!hasRoute) fail(notAsAdded, "the pod has lost its default route");
    });
  } finally {
    close(self, fd);
  }
}

function check(call: VitrineCall): undefined {
  if (!isAtLeast(call.version, "0.4.0")) {
    const what = `CHECK came with version 0.4.0; the configuration says ${call.version}`;
    fail(cniCode.incompatibleVersion, what);
  }
  const before = call.config["prevResult"];
  if (before === undefined) fail(cniCode.invalidConfig, "CHECK needs prevResult");
  const pool = LeasePool.open(call, false);
  const address = pool?.find(call.owner);
  pool?.close();
  if (address === undefined) fail(notAsAdded, `no address is leased to ${call.owner}`);
  const ips = isObject(before) && Array.isArray(before["ips"]) ? before["ips"] : [];
  const expected = cidrOf(call, address);
  if (!ips.some((ip) => isObject(ip) && ip["address"] === expected)) {
    fail(notAsAdded, `prevResult has not the address that is leased to ${call.owner}`);
  }
  checkHostEnd(call);
  checkPodEnd(call, address);
}

function status(call: VitrineCall): undefined {
  const link = linkOf(call.self, call.bridge);
  if (link !== undefined && link.kind !== "bridge") {
    fail(cniCode.notAvailable, `link ${call.bridge} is there and is no bridge`);
  }
  const pool = LeasePool.open(call, false);
  if (pool === undefined) return;
  const { room, count } = pool;
  pool.close();
  if (count >= room) {
    fail(cniCode.notAvailable, `all ${room} addresses of network ${call.network} are taken`);
  }
}

const commands: Readonly<Record<string, (call: VitrineCall) => JsonObject | undefined>> = {
  ADD: add,
  DEL: del,
  CHECK: check,
  STATUS: status,
  GC: gc,
};

function* run(self: Process, version: { said: string }): Coroutine<JsonObject | undefined> {
  const command = environmentOf(self, "CNI_COMMAND");
  if (command === "") {
    const what = "CNI_COMMAND is not set; this is a CNI plugin, a container runtime calls it";
    fail(cniCode.invalidEnvironment, what);
  }
  if (command === "VERSION") return { cniVersion: "1.1.0", supportedVersions: vitrineVersions };
  const config = parseVitrineConfig(yield* readInput(self));
  version.said = readVersion(config);
  const work = commands[command];
  if (work === undefined) {
    fail(cniCode.invalidEnvironment, `CNI_COMMAND "${command.slice(0, 32)}" is unknown`);
  }
  return work(readVitrineCall(self, command, config, version.said));
}

/** vitrine-bridge. */
export function* vitrineBridge(self: Process): Coroutine<number> {
  const version = { said: "1.1.0" };
  try {
    const result = yield* run(self, version);
    if (result !== undefined) yield* print(self, 1, `${JSON.stringify(result)}\n`);
    return 0;
  } catch (thrown) {
    yield* print(self, 1, `${JSON.stringify(errorObject(thrown, version.said))}\n`);
    return 1;
  }
}
