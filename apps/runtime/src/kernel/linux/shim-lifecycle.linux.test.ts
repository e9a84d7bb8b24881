import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KernelError } from "../errors.ts";
import type { Plan } from "../plan.ts";
import type { LinuxShim } from "./shim-client.ts";
import {
  collectingContext,
  context,
  descriptorCount,
  eventually,
  memoryKb,
  ShimBed,
} from "./shim-test-bed.ts";

let bed: ShimBed;
let shim: LinuxShim;

beforeAll(async () => {
  bed = new ShimBed();
  shim = await bed.start("pod");
});
afterAll(() => bed.remove());

function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function create(id: string, plan: Plan): Promise<unknown> {
  return shim.create(context, { containerId: id, plan, io: bed.io(), cgroupPaths: [] });
}

function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

describe("exit codes", () => {
  test.each([
    ["0", "exit 0", 0],
    ["3", "exit 3", 3],
    ["255", "exit 255", 255],
  ])("%s", async (name, script, exitCode) => {
    const { pid } = await bed.run(shim, `exit-${name}`, ["sh", "-c", script]);
    expect(await shim.wait(`exit-${name}`)).toMatchObject({ exitCode, pid, oomKilled: false });
    await shim.remove(`exit-${name}`);
  });

  test.each([
    [9, 137],
    [15, 143],
  ])("signal %d", async (signal, exitCode) => {
    const id = `signal-${signal}`;
    const script = "trap 'exit 143' TERM; while :; do sleep 0.01; done";
    const { pid } = await bed.run(shim, id, ["sh", "-c", script]);
    // PID 1 of a namespace is deaf to signals it has no handler for.
    await eventually(() => catches(pid, 15), "the handler of SIGTERM");
    await shim.kill(id, signal, false);
    expect((await shim.wait(id)).exitCode).toBe(exitCode);
    await shim.kill(id, signal, false);
    await shim.remove(id);
  });
});

describe("created is a state of the kernel", () => {
  test("init waits, and start releases it", async () => {
    const { context: own, spans } = collectingContext();
    const plan = bed.plan(["sh", "-c", "exit 4"]);
    const before = process.hrtime.bigint();
    const created = await shim.create(own, {
      containerId: "wait",
      plan,
      io: bed.io(),
      cgroupPaths: [],
    });
    expect(created).toMatchObject({ state: "created", startedAtNs: 0n });
    expect(readFileSync(`/proc/${created.pid}/comm`, "utf8")).not.toBe("sh\n");
    const stat = readFileSync(`/proc/${created.pid}/stat`, "utf8");
    expect(created.startTime).toBe(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]));
    expect(spans.map((span) => span.step)).not.toContain("op.execve");
    const started = await shim.start(own, "wait");
    expect(started.state).toBe("running");
    expect((await shim.wait("wait")).exitCode).toBe(4);
    expect(spans.map((span) => span.step)).toEqual(plan.steps.map(({ op }) => `op.${op.op}`));
    for (const span of spans) {
      expect(span.error).toBeUndefined();
      expect(span.endNs).toBeGreaterThanOrEqual(span.startNs ?? 0n);
    }
    const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
    expect(spans[0]?.startNs).toBeGreaterThan(before + offset - 50_000_000n);
    await shim.remove("wait");
  });

  test("a created container that is killed has exited, and cannot be started", async () => {
    await create("dead", bed.plan(["sh"]));
    await shim.kill("dead", 9, false);
    expect((await shim.wait("dead")).exitCode).toBe(137);
    await expect(shim.start(context, "dead")).rejects.toMatchObject({ errno: "ESRCH", op: "shim" });
    await shim.remove("dead");
  });

  test("remove of a created and of a running container kills it", async () => {
    const created = await shim.create(context, {
      containerId: "removed",
      plan: bed.plan(["sh"]),
      io: bed.io(),
      cgroupPaths: [],
    });
    const running = await bed.run(shim, "removed-2", ["sleep", "100"]);
    await Promise.all([shim.remove("removed"), shim.remove("removed-2"), shim.remove("removed-2")]);
    expect([alive(created.pid), alive(running.pid)]).toEqual([false, false]);
    expect(await shim.list()).toEqual([]);
  });
});

describe("what cannot be done", () => {
  test("a command that is not there fails the start with its op and errno", async () => {
    const { context: own, spans } = collectingContext();
    const plan = bed.plan(["no-such-command"]);
    await shim.create(own, { containerId: "absent", plan, io: bed.io(), cgroupPaths: [] });
    const failure = await shim.start(own, "absent").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(KernelError);
    expect(failure).toMatchObject({ errno: "ENOENT", op: "execve", process: "init" });
    expect(spans.at(-1)).toMatchObject({ step: "op.execve", error: "ENOENT" });
    expect((await shim.wait("absent")).exitCode).toBe(128);
    await shim.remove("absent");
  });

  test("an op that fails leaves no process and no container", async () => {
    const plan = bed.plan(["sh"]);
    const broken = {
      ...plan,
      steps: plan.steps.map((step) =>
        step.op.op === "openTree" && step.op.as === "rootfs"
          ? { ...step, op: { ...step.op, path: "/no/such/rootfs" } }
          : step,
      ),
    };
    const failure = await create("broken", broken).catch((error: unknown) => error);
    expect(failure).toMatchObject({ errno: "ENOENT", op: "openTree", index: 3, process: "init" });
    expect(await shim.list()).toEqual([]);
    expect(readFileSync(`/proc/${shim.pid}/task/${shim.pid}/children`, "utf8")).toBe("");
  });

  test("a Plan that is none", async () => {
    const clone = { process: "oci", op: { op: "clone3", child: "init", namespaces: [] } } as const;
    const plan: Plan = { name: "nothing", steps: [clone] };
    await expect(create("none", plan)).rejects.toBeInstanceOf(KernelError);
    await expect(create("none", { name: "empty", steps: [] })).rejects.toMatchObject({
      errno: "EINVAL",
    });
    expect(await shim.list()).toEqual([]);
  });

  test("ids: used twice, unknown", async () => {
    await bed.run(shim, "twice", ["sleep", "100"]);
    await expect(create("twice", bed.plan(["sh"]))).rejects.toMatchObject({ errno: "EEXIST" });
    await expect(shim.start(context, "twice")).rejects.toMatchObject({ errno: "EALREADY" });
    await expect(shim.start(context, "who")).rejects.toMatchObject({ errno: "ENOENT" });
    await expect(shim.kill("who", 9, false)).rejects.toMatchObject({ errno: "ENOENT" });
    await expect(shim.wait("who")).rejects.toMatchObject({ errno: "ENOENT" });
    await shim.remove("who");
    await shim.remove("twice");
  });

  test("vitrine-oci killed midway: the create fails, its child is not left", async () => {
    const plan = bed.plan(["sh"]);
    // It waits for a barrier that init never releases.
    const held: Plan = {
      ...plan,
      steps: [
        ...plan.steps.slice(0, 1),
        { process: "oci", op: { op: "await", barrier: "never" } },
        ...plan.steps.slice(1, 5),
        { process: "init", op: { op: "awaitStart" } },
        { process: "init", op: { op: "release", barrier: "never" } },
        ...plan.steps.slice(-1),
      ],
    };
    const failed = create("midway", held).catch((error: unknown) => error);
    const children = (): number[] =>
      readFileSync(`/proc/${shim.pid}/task/${shim.pid}/children`, "utf8")
        .split(" ")
        .filter(Boolean)
        .map(Number);
    await eventually(() => {
      const [oci] = children();
      return oci !== undefined && readFileSync(`/proc/${oci}/task/${oci}/children`, "utf8") !== "";
    }, "the child of vitrine-oci");
    const [oci] = children();
    const child = Number(readFileSync(`/proc/${oci}/task/${oci}/children`, "utf8"));
    process.kill(Number(oci), "SIGKILL");
    expect(await failed).toMatchObject({ errno: "ECANCELED", op: "shim" });
    expect(alive(child)).toBe(false);
    expect(children()).toEqual([]);
    expect(await shim.list()).toEqual([]);
  });

  test("vitrine-oci killed at forty other moments leaves nothing either", async () => {
    const children = (): number[] =>
      readFileSync(`/proc/${shim.pid}/task/${shim.pid}/children`, "utf8")
        .split(" ")
        .filter(Boolean)
        .map(Number);
    const outcomes = { made: 0, failed: 0 };
    for (let round = 0; round < 40; round++) {
      const id = `moment-${round}`;
      const made = create(id, bed.plan(["sh"])).then(
        () => true,
        () => false,
      );
      await new Promise((resolve) => setTimeout(resolve, round / 20));
      for (const pid of children()) process.kill(pid, "SIGKILL");
      outcomes[(await made) ? "made" : "failed"]++;
      await shim.remove(id);
      expect(children()).toEqual([]);
    }
    expect(outcomes.failed).toBeGreaterThan(0);
    expect(await shim.list()).toEqual([]);
  });

  test("a caller that gives up has nothing left behind", async () => {
    const aborter = new AbortController();
    const plan = bed.plan(["sh"]);
    const waiting: Plan = {
      ...plan,
      steps: [
        ...plan.steps.slice(0, 1),
        { process: "oci", op: { op: "await", barrier: "never" } },
        ...plan.steps.slice(1),
        { process: "init", op: { op: "release", barrier: "never" } },
      ],
    };
    const { context: own } = collectingContext(aborter.signal);
    const created = shim.create(own, {
      containerId: "given-up",
      plan: waiting,
      io: bed.io(),
      cgroupPaths: [],
    });
    setTimeout(() => aborter.abort(new Error("deadline")), 100);
    await expect(created).rejects.toThrow("deadline");
    expect(await shim.list()).toEqual([]);
  });
});

describe("processes", () => {
  test("kill all reaches those that share the pid namespace of the host", async () => {
    const cgroup = bed.cgroup("pids");
    const argv = [
      "sh",
      "-c",
      "sleep 1000 & setsid sleep 1001 & trap '' TERM; while :; do sleep 0.05; done",
    ];
    await bed.run(shim, "many", argv, {}, { cgroups: [cgroup], hostPid: true });
    const members = (): string => readFileSync(`${cgroup}/cgroup.procs`, "utf8");
    await eventually(() => members().trim().split("\n").length >= 3, "three processes");
    await shim.kill("many", 9, true);
    expect(members()).toBe("");
    expect((await shim.wait("many")).exitCode).toBe(137);
    await shim.remove("many");
  });

  test("what init leaves behind ends with it, when the pid namespace is shared", async () => {
    const cgroup = bed.cgroup("pids");
    const argv = ["sh", "-c", "setsid sleep 1000 & exit 0"];
    await bed.run(shim, "leaver", argv, {}, { cgroups: [cgroup], hostPid: true });
    expect((await shim.wait("leaver")).exitCode).toBe(0);
    await shim.remove("leaver");
    expect(readFileSync(`${cgroup}/cgroup.procs`, "utf8")).toBe("");
    expect(readFileSync(`/proc/${shim.pid}/task/${shim.pid}/children`, "utf8")).toBe("");
  });
});

describe("memory and descriptors", () => {
  test("300 containers made and removed leave no descriptor and no memory", async () => {
    const cycle = async (n: number): Promise<void> => {
      await bed.run(shim, `cycle-${n}`, ["sh", "-c", "echo x"], {
        logPath: `${bed.logs}/cycle.log`,
      });
      await shim.wait(`cycle-${n}`);
      await shim.remove(`cycle-${n}`);
    };
    for (let n = 0; n < 20; n++) await cycle(n);
    const descriptors = descriptorCount(shim.pid);
    const rss = memoryKb(shim.pid, "Rss");
    for (let n = 0; n < 300; n += 3) await Promise.all([cycle(n), cycle(n + 1), cycle(n + 2)]);
    expect(descriptorCount(shim.pid)).toBe(descriptors);
    expect(memoryKb(shim.pid, "Rss") - rss).toBeLessThan(100);
  });

  test("ten containers and the shim stays under 1.5 MB", async () => {
    const pod = await bed.start("ten");
    for (let n = 0; n < 10; n++) {
      await bed.run(pod, `c${n}`, ["sh", "-c", "head -c 300000 /dev/zero; sleep 1000"], {
        logPath: `${bed.logs}/ten-${n}.log`,
      });
    }
    await eventually(() => bed.log("ten-9.log").length > 250_000, "output");
    expect(memoryKb(pod.pid, "Rss")).toBeLessThan(1536);
    expect(memoryKb(pod.pid, "Pss")).toBeLessThan(1024);
    const pids = (await pod.list()).map(({ pid }) => pid);
    expect(pids).toHaveLength(10);
    await pod.shutdown();
    expect(pids.filter(alive)).toEqual([]);
    await eventually(() => !alive(pod.pid), "the end of the shim");
  });
});
