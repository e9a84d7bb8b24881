/** The CNI plugin "bridge": a veth pair from the pod into a bridge of the host, addresses by an IPAM plugin. */
import { formatIp, networkBits, parsePrefix } from "../net/ip.ts";
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
} from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import {
  type CniCall,
  CniError,
  cniCode,
  cniPlugin,
  isObject,
  type JsonObject,
} from "./cni-call.ts";
import { delegate } from "./cni-delegate.ts";
import { openPodNetns } from "./cni-loopback.ts";
import { inNetns, netnsOf, openNetns, setSysctl } from "./cni-netns.ts";
import {
  type CniIp,
  type CniResult,
  type CniRoute,
  needPrevResult,
  readResult,
  writeResult,
} from "./cni-result.ts";
import { errnoMessage } from "./errno-message.ts";

interface BridgeConfig {
  readonly bridge: string;
  readonly ipam: string;
  readonly isGateway: boolean;
  readonly isDefaultGateway: boolean;
  readonly ipMasq: boolean;
  readonly hairpin: boolean;
  readonly mtu: number | undefined;
  readonly dns: JsonObject | undefined;
}

function failed(what: string): CniError {
  return new CniError(cniCode.internal, what);
}

function readConfig({ config }: CniCall): BridgeConfig {
  const { ipam, bridge, mtu, dns } = config;
  const type = isObject(ipam) ? ipam["type"] : undefined;
  const isDefaultGateway = config["isDefaultGateway"] === true;
  const hairpin = config["hairpinMode"] === true;
  if (hairpin && config["promiscMode"] === true) {
    throw failed("cannot set hairpin mode and promiscuous mode at the same time.");
  }
  return {
    bridge: typeof bridge === "string" && bridge !== "" ? bridge : "cni0",
    ipam: typeof type === "string" ? type : "",
    isGateway: isDefaultGateway || config["isGateway"] === true,
    isDefaultGateway,
    ipMasq: config["ipMasq"] === true,
    hairpin,
    mtu: typeof mtu === "number" && mtu > 0 ? mtu : undefined,
    dns: isObject(dns) && Object.keys(dns).length > 0 ? dns : undefined,
  };
}

function withMtu(mtu: number | undefined): { readonly mtu?: number } {
  return mtu === undefined ? {} : { mtu };
}

function ensureBridge(self: Process, { bridge, mtu }: BridgeConfig): void {
  const found = linkOf(self, bridge);
  const quoted = JSON.stringify(bridge);
  if (found !== undefined && found.kind !== "bridge") {
    throw failed(`failed to create bridge ${quoted}: ${quoted} already exists but is not a bridge`);
  }
  if (found === undefined) linkAdd(self, { name: bridge, kind: "bridge", ...withMtu(mtu) });
  linkSet(self, bridge, { up: true });
}

/** Random, as ip.RandomVethName makes it. */
function hostName(self: Process): string {
  return `veth${self.machine.random().toString(16).padStart(8, "0")}`;
}

/** The pair: one end in the pod, the other in the bridge. Returns the name of the host's end. */
function connect(call: CniCall, fd: number, config: BridgeConfig): string {
  const { self, ifName } = call;
  const name = hostName(self);
  const there = inNetns(self, fd, () => linkOf(self, ifName));
  if (there !== undefined) {
    throw failed(`container veth name provided (${ifName}) already exists`);
  }
  linkAdd(self, {
    name,
    kind: "veth",
    peerName: ifName,
    peerNamespace: netnsOf(self, fd),
    ...withMtu(config.mtu),
  });
  try {
    linkSet(self, name, { master: config.bridge, up: true });
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const why = errnoMessage(thrown).toLowerCase();
    throw failed(`failed to connect ${JSON.stringify(name)} to bridge ${config.bridge}: ${why}`);
  }
  if (config.hairpin) linkSet(self, name, { hairpin: true });
  return name;
}

/** Gateway addresses, where IPAM has not said them: the first of the network. */
function withGateways(ips: readonly CniIp[], config: BridgeConfig): readonly CniIp[] {
  return ips.map((ip) => {
    if (ip.gateway !== undefined || !config.isGateway) return { ...ip, interface: 2 };
    const prefix = parsePrefix(ip.address);
    if (prefix === undefined) throw failed(`invalid CIDR address: ${ip.address}`);
    const network = networkBits(prefix.bits, prefix.length);
    const first = typeof network === "bigint" ? network + 1n : network + 1;
    return { ...ip, interface: 2, gateway: formatIp(first) };
  });
}

function prefixLengthOf(address: string): string {
  return address.slice(address.indexOf("/") + 1);
}

/** ConfigureIface of the library: addresses, up, routes by the route's gateway or the address's. */
function configurePod(
  { self, ifName }: CniCall,
  fd: number,
  ips: readonly CniIp[],
  routes: readonly CniRoute[],
): void {
  inNetns(self, fd, () => {
    linkSet(self, ifName, { up: true });
    for (const { address } of ips) addressAdd(self, ifName, address);
    for (const { dst, gw } of routes) {
      const isIpv6 = dst.includes(":");
      const gateway = gw ?? ips.find(({ address }) => address.includes(":") === isIpv6)?.gateway;
      routeAdd(self, {
        destination: dst,
        device: ifName,
        ...(gateway === undefined ? {} : { gateway }),
      });
    }
  });
}

/** The bridge gets the gateway's address, and the host forwards. */
function becomeGateway(self: Process, config: BridgeConfig, ips: readonly CniIp[]): void {
  for (const { address, gateway } of ips) {
    if (gateway === undefined) continue;
    const cidr = `${gateway}/${prefixLengthOf(address)}`;
    const has = linkOf(self, config.bridge)?.addresses.some(
      ({ ip, prefixLength }) => `${ip}/${prefixLength}` === cidr,
    );
    if (has !== true) addressAdd(self, config.bridge, cidr);
    const isIpv6 = gateway.includes(":");
    setSysctl(self, isIpv6 ? "net/ipv6/conf/all/forwarding" : "net/ipv4/ip_forward", "1");
  }
}

function masqueradeOwner({ name, containerId }: CniCall): string {
  return `bridge:${name}:${containerId}`;
}

/** SetupIPMasq: from this address to anywhere but its own network. */
function masquerade(call: CniCall, ips: readonly CniIp[]): void {
  const owner = masqueradeOwner(call);
  for (const { address } of ips) {
    const prefix = parsePrefix(address);
    if (prefix === undefined) continue;
    const network = `${formatIp(networkBits(prefix.bits, prefix.length))}/${prefix.length}`;
    const source = formatIp(prefix.bits);
    const chain = "postrouting";
    ruleAdd(call.self, {
      chain,
      owner,
      match: { source, destination: network },
      action: { kind: "accept" },
    });
    ruleAdd(call.self, {
      chain,
      owner,
      match: { source, notDestination: "224.0.0.0/4" },
      action: { kind: "masquerade" },
    });
  }
}

/** What IPAM gave, with the pod, the bridge and the host set up for it. */
function* configure(call: CniCall, fd: number, config: BridgeConfig): Coroutine<CniResult> {
  const { self } = call;
  if (config.ipam === "") {
    inNetns(self, fd, () => linkSet(self, call.ifName, { up: true }));
    return { ips: [] };
  }
  const leased = readResult(yield* delegate(call, config.ipam));
  try {
    if (leased.ips.length === 0) throw failed("IPAM plugin returned missing IP config");
    const ips = withGateways(leased.ips, config);
    const routes = [...(leased.routes ?? [])];
    if (config.isDefaultGateway) {
      for (const { gateway } of ips) {
        if (gateway !== undefined)
          routes.push({ dst: gateway.includes(":") ? "::/0" : "0.0.0.0/0", gw: gateway });
      }
    }
    if (config.isGateway) becomeGateway(self, config, ips);
    configurePod(call, fd, ips, routes);
    if (config.ipMasq) masquerade(call, ips);
    return { ips, routes, ...(leased.dns === undefined ? {} : { dns: leased.dns }) };
  } catch (thrown) {
    yield* delegateQuietly({ ...call, command: "DEL" }, config.ipam);
    throw thrown;
  }
}

/** DEL of the IPAM after a failure: the failure is what the caller must hear. */
function* delegateQuietly(call: CniCall, type: string): Coroutine<void> {
  const { self } = call;
  const { env } = self;
  self.env = [
    ...env.filter((entry) => !entry.startsWith("CNI_COMMAND=")),
    `CNI_COMMAND=${call.command}`,
  ];
  try {
    yield* delegate(call, type);
  } catch (thrown) {
    if (!(thrown instanceof CniError) && !isRefusal(thrown)) throw thrown;
  } finally {
    self.env = env;
  }
}

function* add(call: CniCall): Coroutine<JsonObject> {
  const { self, ifName, netns } = call;
  const config = readConfig(call);
  ensureBridge(self, config);
  const fd = openPodNetns(call, `failed to open netns ${JSON.stringify(netns)}: `);
  const name = connect(call, fd, config);
  const result = yield* configure(call, fd, config);
  const mac = (link: string) => linkOf(self, link)?.mac ?? "";
  const podMac = inNetns(self, fd, () => mac(ifName));
  close(self, fd);
  const interfaces = [
    { name: config.bridge, mac: mac(config.bridge) },
    { name, mac: mac(name) },
    { name: ifName, mac: podMac, sandbox: netns },
  ];
  const dns = config.dns ?? result.dns;
  return writeResult(
    { ...result, interfaces, ...(dns === undefined ? {} : { dns }) },
    call.version,
  );
}

function* del(call: CniCall): Coroutine<void> {
  const { self, netns, ifName } = call;
  const config = readConfig(call);
  if (config.ipam !== "") yield* delegate(call, config.ipam);
  if (config.ipMasq) ruleDelete(self, masqueradeOwner(call));
  if (netns === "") return;
  let fd: number;
  try {
    fd = openNetns(self, netns);
  } catch (thrown) {
    if (isRefusal(thrown)) return;
    throw thrown;
  }
  inNetns(self, fd, () => {
    if (linkOf(self, ifName) !== undefined) linkDelete(self, ifName);
  });
  close(self, fd);
}

function checkPod({ self, ifName }: CniCall, fd: number, expected: CniResult): void {
  inNetns(self, fd, () => {
    const link = linkOf(self, ifName);
    if (link === undefined) throw failed(`Interface name ${ifName} not found`);
    const mac = expected.interfaces?.find(
      ({ name, sandbox }) => name === ifName && sandbox !== "",
    )?.mac;
    if (mac !== undefined && mac !== link.mac) {
      throw failed(`Interface ${ifName} Mac ${mac} doesn't match container Mac: ${link.mac}`);
    }
    for (const { address } of expected.ips) {
      const has = link.addresses.some(
        ({ ip, prefixLength }) => `${ip}/${prefixLength}` === address,
      );
      if (!has) throw failed(`Failed to match addr ${address} on interface ${ifName}`);
    }
    const { routes } = self.namespaces.net.network;
    for (const { dst } of expected.routes ?? []) {
      if (!routes.some(({ destination }) => destination === dst)) {
        throw failed(`Expected Route ${dst} not found in routing table`);
      }
    }
  });
}

function* check(call: CniCall): Coroutine<void> {
  const { self } = call;
  const config = readConfig(call);
  if (config.ipam !== "") yield* delegate(call, config.ipam);
  const expected = needPrevResult(call.config);
  const bridge = linkOf(self, config.bridge);
  if (bridge?.kind !== "bridge") throw failed(`Interface name ${config.bridge} not found`);
  const fd = openPodNetns(call, `failed to open netns ${JSON.stringify(call.netns)}: `);
  try {
    checkPod(call, fd, expected);
  } finally {
    close(self, fd);
  }
  for (const { name, sandbox } of expected.interfaces ?? []) {
    if (sandbox !== undefined || name === config.bridge) continue;
    const host = linkOf(self, name);
    if (host === undefined) throw failed(`Interface name ${name} not found`);
    if (host.master !== bridge)
      throw failed(`Interface ${name} is not attached to ${config.bridge}`);
  }
}

/** STATUS and GC are the IPAM's. */
function* forward(call: CniCall): Coroutine<void> {
  const { ipam } = readConfig(call);
  if (ipam !== "") yield* delegate(call, ipam);
}

export const bridgePlugin = cniPlugin("bridge", { add, del, check, status: forward, gc: forward });
