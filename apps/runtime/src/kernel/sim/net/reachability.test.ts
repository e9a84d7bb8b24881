import { beforeEach, describe, expect, test } from "vitest";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import type { Refusal } from "../refusal.ts";
import { read, write } from "../syscall/file.ts";
import { exitProcess } from "../syscall/process.ts";
import {
  accept,
  addressAdd,
  addressDelete,
  bind,
  connect,
  linkAdd,
  linkDelete,
  linkSet,
  listen,
  ping,
  routeAdd,
  ruleAdd,
  ruleDelete,
  socket,
} from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { bootSmall, hostProcess, joinBridge, play, podProcess } from "./fixture/small-net.ts";
import { releaseIfUnused } from "./network-namespace.ts";
import { reachFromOutside } from "./reach.ts";

let machine: Machine;
let host: Process;

beforeEach(() => {
  machine = bootSmall();
  host = hostProcess(machine);
});

function serve(process: Process, port: number, ip = "0.0.0.0"): number {
  const fd = socket(process, "tcp");
  bind(process, fd, ip, port);
  listen(process, fd);
  return fd;
}

/** "OK" or an errno, and the seconds it took. */
function dial(process: Process, ip: string, port: number): [string, number] {
  const start = machine.scheduler.nowNs;
  const fd = socket(process, "tcp");
  const result = play(machine, connect(process, fd, ip, port));
  const seconds = Math.floor(Number(machine.scheduler.nowNs - start) / 1e9);
  return [typeof result === "string" ? result : "OK", seconds];
}

function echo(process: Process, ip: string): string {
  const result = play(machine, ping(process, ip, 1_000_000_000n));
  return typeof result === "string" ? result : "OK";
}

/** Two pods at a bridge that is their gateway. */
function twoPods(): [Process, Process] {
  linkAdd(host, { name: "br0", kind: "bridge" });
  linkSet(host, "br0", { up: true });
  addressAdd(host, "br0", "10.88.0.1/16");
  const pods: [Process, Process] = [podProcess(machine, "a"), podProcess(machine, "b")];
  for (const [index, pod] of pods.entries()) {
    joinBridge(host, pod, {
      bridge: "br0",
      name: `veth${index}`,
      cidr: `10.88.0.${index + 2}/16`,
      gateway: "10.88.0.1",
    });
  }
  return pods;
}

describe("one namespace", () => {
  test("lo is down at birth, and without addresses there is no route", () => {
    const pod = podProcess(machine);
    linkSet(pod, "lo", { up: false });
    expect(dial(pod, "10.1.2.3", 80)).toEqual(["ENETUNREACH", 0]);
    expect(dial(pod, "127.0.0.1", 80)[0]).toBe("ETIMEDOUT");
    linkSet(pod, "lo", { up: true });
    expect(dial(pod, "127.0.0.1", 80)).toEqual(["ECONNREFUSED", 0]);
    serve(pod, 80);
    expect(dial(pod, "127.0.0.1", 80)).toEqual(["OK", 0]);
    expect(dial(pod, "127.9.9.9", 80)).toEqual(["OK", 0]);
    expect(dial(pod, "0.0.0.0", 80)).toEqual(["OK", 0]);
  });

  test("127.0.0.1 of one namespace is not that of another", () => {
    serve(host, 80);
    expect(dial(podProcess(machine), "127.0.0.1", 80)[0]).toBe("ECONNREFUSED");
  });

  test("nobody answers at the link: EHOSTUNREACH after three seconds", () => {
    const pod = podProcess(machine);
    linkAdd(pod, { name: "va", kind: "veth", peerName: "vb" });
    linkSet(pod, "va", { up: true });
    addressAdd(pod, "va", "10.5.0.1/24");
    expect(dial(pod, "10.5.0.1", 80)).toEqual(["ECONNREFUSED", 0]);
    expect(dial(pod, "10.5.0.2", 80)).toEqual(["EHOSTUNREACH", 3]);
    linkSet(pod, "va", { up: false });
    expect(dial(pod, "10.5.0.2", 80)).toEqual(["ENETUNREACH", 0]);
  });

  test("ports: taken, not mine, privileged", () => {
    serve(host, 80, "127.0.0.1");
    const refusalOf = (work: () => void) => {
      try {
        work();
        return undefined;
      } catch (thrown) {
        return (thrown as Refusal).errno;
      }
    };
    const errno = (ip: string, port: number) =>
      refusalOf(() => bind(host, socket(host, "tcp"), ip, port));
    expect(errno("127.0.0.1", 80)).toBe("EADDRINUSE");
    expect(errno("0.0.0.0", 80)).toBe("EADDRINUSE");
    expect(errno("192.0.2.10", 80)).toBeUndefined();
    expect(errno("9.9.9.9", 81)).toBe("EADDRNOTAVAIL");
    host.credentials = { ...host.credentials, effective: 0n };
    expect(errno("127.0.0.1", 81)).toBe("EACCES");
    expect(errno("127.0.0.1", 8081)).toBeUndefined();
    expect(refusalOf(() => socket(host, "raw"))).toBe("EPERM");
    expect(echo(host, "127.0.0.1")).toBe("EPERM");
    host.namespaces.net.network.sysctls.set("net.ipv4.ping_group_range", "0\t100");
    expect(echo(host, "127.0.0.1")).toBe("OK");
  });
});

describe("a bridge", () => {
  test("joins pods; what is taken away breaks it, what is put back mends it", () => {
    const [a, b] = twoPods();
    serve(b, 80);
    expect(echo(a, "10.88.0.3")).toBe("OK");
    expect(echo(a, "10.88.0.1")).toBe("OK");
    expect(dial(a, "10.88.0.3", 80)).toEqual(["OK", 0]);
    expect(dial(host, "10.88.0.3", 80)).toEqual(["OK", 0]);
    expect(dial(a, "10.88.0.9", 80)).toEqual(["EHOSTUNREACH", 3]);
    const breaks: [() => void, () => void][] = [
      [() => linkSet(b, "eth0", { up: false }), () => linkSet(b, "eth0", { up: true })],
      [
        () => linkSet(host, "veth1", { master: undefined }),
        () => linkSet(host, "veth1", { master: "br0" }),
      ],
      [() => linkSet(host, "veth1", { up: false }), () => linkSet(host, "veth1", { up: true })],
      [() => addressDelete(b, "eth0", "10.88.0.3/16"), () => addressAdd(b, "eth0", "10.88.0.3/16")],
    ];
    for (const [broken, mended] of breaks) {
      broken();
      expect(dial(a, "10.88.0.3", 80)[0]).toBe("EHOSTUNREACH");
      mended();
      expect(dial(a, "10.88.0.3", 80)[0]).toBe("OK");
    }
    linkSet(host, "br0", { up: false });
    expect(echo(a, "10.88.0.3")).toBe("ETIMEDOUT");
  });

  test("routes on only when it forwards, and the world outside answers only what is masqueraded", () => {
    const [a] = twoPods();
    expect(echo(host, "203.0.113.80")).toBe("OK");
    expect(echo(a, "203.0.113.80")).toBe("ETIMEDOUT");
    host.namespaces.net.network.sysctls.set("net.ipv4.ip_forward", "1");
    expect(echo(a, "203.0.113.80")).toBe("ETIMEDOUT");
    const source = "10.88.0.0/16";
    ruleAdd(host, {
      chain: "postrouting",
      owner: "t",
      match: { source, notDestination: source },
      action: { kind: "masquerade" },
    });
    expect(echo(a, "203.0.113.80")).toBe("OK");
    expect(dial(a, "203.0.113.80", 80)).toEqual(["OK", 0]);
    expect(dial(a, "203.0.113.80", 81)).toEqual(["ECONNREFUSED", 0]);
    expect(dial(a, "203.0.113.99", 80)).toEqual(["ETIMEDOUT", 131]);
    expect(dial(a, "192.0.2.99", 80)).toEqual(["EHOSTUNREACH", 3]);
    ruleDelete(host, "t");
    expect(echo(a, "203.0.113.80")).toBe("ETIMEDOUT");
  });

  test("a port of the host leads to a pod, from outside, from the host and from the pod itself", () => {
    const [a, b] = twoPods();
    serve(a, 80);
    const { sysctls } = host.namespaces.net.network;
    sysctls.set("net.ipv4.ip_forward", "1");
    const dnat = { kind: "dnat", ip: "10.88.0.2", port: 80 } as const;
    const match = { protocol: "tcp", destinationPort: 8080, destinationLocal: true } as const;
    ruleAdd(host, { chain: "prerouting", owner: "p", match, action: dnat });
    const outside = () =>
      reachFromOutside(machine, {
        protocol: "tcp",
        source: "203.0.113.80",
        sourcePort: 4000,
        destination: "192.0.2.10",
        destinationPort: 8080,
      }).kind;
    expect(outside()).toBe("reached");
    expect(dial(b, "192.0.2.10", 8080)[0]).toBe("ETIMEDOUT");
    expect(dial(host, "192.0.2.10", 8080)[0]).toBe("ECONNREFUSED");
    ruleAdd(host, { chain: "output", owner: "p", match, action: dnat });
    expect(dial(host, "192.0.2.10", 8080)[0]).toBe("OK");
    expect(dial(host, "127.0.0.1", 8080)[0]).toBe("ETIMEDOUT");
    const back = { destination: "10.88.0.2/32", protocol: "tcp", destinationPort: 80 } as const;
    const masquerade = { kind: "masquerade" } as const;
    for (const source of ["127.0.0.1/32", "10.88.0.0/16"])
      ruleAdd(host, {
        chain: "postrouting",
        owner: "p",
        match: { ...back, source },
        action: masquerade,
      });
    sysctls.set("net.ipv4.conf.br0.route_localnet", "1");
    expect(dial(host, "127.0.0.1", 8080)[0]).toBe("OK");
    expect(dial(b, "192.0.2.10", 8080)[0]).toBe("OK");
    expect(dial(a, "10.88.0.1", 8080)[0]).toBe("OK");
    ruleDelete(host, "p");
    expect(outside()).toBe("reached");
    expect(dial(host, "192.0.2.10", 8080)[0]).toBe("ECONNREFUSED");
  });

  test("drop rules lose packets, in any chain", () => {
    const [a, b] = twoPods();
    serve(b, 80);
    const drop = { kind: "drop" } as const;
    ruleAdd(b, {
      chain: "input",
      owner: "d",
      match: { destinationPort: 80, protocol: "tcp" },
      action: drop,
    });
    expect(dial(a, "10.88.0.3", 80)).toEqual(["ETIMEDOUT", 131]);
    expect(echo(a, "10.88.0.3")).toBe("OK");
    ruleDelete(b, "d");
    ruleAdd(a, { chain: "output", owner: "d", match: { protocol: "icmp" }, action: drop });
    expect(echo(a, "10.88.0.3")).toBe("ETIMEDOUT");
    expect(dial(a, "10.88.0.3", 80)[0]).toBe("OK");
  });
});

describe("links", () => {
  test("one end of a pair does not live without the other", () => {
    const [a] = twoPods();
    linkDelete(host, "veth0");
    expect([...a.namespaces.net.network.devices.keys()]).toEqual(["lo"]);
    expect(a.namespaces.net.network.routes).toEqual([]);
    expect(echo(a, "10.88.0.1")).toBe("ENETUNREACH");
    expect(host.namespaces.net.network.devices.get("br0")?.ports?.size).toBe(1);
  });

  test("a namespace that nobody holds takes its ends along", () => {
    const [a] = twoPods();
    const { net } = a.namespaces;
    releaseIfUnused(machine, net);
    expect(net.network.devices.has("eth0")).toBe(true);
    exitProcess(a, { kind: "exited", code: 0 });
    expect(host.namespaces.net.network.devices.has("veth0")).toBe(false);
    expect([...machine.devices].filter(({ kind }) => kind === "veth")).toHaveLength(2);
  });

  const refusals: [string, (host: Process) => void][] = [
    ["EEXIST", (p) => void linkAdd(p, { name: "lo", kind: "bridge" })],
    ["EINVAL", (p) => void linkAdd(p, { name: "a/b", kind: "bridge" })],
    ["EINVAL", (p) => void linkAdd(p, { name: "sixteen-letters-", kind: "bridge" })],
    ["EOPNOTSUPP", (p) => linkDelete(p, "lo")],
    ["EOPNOTSUPP", (p) => linkDelete(p, "eth0")],
    ["ENODEV", (p) => linkDelete(p, "nope")],
    ["EINVAL", (p) => linkSet(p, "lo", { master: "br1" })],
    ["ELOOP", (p) => linkSet(p, "br1", { master: "br1" })],
    ["EOPNOTSUPP", (p) => linkSet(p, "br1", { master: "lo" })],
    ["EEXIST", (p) => linkSet(p, "br1", { name: "lo" })],
    ["EINVAL", (p) => linkSet(p, "br1", { hairpin: true })],
    ["EINVAL", (p) => addressAdd(p, "br1", "10.1.1.1/33")],
    ["EEXIST", (p) => addressAdd(p, "lo", "127.0.0.1/8")],
    ["EADDRNOTAVAIL", (p) => addressDelete(p, "br1", "10.1.1.1/24")],
    ["EINVAL", (p) => routeAdd(p, { destination: "1.2.3.4/24", device: "eth0" })],
    [
      "ENETUNREACH",
      (p) => routeAdd(p, { destination: "10.0.0.0/8", gateway: "10.1.1.1", device: "eth0" }),
    ],
    ["ENETDOWN", (p) => routeAdd(p, { destination: "10.0.0.0/8", device: "br1" })],
    ["EEXIST", (p) => routeAdd(p, { destination: "default", gateway: "192.0.2.1" })],
  ];
  test.each(refusals)("%s", (errno, work) => {
    linkAdd(host, { name: "br1", kind: "bridge" });
    expect(() => work(host)).toThrow(expect.objectContaining({ errno }));
  });

  test("all of it needs CAP_NET_ADMIN", () => {
    host.credentials = { ...host.credentials, effective: 0n };
    expect(() => linkAdd(host, { name: "br1", kind: "bridge" })).toThrow(
      expect.objectContaining({ errno: "EPERM" }),
    );
  });
});

describe("tcp", () => {
  function* text(process: Process, fd: number): Coroutine<string> {
    return new TextDecoder().decode(yield* read(process, fd, 100));
  }

  test("bytes come through, end of file after close, reset when bytes were left unread", () => {
    const server = serve(host, 80);
    const client = hostProcess(machine, "client");
    const bytes = new TextEncoder().encode("hello");
    const script = function* (unread: boolean): Coroutine<string[]> {
      const fd = socket(client, "tcp");
      yield* connect(client, fd, "127.0.0.1", 80);
      const accepted = yield* accept(host, server);
      yield* write(client, fd, bytes);
      const said = unread ? "" : yield* text(host, accepted.fd);
      host.fds.get(accepted.fd)?.stream?.close();
      return [accepted.ip, said, yield* text(client, fd)];
    };
    expect(play(machine, script(false))).toEqual(["127.0.0.1", "hello", ""]);
    expect(play(machine, script(true))).toBe("ECONNRESET");
  });

  test("a full backlog drops the call until somebody accepts", () => {
    const fd = socket(host, "tcp");
    bind(host, fd, "0.0.0.0", 80);
    listen(host, fd, 0);
    expect(dial(host, "127.0.0.1", 80)[0]).toBe("OK");
    expect(dial(host, "127.0.0.1", 80)[0]).toBe("ETIMEDOUT");
  });
});
