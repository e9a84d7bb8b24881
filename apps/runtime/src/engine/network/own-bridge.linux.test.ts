import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { NetworkBed } from "../../../../../test/harness/network-bed.ts";
import { leftBehind, residue } from "../../../../../test/harness/residue.ts";

let bed: NetworkBed | undefined;

afterEach(async () => {
  await bed?.end();
  bed = undefined;
});

function isLink(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}

function hasRuleset(bridge: string): boolean {
  return spawnSync("nft", ["list", "table", "ip", `vitrine-${bridge}`]).status === 0;
}

test("without any configuration pods are on the project's own bridge, and nothing of it stays", async () => {
  const before = residue();
  bed = new NetworkBed(11);
  const { network, context } = bed;
  expect(await network.status()).toEqual({ status: true, reason: "", message: "" });
  const [a, b] = [await bed.pod("a"), await bed.pod("b")];
  const [first, second] = [await network.attach(context, a), await network.attach(context, b)];
  expect([first.ips, second.ips]).toEqual([["10.232.11.2"], ["10.232.11.3"]]);
  expect(hasRuleset(bed.bridge)).toBe(true);
  expect(bed.list("leases", "vitrine")).toEqual(["10.232.11.2", "10.232.11.3", "last", "lock"]);

  await bed.serve(a, 8080, "from a");
  expect(bed.fetch(b, "10.232.11.2:8080").text).toBe("from a");
  await network.check(context, a);

  await network.detach(context, a);
  await network.detach(context, b);
  await network.detach(context, b);
  expect(bed.list("leases")).toEqual([]);
  expect(bed.list("results")).toEqual([]);
  expect(hasRuleset(bed.bridge)).toBe(false);
  expect(isLink(bed.bridge)).toBe(false);
  for (const pod of [a, b]) await network.removeNamespace(context, pod.netnsPath);
  const links = [first, second].flatMap(({ result }) => result.interfaces ?? []);
  await bed.end();
  // The veth pair of a pod that is not the last is deleted in the background.
  const left = () => links.filter(({ name, sandbox }) => !sandbox && isLink(name ?? ""));
  await expect.poll(left).toEqual([]);
  const ours = new RegExp(`${bed.bridge}|${bed.directory}`);
  expect(leftBehind(before, residue()).filter((line) => ours.test(line))).toEqual([]);
  bed = undefined;
});

test("the first packet of a pod passes: nobody waits for ARP to be sent again", async () => {
  bed = new NetworkBed(12);
  const { network, context } = bed;
  await bed.serve(undefined, 18012, "from the host");
  for (const name of ["a", "b", "c"]) {
    const pod = await bed.pod(name);
    await network.attach(context, pod);
    const { text, ms } = bed.fetch(pod, "10.232.12.1:18012");
    expect(text).toBe("from the host");
    expect(ms).toBeLessThan(900);
  }
});

test("addresses are given back, rest before they are used again, and an attachment twice is the same", async () => {
  bed = new NetworkBed(13);
  const { network, context } = bed;
  const a = await bed.pod("a");
  const b = await bed.pod("b");
  await network.attach(context, b);
  expect((await network.attach(context, a)).ips).toEqual(["10.232.13.3"]);
  await network.detach(context, a);
  expect((await network.attach(context, a)).ips).toEqual(["10.232.13.4"]);
  // A daemon that lost its memory between intent and answer attaches again.
  expect((await bed.restarted().attach(context, a)).ips).toEqual(["10.232.13.4"]);
  expect(bed.list("leases", "vitrine").filter((name) => name.startsWith("10."))).toHaveLength(2);
});

test("a pool without a free address says so, and a pod that goes makes room", async () => {
  bed = new NetworkBed(14, {});
  const builtin = { ...(bed.options.builtin as object), subnet: "10.232.14.0/30" };
  const small = new NetworkBed(15, { builtin: builtin as never });
  try {
    const [a, b] = [await small.pod("a"), await small.pod("b")];
    expect((await small.network.attach(small.context, a)).ips).toEqual(["10.232.14.2"]);
    await expect(small.network.attach(small.context, b)).rejects.toThrow(
      /vitrine-bridge.*all 1 addresses of network vitrine are taken \(code 101\)/,
    );
    expect(small.inside(b, "ip", "-o", "link")).not.toContain("eth0");
    await small.network.detach(small.context, a);
    expect((await small.network.attach(small.context, b)).ips).toEqual(["10.232.14.2"]);
  } finally {
    await small.end();
  }
});

test("a namespace that is gone is no hindrance to DEL", async () => {
  bed = new NetworkBed(16);
  const { network, context } = bed;
  const a = await bed.pod("a");
  await network.attach(context, a);
  await network.removeNamespace(context, a.netnsPath);
  await network.detach(context, a);
  expect(bed.list("leases")).toEqual([]);
  expect(isLink(bed.bridge)).toBe(false);
});

test("many at once get addresses of their own", async () => {
  bed = new NetworkBed(17);
  const { network, context } = bed;
  const made = bed;
  const pods = await Promise.all(Array.from({ length: 8 }, (_, i) => made.pod(`p${i}`)));
  const attached = await Promise.all(pods.map((pod) => network.attach(context, pod)));
  expect(new Set(attached.map(({ ips }) => ips[0])).size).toBe(8);
  await Promise.all(pods.map((pod) => network.detach(context, pod)));
  expect(bed.list("leases")).toEqual([]);
  expect(isLink(bed.bridge)).toBe(false);
});

test("CHECK notices what is missing", async () => {
  bed = new NetworkBed(18);
  const { network, context } = bed;
  const a = await bed.pod("a");
  await network.attach(context, a);
  await network.check(context, a);
  bed.inside(a, "ip", "route", "del", "default");
  await expect(network.check(context, a)).rejects.toThrow("the pod has lost its default route");
  bed.inside(a, "ip", "addr", "flush", "dev", "eth0");
  await expect(network.check(context, a)).rejects.toThrow("has lost its address");
  bed.inside(a, "ip", "link", "del", "eth0");
  await expect(network.check(context, a)).rejects.toThrow("is gone");
});
