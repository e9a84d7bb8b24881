import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { afterAll, afterEach, expect, test } from "vitest";
import { NetworkBed, stockPlugins } from "../../../../../test/harness/network-bed.ts";
import type { PortMapping } from "../../api/index.ts";

let bed: NetworkBed | undefined;

function nft(...args: readonly string[]): string {
  return spawnSync("nft", args, { encoding: "utf8" }).stdout;
}

const hadNat = nft("list", "tables").includes("table ip nat");

/** portmap leaves its chains for the next pod; here nobody else may be surprised by them. */
afterAll(() => {
  const hostPorts = nft("list", "chain", "ip", "nat", "CNI-HOSTPORT-DNAT");
  if (hadNat || hostPorts.includes("dport")) return;
  for (const family of ["ip", "ip6"]) nft("delete", "table", family, "nat");
});

afterEach(async () => {
  await bed?.end();
  bed = undefined;
});

const noStock = !existsSync(`${stockPlugins}/portmap`);

/** The chain that Debian's plugins make on most nodes. */
function stockChain(on: NetworkBed): object {
  return {
    cniVersion: "1.0.0",
    name: `stock-${on.bridge}`,
    plugins: [
      {
        type: "bridge",
        bridge: on.bridge,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir: on.path("host-local"),
          ranges: [[{ subnet: `10.232.${on.octet}.0/24` }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

function mapping(hostPort: number, containerPort: number): PortMapping {
  return { protocol: "TCP", hostPort, containerPort, hostIp: "" };
}

/** Rules of iptables that name this address. */
function rulesFor(address: string): readonly string[] {
  const { stdout } = spawnSync("iptables-save", { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes(address));
}

function hostAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(
      ({ family, internal, address }) => family === "IPv4" && !internal && !/^10\.23/.test(address),
    );
  return found?.address ?? "127.0.0.1";
}

test.skipIf(noStock)(
  "bridge, host-local and portmap: two pods, a host port, leases freed",
  async () => {
    bed = new NetworkBed(31);
    bed.config("10-stock.conflist", stockChain(bed));
    const { network, context } = bed;
    expect(await network.status(context)).toEqual({ status: true, reason: "", message: "" });
    const [a, b] = [
      await bed.pod("a", { portMappings: [mapping(18031, 8080), mapping(0, 9090)] }),
      await bed.pod("b"),
    ];
    const [first, second] = [await network.attach(context, a), await network.attach(context, b)];
    expect([first.ips, second.ips]).toEqual([["10.232.31.2"], ["10.232.31.3"]]);
    expect(first.result.cniVersion).toBe("1.0.0");
    await bed.serve(a, 8080, "from a");
    expect(bed.fetch(b, "10.232.31.2:8080").text).toBe("from a");
    for (const address of ["127.0.0.1", hostAddress()]) {
      const page = await fetch(`http://${address}:18031/`, { signal: AbortSignal.timeout(5000) });
      expect(await page.text()).toBe("from a");
    }
    // Not of a: portmap 1.1 looks for the IPv6 rules of a mapping that has only IPv4 ones.
    await network.check(context, b);
    expect(rulesFor("10.232.31.2").length).toBeGreaterThan(0);

    const calls = bed.tracer.spans
      .filter((span) => span.step === "cni.plugin")
      .map(
        ({ attributes }) =>
          `${attributes["vitrine.cni.command"]} ${attributes["vitrine.cni.plugin"]}`,
      );
    expect(calls.slice(0, 4)).toEqual(["ADD bridge", "ADD portmap", "ADD bridge", "ADD portmap"]);
    await network.detach(context, a);
    await network.detach(context, b);
    expect(rulesFor("10.232.31.")).toEqual([]);
    const leases = bed.list("host-local", "stock-vtn31").filter((name) => name.startsWith("10."));
    expect(leases).toEqual([]);
    expect(bed.list("results")).toEqual([]);
  },
);

test.skipIf(noStock)(
  "a host port on the project's own bridge is mapped by the stock plugin behind it",
  async () => {
    bed = new NetworkBed(32);
    const { network, context } = bed;
    const a = await bed.pod("a", { portMappings: [mapping(18032, 8080)] });
    await network.attach(context, a);
    await bed.serve(a, 8080, "mapped");
    const page = await fetch("http://127.0.0.1:18032/", { signal: AbortSignal.timeout(5000) });
    expect(await page.text()).toBe("mapped");
    await network.detach(context, a);
    expect(rulesFor("10.232.32.")).toEqual([]);
  },
);

test("a host port that nobody would map is said, and nothing is left", async () => {
  bed = new NetworkBed(33, { binDirs: ["/nowhere"] });
  const { network, context } = bed;
  const a = await bed.pod("a", { portMappings: [mapping(18033, 8080)] });
  await expect(network.attach(context, a)).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: expect.stringMatching(/maps host ports.*18033.*install portmap/),
  });
  expect(bed.list("results")).toEqual([]);
});

test.skipIf(noStock)("the loopback plugin instead of our own linkUp, when configured", async () => {
  bed = new NetworkBed(34, { internalLoopback: false });
  const { network, context } = bed;
  const a = await bed.pod("a");
  expect(bed.inside(a, "ip", "-o", "link", "show", "lo")).toContain("state DOWN");
  await network.attach(context, a);
  expect(bed.inside(a, "ip", "-o", "addr", "show", "lo")).toContain("127.0.0.1/8");
  expect(bed.list("results").map((name) => name.replace(/-[0-9a-f]{64}-/, "-ID-"))).toEqual([
    "cni-loopback-ID-lo",
    "vitrine-ID-eth0",
  ]);
  await network.detach(context, a);
  expect(bed.list("results")).toEqual([]);
});

test.skipIf(noStock)(
  "a failing plugin at the end of the chain takes the whole chain back",
  async () => {
    bed = new NetworkBed(35);
    const chain = stockChain(bed) as { plugins: object[] };
    bed.script("last", 'test $CNI_COMMAND = DEL || { echo "no luck today" >&2; exit 3; }');
    bed.config("10.conflist", { ...chain, plugins: [...chain.plugins, { type: "last" }] });
    const { network, context } = bed;
    const a = await bed.pod("a", { portMappings: [mapping(18035, 8080)] });
    await expect(network.attach(context, a)).rejects.toThrow(
      /plugin last of network stock-vtn35 failed with exit code 3: no luck today/,
    );
    expect(bed.calls("last")).toEqual(["ADD", "DEL"]);
    expect(bed.list("host-local", "stock-vtn35").filter((name) => name.startsWith("10."))).toEqual(
      [],
    );
    expect(rulesFor("10.232.35.")).toEqual([]);
    expect(bed.inside(a, "ip", "-o", "link")).not.toContain("eth0");
  },
);
