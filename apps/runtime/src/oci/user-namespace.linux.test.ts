/** A container with a user namespace of its own, on the real kernel: root inside is nobody outside. */
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workbench } from "../../../../test/harness/workbench.ts";
import { mount } from "./fixture/requests.ts";

const first = 100_000;
const idMappings = [{ containerID: 0, hostID: first, size: 65_536 }];

let bench: Workbench;

beforeEach(async () => {
  bench = await Workbench.open();
  // The way to the root is open to everybody, and its top directory is that of the root inside.
  chmodSync(bench.directory, 0o755);
  chownSync(bench.rootfs, first, first);
});

afterEach(() => {
  bench.end();
});

test("is uid 0 inside, another one outside, and has devices that are bound", async () => {
  const script = "id -u; cat /proc/self/uid_map; head -c 3 /dev/zero | od -c | head -n 1; sleep 1";
  const { running } = await bench.create({ alone: { idMappings }, request: { files: {} }, script });
  const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
  expect(status).toMatch(/^Uid:\t100000\t100000\t100000\t100000$/m);
  running.start();
  const output = await running.output;
  expect(output.replace(/ +/g, " ")).toMatch(/^0\n 0 100000 65536\n/);
});

test("cannot read what is the host's root's, nor make a device", async () => {
  const shared = join(bench.directory, "shared");
  mkdirSync(shared, { mode: 0o755 });
  writeFileSync(join(shared, "admin.key"), "the host's key\n", { mode: 0o600 });
  const config = { mounts: [mount({ containerPath: "/shared", hostPath: shared })] };
  const script = "cat /shared/admin.key; mknod /disk b 8 0; echo done";
  const inside = await bench.outputOf({
    alone: { idMappings },
    request: { files: {} },
    config,
    script,
  });
  expect(inside).toMatch(/admin\.key.*Permission denied/);
  expect(inside).toMatch(/disk.*Operation not permitted/);
  const without = await bench.outputOf({
    alone: {},
    request: { files: {} },
    config,
    script: "cat /shared/admin.key",
  });
  expect(without).toBe("the host's key\n");
});
