import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { NetworkBed } from "../../../../../test/harness/network-bed.ts";

let bed: NetworkBed | undefined;

afterEach(async () => {
  await bed?.end();
  bed = undefined;
});

const daemon = join(import.meta.dirname, "../../../../../test/harness/crash-network.ts");

/** When the plugin kills the daemon that started it, and how many addresses are taken then. */
const moments: readonly (readonly [string, string, number])[] = [
  ["before the plugin did anything", "kill -9 $PPID; exit 1", 0],
  ["after the plugin took an address and before it answered", "$OWN >/dev/null; kill -9 $PPID", 1],
  ["while the plugin answers", "$OWN; kill -9 $PPID", 1],
];

for (const [name, onAdd, leases] of moments) {
  test(`killed ${name}: the next daemon knows the pod and gives everything back`, async () => {
    bed = new NetworkBed(71);
    const own = join(bed.options.builtin?.binDir ?? "", "vitrine-bridge");
    bed.script("odd", `OWN=${own}; test $CNI_COMMAND = ADD || exec $OWN\n${onAdd}`);
    const { bridge, subnet, dataDir } = bed.options.builtin ?? {};
    bed.config("10.conflist", {
      cniVersion: "1.0.0",
      name: "crash-net",
      plugins: [{ type: "odd", bridge, subnet, dataDir }],
    });
    const pod = await bed.pod("a");
    const child = spawnSync(process.execPath, [
      daemon,
      JSON.stringify(bed.options),
      JSON.stringify(pod),
    ]);
    expect(child.signal).toBe("SIGKILL");
    // The plugin itself may still be at work: it was in a session of its own.
    const taken = () =>
      bed?.list("leases", "crash-net").filter((file) => file.startsWith("10.")).length;
    await expect.poll(taken).toBe(leases);

    const network = bed.restarted();
    expect(await network.attachedPods()).toEqual([pod.id]);
    await network.detach(bed.context, pod);
    expect(await network.attachedPods()).toEqual([]);
    expect(bed.list("leases", "crash-net")).toEqual([]);
    expect(existsSync(`/sys/class/net/${bed.bridge}`)).toBe(false);
    expect(bed.inside(pod, "ip", "-o", "link")).not.toContain("eth0");
  });
}

test("a plugin that hangs dies with the daemon, so that its ADD does not race the DEL of the next", async () => {
  bed = new NetworkBed(72);
  const pidFile = bed.path("pid");
  const onAdd = `echo $$ >${pidFile}\nkill -9 $PPID\nexec sleep 98763`;
  bed.script("odd", `test $CNI_COMMAND = ADD || exit 0\n${onAdd}`);
  bed.config("10.conflist", { cniVersion: "1.0.0", name: "n", plugins: [{ type: "odd" }] });
  const pod = await bed.pod("a");
  const json = [bed.options, pod].map((value) => JSON.stringify(value));
  expect(spawnSync(process.execPath, [daemon, ...json]).signal).toBe("SIGKILL");
  const pid = readFileSync(pidFile, "utf8").trim();
  await expect.poll(() => lives(pid)).toBe(false);
});

/** Dead and waited for by nobody is dead. */
function lives(pid: string): boolean {
  const path = `/proc/${pid}/status`;
  return existsSync(path) && /^State:\s+[^ZX]/m.test(readFileSync(path, "utf8"));
}
