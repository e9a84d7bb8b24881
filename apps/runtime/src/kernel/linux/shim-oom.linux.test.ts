import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LinuxShim } from "./shim-client.ts";
import { context, eventually, ShimBed } from "./shim-test-bed.ts";

/** Needs 64 MiB; the cgroup allows 8. */
const hog = "dd if=/dev/zero of=/dev/null bs=64M count=1";
const limit = String(8 << 20);
const hasV1 = existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes");

let bed: ShimBed;
let shim: LinuxShim;

beforeAll(async () => {
  bed = new ShimBed();
  shim = await bed.start("pod");
});
afterAll(() => bed.remove());

describe.skipIf(!hasV1)("cgroup v1", () => {
  const limited = (): string => {
    const path = bed.cgroup("memory");
    writeFileSync(join(path, "memory.limit_in_bytes"), limit);
    const swap = join(path, "memory.memsw.limit_in_bytes");
    if (existsSync(swap)) writeFileSync(swap, limit);
    return path;
  };

  test("a container that needs too much: 137 and oomKilled", async () => {
    const cgroups = [limited()];
    await bed.run(shim, "oom", ["sh", "-c", `exec ${hog}`], {}, { cgroups });
    expect(await shim.wait("oom")).toMatchObject({ exitCode: 137, oomKilled: true });
    expect((await shim.list())[0]?.exit).toMatchObject({ oomKilled: true });
    await shim.remove("oom");
  });

  test("a child that needs too much: a container that goes on and exits 0 was not killed", async () => {
    const cgroups = [limited()];
    await bed.run(
      shim,
      "child",
      ["sh", "-c", `${hog} 2>/dev/null; echo $? >/tmp/code; exit 0`],
      {},
      { cgroups },
    );
    expect(await shim.wait("child")).toMatchObject({ exitCode: 0, oomKilled: false });
    expect(bed.file("tmp/code")).toBe("137\n");
    await shim.remove("child");
  });

  test("a stop after a child was killed is a stop", async () => {
    const cgroups = [limited()];
    const script = `${hog} 2>/dev/null; echo done >/tmp/hogged; sleep 1000`;
    await bed.run(shim, "stop", ["sh", "-c", script], {}, { cgroups });
    await eventually(() => existsSync(join(bed.rootfs, "tmp/hogged")), "the end of the child");
    await shim.kill("stop", 9, true);
    expect(await shim.wait("stop")).toMatchObject({ exitCode: 137, oomKilled: false });
    await shim.remove("stop");
  });
});

test("cgroup v2 by its file: the count grows, init dies by SIGKILL from elsewhere", async () => {
  // A directory that looks like a v2 cgroup to the shim; a kernel with the v2 memory controller is not everywhere.
  const cgroup = join(bed.directory, "v2");
  mkdirSync(cgroup);
  const events = join(cgroup, "memory.events");
  writeFileSync(events, "low 0\nhigh 0\nmax 7\noom 0\noom_kill 2\noom_group_kill 0\n");
  for (const [id, text, oomKilled] of [
    ["same", "oom_kill 2\n", false],
    ["grown", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\noom_group_kill 0\n", true],
  ] as const) {
    const plan = bed.plan(["sleep", "1000"]);
    await shim.create(context, { containerId: id, plan, io: bed.io(), cgroupPaths: [cgroup] });
    const { pid } = await shim.start(context, id);
    writeFileSync(events, text);
    process.kill(pid, "SIGKILL");
    expect(await shim.wait(id)).toMatchObject({ exitCode: 137, oomKilled });
    await shim.remove(id);
  }
});
