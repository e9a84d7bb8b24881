/** Plans of the daemon's own ops, run in this very process, and those it has run apart. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { everyOp } from "../fixture/every-op.ts";
import type { Op } from "../op.ts";
import type { Plan } from "../plan.ts";
import { runHostPlan, runPlanApart, tryHostPlan, tryPlanApart } from "./run-plan.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vt-plan-"));
});

afterEach(() => {
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(directory);
  rmSync(directory, { recursive: true });
});

const host = (...ops: readonly Op[]): Plan => ({
  name: "host",
  steps: ops.map((op) => ({ process: "host", op })),
});

const bytes = (text: string) => new TextEncoder().encode(text);

/** Ops that would change the daemon itself, or make no sense in it. */
const refused = new Set([
  ...["clone3", "unshare", "setns", "idMap", "await", "release", "awaitStart", "setsid", "console"],
  ...["closeRange", "execve", "pivotRoot", "maskPath", "readonlyPath", "sethostname"],
  ...[
    "setdomainname",
    "rlimit",
    "umask",
    "chdir",
    "setgroups",
    "setresgid",
    "setresuid",
    "keepCaps",
  ],
  ...["capBounding", "capset", "noNewPrivs", "dumpable", "parentDeathSignal", "cgroupJoin"],
  ...["apparmor", "selinux", "seccomp"],
]);

describe("a Plan run in the daemon", () => {
  it("makes and removes files with exact modes, whatever the umask", () => {
    const before = process.umask(0o077);
    try {
      const reports = runHostPlan(
        host(
          { op: "mkdir", path: `${directory}/a/b`, mode: 0o775, parents: true },
          {
            op: "writeFile",
            path: `${directory}/a/b/f`,
            data: bytes("text"),
            mode: 0o666,
            how: "create",
          },
          { op: "mknod", path: `${directory}/a/fifo`, type: "fifo", mode: 0o666 },
          { op: "symlink", path: `${directory}/a/link`, target: "nowhere" },
          { op: "chmod", path: `${directory}/a`, mode: 0o2770 },
        ),
      );
      expect(reports.map(({ errno }) => errno)).toEqual([0, 0, 0, 0, 0]);
    } finally {
      process.umask(before);
    }
    expect(statSync(`${directory}/a`).mode & 0o7777).toBe(0o2770);
    expect(statSync(`${directory}/a/b`).mode & 0o7777).toBe(0o775);
    expect(statSync(`${directory}/a/b/f`).mode & 0o7777).toBe(0o666);
    expect(statSync(`${directory}/a/fifo`).mode & 0o7777).toBe(0o666);
    expect(readlinkSync(`${directory}/a/link`)).toBe("nowhere");
    runHostPlan(host({ op: "removeTree", path: `${directory}/a` }));
    expect(existsSync(`${directory}/a`)).toBe(false);
  });

  it("removes trees deeper than any path can name", () => {
    const many = 300;
    const ops: Op[] = [{ op: "open", path: directory, flags: ["path", "directory"], as: "d" }];
    ops.push({ op: "mkdir", at: "d", path: "deep", mode: 0o755 });
    ops.push({ op: "open", at: "d", path: "deep", flags: ["path", "directory"], as: "at" });
    for (let index = 0; index < many; index++) {
      ops.push({ op: "mkdir", at: "at", path: "n".repeat(200), mode: 0o755 });
      ops.push({
        op: "open",
        at: "at",
        path: "n".repeat(200),
        flags: ["path", "directory"],
        as: "at",
      });
    }
    runHostPlan(host(...ops));
    runHostPlan(host({ op: "removeTree", path: `${directory}/deep` }));
    expect(existsSync(`${directory}/deep`)).toBe(false);
  });

  it("takes its mounts away when a later op fails, and keeps them otherwise", () => {
    mkdirSync(`${directory}/m`);
    const mount: Op = {
      op: "mount",
      source: "x",
      target: `${directory}/m`,
      fstype: "tmpfs",
      attrs: ["nosuid"],
      data: "size=1m,mode=0700",
    };
    const failing = tryHostPlan(host(mount, { op: "rmdir", path: "/nowhere" }));
    expect(failing.failure?.message).toBe(
      'rmdir /nowhere: ENOENT, no such file or directory: path "/nowhere" (op 1 of "host", in host)',
    );
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(directory);
    runHostPlan(host(mount));
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toContain(`${directory}/m `);
    runHostPlan(host({ op: "umount", path: `${directory}/m`, detach: false }));
  });

  it("leaks no file descriptor, whether it fails or not", () => {
    const count = () => readFileSync(`/proc/self/status`, "utf8") && fdCount();
    const open: Op = { op: "open", path: "/", flags: ["path"], as: "root" };
    tryHostPlan(host(open, { op: "rmdir", path: "/nowhere" }));
    const before = count();
    for (let round = 0; round < 50; round++) {
      tryHostPlan(host(open, { op: "rmdir", path: "/nowhere" }));
      tryHostPlan(
        host(open, { op: "mkdir", path: `${directory}/x/y`, mode: 0o700, parents: true }),
      );
    }
    expect(count()).toBe(before);
  });

  it.each(everyOp.map((op) => [op.op, op] as const))(
    "runs %s, or refuses it with EPERM",
    (name, op) => {
      if (!refused.has(name)) return;
      const made: Op = { op: "mkdir", path: `${directory}/never`, mode: 0o755 };
      expect(() => tryHostPlan(host(made, op))).toThrow(
        expect.objectContaining({ errno: "EPERM" }),
      );
      // Nothing of such a Plan is run.
      expect(existsSync(`${directory}/never`)).toBe(false);
    },
  );

  it("refuses ops of other processes", () => {
    const plan: Plan = {
      name: "x",
      steps: [{ process: "oci", op: { op: "rmdir", path: "/nowhere" } }],
    };
    expect(() => tryHostPlan(plan)).toThrow(expect.objectContaining({ errno: "EINVAL" }));
  });
});

function fdCount(): number {
  let count = 0;
  for (let fd = 0; fd < 256; fd++) if (existsSync(`/proc/self/fd/${fd}`)) count++;
  return count;
}

describe("a Plan run apart", () => {
  const apart = (...ops: readonly Op[]): Plan => ({
    name: "apart",
    steps: ops.map((op) => ({ process: "oci", op })),
  });

  it("makes a network namespace that outlives it", async () => {
    const target = `${directory}/netns`;
    await runPlanApart(
      apart(
        { op: "unshare", namespaces: ["net"] },
        { op: "linkUp", name: "lo" },
        { op: "openTree", path: "/proc/self/ns/net", clone: true, recursive: false, as: "netns" },
        { op: "moveMount", fd: "netns", path: target, create: "file" },
      ),
    );
    expect(statSync(target).ino).not.toBe(statSync("/proc/self/ns/net").ino);
    runHostPlan(host({ op: "umount", path: target, detach: true }));
  });

  it("rejects with the op that failed", async () => {
    await expect(runPlanApart(apart({ op: "chdir", path: "/nowhere" }))).rejects.toMatchObject({
      op: "chdir",
      errno: "ENOENT",
      process: "oci",
    });
  });

  it("runs many at once, and every end is noticed", async () => {
    const runs = Array.from({ length: 40 }, () =>
      tryPlanApart(apart({ op: "setsid" }, { op: "umask", mask: 0 })),
    );
    for (const { failure, reports } of await Promise.all(runs)) {
      // setsid of a session leader is EPERM: the starter has made it one.
      expect(failure).toMatchObject({ op: "setsid", errno: "EPERM" });
      expect(reports).toHaveLength(1);
    }
    expect(readFileSync(`/proc/self/task/${process.pid}/children`, "utf8")).toBe("");
  });
});
