/**
 * Vitrine on a machine with cgroup v2 and nothing else, with an older kernel (Debian's) and AppArmor: a
 * virtual machine runs the demo and test/v2/inside.ts, and here it is said what they must have seen.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { qemu, runVirtualMachine } from "../harness/virtual-machine.ts";
import { mke2fs, writeDisk } from "../harness/virtual-machine-disk.ts";
import {
  type VirtualMachineKernel,
  virtualMachineKernel,
} from "../harness/virtual-machine-kernel.ts";
import { unpackedPackage, virtualMachineCache } from "../harness/virtual-machine-package.ts";
import type { Observation } from "../v2/report.ts";

/** A minute on two cores that have nothing else to do. */
const machineTimeoutMs = 400_000;
const megabytes = 1 << 20;

interface Parts {
  readonly kernel: VirtualMachineKernel;
  readonly programs: Readonly<Record<string, string>>;
}

/** What the machine is made of, or the reason why there can be none here. */
function partsOf(): Parts | string {
  const missing = [qemu, mke2fs, "/bin/busybox"].filter((path) => !existsSync(path));
  if (missing.length > 0) return `${missing.join(", ")} not installed`;
  if (process.arch !== "x64") return `the disk would get programs of ${process.arch}`;
  try {
    const apparmor = join(unpackedPackage("apparmor"), "sbin/apparmor_parser");
    return { kernel: virtualMachineKernel(), programs: { "/usr/sbin/apparmor_parser": apparmor } };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const parts = partsOf();
if (typeof parts === "string") console.log(`cgroup v2 is not tested: ${parts}`);

const seen = new Map<string, Observation>();
let directory = "";
let output = "";

function take(line: string): void {
  const observation = JSON.parse(line) as Observation;
  seen.set(observation.name, observation);
}

/** What the program inside reported under this name; fails with what went wrong there instead. */
function value(name: string): unknown {
  const observation = seen.get(name);
  if (observation === undefined)
    throw new Error(`${name} was not seen; the console says:\n${output}`);
  if (observation.error !== undefined) throw new Error(`${name}: ${observation.error}`);
  return observation.value;
}

describe.skipIf(typeof parts === "string")("cgroup v2 alone, in a virtual machine", () => {
  beforeAll(async () => {
    if (typeof parts === "string") return;
    mkdirSync(virtualMachineCache, { recursive: true });
    directory = mkdtempSync(join(virtualMachineCache, "machine-"));
    const disk = join(directory, "disk");
    writeDisk(disk, { ...parts, program: "test/v2/inside.ts" });
    output = await runVirtualMachine({
      kernel: parts.kernel,
      disk,
      directory,
      timeoutMs: machineTimeoutMs,
      line: take,
    });
  }, machineTimeoutMs + 60_000);

  afterAll(() => {
    if (directory !== "") rmSync(directory, { recursive: true });
  });

  it("is the machine it should be", () => {
    expect(value("machine")).toMatchObject({
      release: typeof parts === "string" ? "" : parts.kernel.release,
      hierarchies: ["cgroup2"],
      controllers: expect.arrayContaining(["cpuset", "cpu", "io", "memory", "hugetlb", "pids"]),
    });
  });

  it("runs the demo", () => {
    expect(value("demo")).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\* sandbox [0-9a-f]{12} is ready, its address is 10\.187\./),
        expect.stringMatching(/^\* fetch wrote: /),
        "* the fetching container has ended; now the pod is taken down",
      ]),
    );
  });

  it("lays the layers of an image over one another, as kernels before 6.5 take them", () => {
    expect(String(value("layers")).split("\n")).toEqual([
      "second",
      "/opt:",
      "new",
      expect.stringMatching(/^overlay on \/ type overlay .*lowerdir=[^:]*:[^:]*:[^:]*,upperdir=/),
      "ls: /etc/gone: No such file or directory",
    ]);
  });

  it("writes every limit to the file of v2, in its units", () => {
    expect(value("limits")).toEqual({
      "cpu.max": "25000 50000",
      "cpu.weight": "59",
      "cpuset.cpus": "1",
      "memory.max": String(64 * megabytes),
      "memory.high": String(48 * megabytes),
      "memory.swap.max": String(16 * megabytes),
      "pids.max": "20",
      "hugetlb.2MB.max": String(4 * megabytes),
    });
    expect(value("controllers of the container")).toEqual(
      expect.arrayContaining(["cpu", "cpuset", "hugetlb", "io", "memory", "pids"]),
    );
  });

  it("shows a container its own cgroup as the root, and only for reading", () => {
    expect(value("cgroup seen from inside")).toBe("0::/");
    expect(value("cgroup file system inside")).toMatch(
      new RegExp(`^${64 * megabytes}\n.*Read-only file system$`),
    );
  });

  it("has exec's process in the container's cgroup", () => {
    expect(value("processes during exec")).toEqual(["sleep 1000", "sleep 2"]);
  });

  it("lets nobody have more processes than pids.max", () => {
    expect(value("pids")).toMatch(/^max [1-9]/);
  });

  it("changes the limits of a running container, or none of them", () => {
    const changed = {
      "cpu.max": "40000 50000",
      "cpu.weight": "59",
      "cpuset.cpus": "1",
      "memory.max": String(96 * megabytes),
      "memory.high": String(48 * megabytes),
    };
    expect(value("limits after update")).toEqual(changed);
    expect(value("refused update")).toMatch(/cpuset\.cpus/);
    expect(value("limits after refused update")).toEqual(changed);
    expect(value("unified update")).toEqual({ "memory.high": "max", "memory.low": "4096" });
  });

  it.each(["the first process", "a child", "all of it"])("tells of an OOM kill of %s", (who) => {
    expect(value(`out of memory, ${who}`)).toEqual({ exitCode: 137, reason: "OOMKilled" });
  });

  it("tells of no OOM kill where there was none", () => {
    expect(value("enough memory")).toEqual({ exitCode: 5, reason: "Error" });
  });

  it("keeps a container with CAP_MKNOD from the host's disk, by a program on its cgroup", () => {
    const said = String(value("host disk, ordinary")).split("\n");
    // Bit 27 is CAP_MKNOD: the node can be made, and opening it is what fails.
    const capabilities = /CapEff:\s*([0-9a-f]+)/.exec(said.join("\n"))?.[1] ?? "0";
    expect((BigInt(`0x${capabilities}`) >> 27n) & 1n).toBe(1n);
    expect(said).toEqual([
      "made",
      "0",
      expect.stringMatching(/^CapEff/),
      "8",
      "head: /tmp/disk: Operation not permitted",
    ]);
  });

  it("lets a container do with a named device what was said, and no more", () => {
    expect(value("host disk, named for reading")).toMatch(
      /^512\n.*\/dev\/mine: Operation not permitted$/,
    );
  });

  it("stops all processes of a container at once, through cgroup.kill", () => {
    expect(value("stop")).toEqual({
      before: 5,
      after: [],
      writers: ["vitrine-shim"],
      exitCode: 137,
    });
  });

  it("finds the containers of a daemon that was killed, OOM kills included", () => {
    expect(value("after a crash of the daemon")).toEqual({
      inside: "0::/",
      end: { exitCode: 137, reason: "OOMKilled" },
    });
  });

  it("starts a container under the AppArmor profile that the CRI names", () => {
    expect(value("AppArmor")).toEqual({
      loaded: "vitrine-test (enforce)",
      answer: ["vitrine-test (enforce)", "written", "touch: /secret: Permission denied"].join("\n"),
    });
  });

  it("leaves nothing behind", () => {
    expect(value("daemon")).toBe("stopped");
    expect(value("cgroup of the kubelet")).toBe("empty");
    expect(value("left")).toEqual([]);
    expect(value("complete")).toBe(true);
  });
});
