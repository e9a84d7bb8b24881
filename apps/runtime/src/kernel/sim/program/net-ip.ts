/** ip: links, addresses, routes and network namespaces (ip(8)), in the words of iproute2. */
import { AT_FDCWD, MNT_DETACH, MS_BIND, O_CREAT, O_RDONLY } from "../abi.ts";
import type { NetNamespace } from "../namespace.ts";
import { isLocal } from "../net/address.ts";
import { parseIp, parsePrefix } from "../net/ip.ts";
import type { NetDevice } from "../net/network.ts";
import { findRoute, sourceFor } from "../net/route.ts";
import { isRefusal } from "../refusal.ts";
import { close, fileOf, mkdirat, openat2, unlinkat } from "../syscall/file.ts";
import { mount, umount2 } from "../syscall/mount.ts";
import { clone3, execvp, setns, unshare } from "../syscall/process.ts";
import {
  addressAdd,
  addressDelete,
  linkAdd,
  linkDelete,
  linkOf,
  linkSet,
  routeAdd,
  routeDelete,
} from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import type { AppletTable } from "./applet.ts";
import { AppletError, type Call } from "./call.ts";
import { exitCode, waitFor } from "./child-program.ts";
import { listNames } from "./directory-names.ts";
import { errnoMessage } from "./errno-message.ts";
import { addressText, linkText, routeText, type ShowOptions } from "./net-ip-show.ts";

const netnsDirectory = "/run/netns";

/** Prints a sentence as it is, without "ip: ", and ends. */
function stop(call: Call, text: string, code: number): never {
  call.say(`${text}\n`);
  throw new Stopped(code);
}

class Stopped {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

const hints: Readonly<Record<string, string>> = {
  ENETUNREACH: "Error: Nexthop has invalid gateway.",
  ENETDOWN: "Error: Device for nexthop is not up.",
};

/** A request to the kernel; what it refuses ends the program with exit code 2. */
function answered(call: Call, work: () => void, said: Readonly<Record<string, string>> = {}): void {
  try {
    work();
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    stop(call, said[thrown.errno] ?? `RTNETLINK answers: ${errnoMessage(thrown)}`, 2);
  }
}

/** Words of a command by the keyword before them; what has no keyword before it is the device. */
class Words {
  readonly #values = new Map<string, string>();
  readonly rest: string[] = [];

  constructor(call: Call, words: readonly string[], keys: readonly string[]) {
    for (let index = 0; index < words.length; index++) {
      const word = words[index] as string;
      if (!keys.includes(word)) {
        this.rest.push(word);
        continue;
      }
      const value = words[++index];
      if (value === undefined) stop(call, 'Command line is not complete. Try option "help"', 255);
      this.#values.set(word, value);
    }
  }

  get(key: string): string | undefined {
    return this.#values.get(key);
  }
}

function need(call: Call, value: string | undefined): string {
  return value ?? stop(call, 'Not enough information: "dev" argument is required.', 255);
}

function findDevice(call: Call, name: string): NetDevice {
  return linkOf(call.self, name) ?? stop(call, `Cannot find device "${name}"`, 1);
}

function checkPrefix(call: Call, text: string): void {
  if (parsePrefix(text) !== undefined) return;
  stop(call, `Error: any valid prefix is expected rather than "${text}".`, 1);
}

/** Devices to show: all, one, or the ports of a bridge. */
function selected(call: Call, words: readonly string[]): readonly NetDevice[] {
  const named = new Words(call, words, ["dev", "master", "type"]);
  const name = named.get("dev") ?? named.rest[0];
  if (name !== undefined) {
    const device = linkOf(call.self, name);
    if (device === undefined) stop(call, `Device "${name}" does not exist.`, 1);
    return [device];
  }
  const all = [...call.self.namespaces.net.network.devices.values()];
  const master = named.get("master");
  const type = named.get("type");
  return all
    .filter((device) => master === undefined || device.master?.name === master)
    .filter((device) => type === undefined || device.kind === type)
    .sort((a, b) => a.index - b.index);
}

/** The namespace of a pid, or of a name below /run/netns. */
function namespaceOf(call: Call, text: string): NetNamespace {
  const path = /^[0-9]+$/.test(text)
    ? `/proc/${text}/ns/net`
    : text.startsWith("/")
      ? text
      : `${netnsDirectory}/${text}`;
  try {
    const fd = openat2(call.self, AT_FDCWD, path, { flags: O_RDONLY });
    const { namespace } = fileOf(call.self, fd);
    close(call.self, fd);
    if (namespace?.type === "net") return namespace;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
  }
  return stop(call, `Error: argument "${text}" is wrong: Invalid "netns" value`, 255);
}

const linkKeys = [
  "dev",
  "name",
  "type",
  "peer",
  "mtu",
  "address",
  "netns",
  "master",
  "alias",
  "hairpin",
];

function linkNew(call: Call, words: readonly string[]): void {
  const at = words.indexOf("peer");
  const own = new Words(call, at < 0 ? words : words.slice(0, at), linkKeys);
  const peer = at < 0 ? undefined : new Words(call, words.slice(at + 1), linkKeys);
  const name = need(call, own.get("name") ?? own.get("dev") ?? own.rest[0]);
  const kind = own.get("type") ?? peer?.get("type");
  if (kind !== "veth" && kind !== "bridge") stop(call, "Error: Unknown device type.", 2);
  const peerName = peer?.get("name") ?? peer?.rest[0];
  const netns = peer?.get("netns");
  const mtu = own.get("mtu");
  answered(call, () =>
    linkAdd(call.self, {
      name,
      kind,
      ...(peerName === undefined ? {} : { peerName }),
      ...(netns === undefined ? {} : { peerNamespace: namespaceOf(call, netns) }),
      ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    }),
  );
}

function linkChange(call: Call, words: readonly string[]): void {
  const flags = words.filter((word) => ["up", "down", "nomaster"].includes(word));
  const named = new Words(
    call,
    words.filter((word) => !flags.includes(word)),
    linkKeys,
  );
  const device = need(call, named.get("dev") ?? named.rest[0]);
  findDevice(call, device);
  const [name, master, mtu, mac] = ["name", "master", "mtu", "address"].map((key) =>
    named.get(key),
  );
  const [netns, alias, hairpin] = ["netns", "alias", "hairpin"].map((key) => named.get(key));
  if (master !== undefined) findDevice(call, master);
  if (name !== undefined && /[/:\s]/.test(name)) {
    stop(call, `Error: argument "${name}" is wrong: "name" not a valid ifname`, 255);
  }
  answered(
    call,
    () =>
      linkSet(call.self, device, {
        ...(name === undefined ? {} : { name }),
        ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
        ...(mac === undefined ? {} : { mac }),
        ...(alias === undefined ? {} : { alias }),
        ...(master === undefined ? {} : { master }),
        ...(flags.includes("nomaster") ? { master: undefined } : {}),
        ...(hairpin === undefined ? {} : { hairpin: hairpin === "on" }),
        ...(netns === undefined ? {} : { namespace: namespaceOf(call, netns) }),
        ...(flags.includes("up") ? { up: true } : {}),
        ...(flags.includes("down") ? { up: false } : {}),
      }),
    { ELOOP: "Error: Can not enslave a bridge to a bridge." },
  );
}

function link(call: Call, words: readonly string[], options: ShowOptions): void {
  const [verb = "show", ...rest] = words;
  if (verb === "add") linkNew(call, rest);
  else if (verb === "set") linkChange(call, rest);
  else if (verb === "del" || verb === "delete") {
    const named = new Words(call, rest, ["dev", "type"]);
    const name = need(call, named.get("dev") ?? named.rest[0]);
    findDevice(call, name);
    answered(call, () => linkDelete(call.self, name));
  } else if (verb === "show" || verb === "list" || verb === "ls") {
    call.print(linkText(selected(call, rest), options));
  } else stop(call, `Command "${verb}" is unknown, try "ip link help".`, 255);
}

function address(call: Call, words: readonly string[], options: ShowOptions): void {
  const [verb = "show", ...rest] = words;
  if (verb === "show" || verb === "list" || verb === "ls") {
    call.print(addressText(selected(call, rest), options));
    return;
  }
  const named = new Words(call, rest, ["dev", "brd", "broadcast", "scope", "label"]);
  if (verb === "flush") {
    const device = findDevice(call, need(call, named.get("dev") ?? named.rest[0]));
    for (const { ip, prefixLength } of [...device.addresses]) {
      answered(call, () => addressDelete(call.self, device.name, `${ip}/${prefixLength}`));
    }
    return;
  }
  if (verb !== "add" && verb !== "del" && verb !== "delete") {
    stop(call, `Command "${verb}" is unknown, try "ip address help".`, 255);
  }
  const cidr = named.rest[0] ?? "";
  const name = need(call, named.get("dev"));
  checkPrefix(call, cidr);
  findDevice(call, name);
  if (verb === "add") {
    answered(call, () => addressAdd(call.self, name, cidr), {
      EEXIST: "Error: ipv4: Address already assigned.",
    });
    return;
  }
  answered(call, () => addressDelete(call.self, name, cidr), {
    EADDRNOTAVAIL: "Error: ipv4: Address not found.",
  });
}

function routeGet(call: Call, text: string): void {
  const bits = parseIp(text);
  if (bits === undefined) {
    stop(call, `Error: any valid address is expected rather than "${text}".`, 1);
  }
  const { network } = call.self.namespaces.net;
  if (isLocal(call.machine, network, bits, text)) {
    call.print(`local ${text} dev lo src ${text} uid 0 \n    cache <local> \n`);
    return;
  }
  const route = findRoute(network, bits);
  if (route === undefined) stop(call, "RTNETLINK answers: Network is unreachable", 2);
  const via = route.gateway === undefined ? "" : `via ${route.gateway} `;
  const source = sourceFor(route, network);
  call.print(
    `${text} ${via}dev ${route.device.name} src ${source ?? "0.0.0.0"} uid 0 \n    cache \n`,
  );
}

function route(call: Call, words: readonly string[], options: ShowOptions): void {
  const [verb = "show", ...rest] = words;
  if (verb === "show" || verb === "list" || verb === "ls") {
    call.print(routeText(call.self.namespaces.net.network, options));
    return;
  }
  if (verb === "get") {
    routeGet(call, rest[0] ?? "");
    return;
  }
  const isNew = verb === "add" || verb === "replace" || verb === "append";
  if (!isNew && verb !== "del" && verb !== "delete") {
    stop(call, `Command "${verb}" is unknown, try "ip route help".`, 255);
  }
  const named = new Words(call, rest, ["via", "dev", "src", "metric", "proto", "scope"]);
  const destination = named.rest[0] ?? "default";
  if (destination !== "default") checkPrefix(call, destination);
  const [gateway, device, source, metric] = ["via", "dev", "src", "metric"].map((key) =>
    named.get(key),
  );
  if (device !== undefined) findDevice(call, device);
  const which = {
    destination,
    ...(gateway === undefined ? {} : { gateway }),
    ...(device === undefined ? {} : { device }),
  };
  if (!isNew) {
    answered(call, () => routeDelete(call.self, which));
    return;
  }
  const more = {
    ...(source === undefined ? {} : { source }),
    ...(metric === undefined ? {} : { metric: Number(metric) }),
    replace: verb === "replace",
  };
  answered(call, () => routeAdd(call.self, { ...which, ...more }), {
    ...hints,
    EINVAL: "Error: Invalid prefix for given prefix length.",
  });
}

/** A name below /run/netns with a new namespace bound to it, as ip-netns(8) does it. */
function netnsAdd(call: Call, name: string): void {
  const { self } = call;
  const path = `${netnsDirectory}/${name}`;
  try {
    mkdirat(self, AT_FDCWD, netnsDirectory, 0o755);
  } catch (thrown) {
    if (!isRefusal(thrown, "EEXIST")) throw thrown;
  }
  try {
    close(self, openat2(self, AT_FDCWD, path, { flags: O_CREAT | 0o200, mode: 0 }));
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    stop(call, `Cannot create namespace file "${path}": ${errnoMessage(thrown)}`, 1);
  }
  unshare(self, ["net"]);
  mount(self, "/proc/self/ns/net", path, "none", MS_BIND, "");
}

function* netnsExec(call: Call, name: string, argv: readonly string[]): Coroutine<number> {
  const { self } = call;
  const [program] = argv;
  if (program === undefined) stop(call, "No command specified", 255);
  let fd: number;
  try {
    fd = openat2(self, AT_FDCWD, `${netnsDirectory}/${name}`, { flags: O_RDONLY });
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    stop(call, `Cannot open network namespace "${name}": ${errnoMessage(thrown)}`, 255);
  }
  const child = clone3(self, {
    namespaces: [],
    body: function* (own) {
      setns(own, fd, ["net"]);
      try {
        return execvp(own, program, argv, own.env);
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        const inner = call.inChild(own);
        inner.say(`exec of "${program}" failed: ${errnoMessage(thrown)}\n`);
        yield* inner.flush();
        return 255;
      }
    },
  });
  return exitCode(yield* waitFor(self, child));
}

function* netns(call: Call, words: readonly string[]): Coroutine<number> {
  const [verb = "list", name, ...rest] = words;
  if (verb === "list" || verb === "show" || verb === "ls") {
    let names: readonly string[] = [];
    try {
      names = listNames(call.self, netnsDirectory);
    } catch (thrown) {
      if (!isRefusal(thrown, "ENOENT")) throw thrown;
    }
    call.print(names.map((one) => `${one}\n`).join(""));
    return 0;
  }
  if (name === undefined) stop(call, "No netns name specified", 255);
  if (verb === "exec") return yield* netnsExec(call, name, rest);
  if (verb === "add") {
    netnsAdd(call, name);
    return 0;
  }
  if (verb !== "del" && verb !== "delete") {
    stop(call, `Command "${verb}" is unknown, try "ip netns help".`, 255);
  }
  const path = `${netnsDirectory}/${name}`;
  try {
    umount2(call.self, path, MNT_DETACH);
  } catch (thrown) {
    if (!isRefusal(thrown, "EINVAL", "ENOENT")) throw thrown;
  }
  try {
    unlinkat(call.self, AT_FDCWD, path);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    stop(call, `Cannot remove namespace file "${path}": ${errnoMessage(thrown)}`, 1);
  }
  return 0;
}

const objects = ["link", "address", "addr", "route", "netns"];

function* run(call: Call): Coroutine<number> {
  const words = [...call.args];
  const options = { brief: false, family: undefined as ShowOptions["family"] };
  while (words[0]?.startsWith("-") === true) {
    const word = words.shift();
    if (word === "-br" || word === "-brief") options.brief = true;
    else if (word === "-4") options.family = "inet";
    else if (word === "-6") options.family = "inet6";
    else if (word !== "-d" && word !== "-o" && word !== "-s" && word !== "-details") {
      stop(call, `Option "${word}" is unknown, try "ip -help".`, 255);
    }
  }
  const [given = "", ...rest] = words;
  const object = given === "" ? undefined : objects.find((one) => one.startsWith(given));
  if (object === "link") link(call, rest, options);
  else if (object === "route") route(call, rest, options);
  else if (object === "netns") return yield* netns(call, rest);
  else if (object !== undefined) address(call, rest, options);
  else if (given === "")
    throw new AppletError("usage: ip [-br] [-4|-6] link|addr|route|netns ...", 255);
  else stop(call, `Object "${given}" is unknown, try "ip help".`, 1);
  return 0;
}

function* ip(call: Call): Coroutine<number> {
  try {
    return yield* run(call);
  } catch (thrown) {
    if (thrown instanceof Stopped) return thrown.code;
    throw thrown;
  }
}

export const ipApplets: AppletTable = { ip };
