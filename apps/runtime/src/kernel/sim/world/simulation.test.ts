import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Program } from "../../kernel.ts";
import { bed as bedOn, NotedSpans, planOf } from "../shim/shim-bed.ts";
import { deliverSignal } from "../syscall/process.ts";
import { difference, residueBetween, snapshot } from "./residue.ts";
import type { SimulationOptions } from "./simulation.ts";

const bed = (options: Partial<SimulationOptions> = {}) =>
  bedOn({ host: { turn: () => setImmediate() }, ...options });
const { context } = new NotedSpans();
const mkdir = (path: string) => ["host", { op: "mkdir", path, mode: 0o755 }] as const;
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

function program(command: readonly string[], more: Partial<Program> = {}): Program {
  return {
    path: `/usr/bin/${command[0]}`,
    argv: command,
    env: [],
    stdin: new Uint8Array(),
    stdoutBytesMax: 1000,
    stderrBytesMax: 1000,
    timeoutMs: 10_000,
    ...more,
  };
}

describe("drive", () => {
  test("says who waits for what when nothing can go on", async () => {
    const { simulation } = bed();
    const never = new Promise(() => undefined);
    await expect(simulation.drive(never)).rejects.toThrow(
      /^the simulation cannot go on, there is nothing left that could happen; alive are init \(1\)/,
    );
    simulation.crashDaemon();
    await expect(simulation.drive(never)).rejects.toThrow("no daemon runs");
  });

  test("gives up when virtual time is over", async () => {
    const { simulation } = bed({ driveLimitMs: 1000 });
    const late = simulation.drive(simulation.clock.sleep(5000));
    await expect(late).rejects.toThrow("virtual time is over");
  });

  test("moves time to what is waited for, and no further", async () => {
    const { simulation, world } = bed();
    const from = simulation.clock.nowNs();
    await simulation.drive(world.clock.sleep(250));
    expect(simulation.clock.nowNs() - from).toBe(250_000_000n);
  });

  test("a sleep ends with the reason of its signal", async () => {
    const { simulation, world } = bed();
    const abort = new AbortController();
    const sleep = world.clock.sleep(1000, abort.signal);
    abort.abort(new Error("no more"));
    await expect(simulation.drive(sleep)).rejects.toThrow("no more");
  });

  test("shows time passing to a host that wants to see it", async () => {
    const shown: bigint[] = [];
    const host = {
      turn: () => setImmediate(),
      pace: async (ns: bigint) => void shown.push(ns),
    };
    const { simulation, world } = bed({ host });
    await simulation.drive(world.clock.sleep(250));
    expect(shown.reduce((sum, ns) => sum + ns, 0n)).toBe(250_000_000n);
  });
});

describe("a crash", () => {
  test("in the middle of a Plan leaves what was done, undoes nothing and answers nobody", async () => {
    const { simulation, world } = bed({ faults: ["crash@2"] });
    let settled = false;
    const plan = planOf(mkdir("/tmp/a"), mkdir("/tmp/b"), mkdir("/tmp/c"));
    const run = world.kernel.run(context, plan).finally(() => {
      settled = true;
    });
    run.catch(() => undefined);
    await simulation.drive(simulation.crashed());
    const next = simulation.startDaemon();
    expect(await simulation.drive(next.kernel.files.list("/tmp"))).toEqual(["a", "b"]);
    expect(settled).toBe(false);
    expect(simulation.counts.ops).toBe(2);
  });

  test("in a transaction takes back all of it", async () => {
    const { simulation, world } = bed({ faults: ["record@3=crash"] });
    world.records.put("k", "before", 1);
    const write = () =>
      world.records.transaction(() => {
        world.records.put("k", "a", 1);
        world.records.put("k", "before", 2);
      });
    expect(write).toThrow("the daemon is dead");
    const { records } = simulation.startDaemon();
    expect(records.list("k")).toEqual([["before", 1]]);
  });

  test("of the daemon's process, by whoever kills it, is one of the daemon", async () => {
    const { simulation, world } = bed();
    const { daemon, machine } = simulation;
    const crashed = simulation.crashed();
    if (daemon !== undefined) deliverSignal(daemon, 9);
    await simulation.drive(crashed);
    expect(simulation.daemon).toBeUndefined();
    expect(() => world.records.get("k", "i")).toThrow("the daemon is dead");
    expect(machine.process(1)?.state).toBe("alive");
  });

  test("a full disk refuses one write in words", () => {
    const { world } = bed({ faults: ["record@1=full"] });
    expect(() => world.records.put("k", "i", 1)).toThrow("no space left on the disk");
    world.records.put("k", "i", 2);
    expect(world.records.get("k", "i")).toBe(2);
  });
});

describe("ops", () => {
  test("a forced errno stops the Plan, undoes its mounts and is told as a span", async () => {
    const { simulation, world } = bed({ faults: ["mkdir#2=ENOSPC"] });
    const spans = new NotedSpans();
    const before = snapshot(simulation.machine);
    const mount = {
      op: "mount",
      source: "tmpfs",
      target: "/mnt",
      fstype: "tmpfs",
      attrs: [],
      data: "",
    } as const;
    const plan = planOf(["host", mount], mkdir("/tmp/a"), mkdir("/tmp/b"));
    await expect(simulation.drive(world.kernel.run(spans.context, plan))).rejects.toMatchObject({
      op: "mkdir",
      errno: "ENOSPC",
      index: 2,
    });
    expect(spans.names).toEqual(["op.mount", "op.mkdir", "op.mkdir"]);
    expect(residueBetween(before, snapshot(simulation.machine))).toEqual(["file /tmp/a"]);
  });

  test("are told with their numbers, and a Plan can be another when it is run", async () => {
    const told: string[] = [];
    const { simulation, world } = bed({
      onOp: (number, _plan, op, { errno }) => void told.push(`${number} ${op.op} ${errno}`),
      editPlan: (plan) => ({ ...plan, steps: plan.steps.slice(1) }),
    });
    await simulation.drive(world.kernel.run(context, planOf(mkdir("/tmp/a"), mkdir("/tmp/b"))));
    expect(told).toEqual(["1 mkdir 0"]);
    expect(await simulation.drive(world.kernel.files.list("/tmp"))).toEqual(["b"]);
  });

  test("that would change the daemon are refused before anything is run", async () => {
    const { simulation, world } = bed();
    const plan = planOf(mkdir("/tmp/a"), ["host", { op: "umask", mask: 0 }]);
    const run = simulation.drive(world.kernel.run(context, plan));
    await expect(run).rejects.toMatchObject({ errno: "EPERM", op: "library" });
    expect(simulation.counts.ops).toBe(0);
  });

  test("of a vitrine-oci run apart from the daemon, with its failure", async () => {
    const { simulation, world } = bed();
    const plan = planOf(
      ["oci", { op: "unshare", namespaces: ["mnt"] }],
      ["oci", { op: "umount", path: "/nothing", detach: true }],
    );
    const run = simulation.drive(world.kernel.runApart(context, plan));
    await expect(run).rejects.toMatchObject({
      errno: "ENOENT",
      detail: 'path "/nothing"',
      process: "oci",
    });
  });

  test("the same seed takes the same time, another seed another", async () => {
    const took = async (seed: number) => {
      const { simulation, world } = bed({ seed });
      await simulation.drive(world.kernel.run(context, planOf(mkdir("/tmp/a"), mkdir("/tmp/b"))));
      return simulation.clock.nowNs();
    };
    expect(await took(7)).toBe(await took(7));
    expect(await took(7)).not.toBe(await took(8));
  });
});

describe("programs", () => {
  test("get their stdin and give their output and exit code", async () => {
    const { simulation, world } = bed();
    const stdin = new TextEncoder().encode("hello");
    const result = await simulation.drive(
      world.kernel.exec(context, program(["test-copy"], { stdin })),
    );
    expect([text(result.stdout), result.exitCode]).toEqual(["hello", 0]);
    const cut = program(["test-say", "x".repeat(50)], { stdoutBytesMax: 10 });
    const bounded = await simulation.drive(world.kernel.exec(context, cut));
    expect([text(bounded.stdout), bounded.truncated]).toEqual(["x".repeat(10), true]);
  });

  test("that are not there, or none, are an errno", async () => {
    const { simulation, world } = bed();
    const missing = simulation.drive(world.kernel.exec(context, program(["test-nothing"])));
    await expect(missing).rejects.toMatchObject({ errno: "ENOENT", op: "library" });
    const none = simulation.drive(
      world.kernel.exec(context, program(["x"], { path: "/etc/passwd" })),
    );
    await expect(none).rejects.toMatchObject({ errno: "EACCES" });
  });

  test("are killed with all they started when their time is over, and nothing is left", async () => {
    const { simulation, world } = bed();
    const before = snapshot(simulation.machine);
    const late = program(["test-deaf"], { timeoutMs: 3000 });
    const result = await simulation.drive(world.kernel.exec(context, late));
    expect(result).toMatchObject({ timedOut: true, exitCode: 137 });
    expect(difference(before, snapshot(simulation.machine))).toEqual([]);
  });

  test.each([
    ["hang", { timedOut: true, exitCode: 137 }],
    ["fail", { timedOut: false, exitCode: 1 }],
    ["garbage", { timedOut: false, exitCode: 0 }],
  ])("a plugin that shall %s does", async (how, expected) => {
    const { simulation, world } = bed({ faults: [`cni:ADD=${how}`] });
    const plugin = program(["test-say", "{}"], { env: ["CNI_COMMAND=ADD"], timeoutMs: 2000 });
    expect(await simulation.drive(world.kernel.exec(context, plugin))).toMatchObject(expected);
    const other = program(["test-say", "{}"], { env: ["CNI_COMMAND=DEL"] });
    const said = await simulation.drive(world.kernel.exec(context, other));
    expect(text(said.stdout)).toBe("{}");
  });
});

describe("a watched directory", () => {
  test("tells of changes, also of its coming, until nobody wants to hear", async () => {
    const { simulation, world } = bed();
    const abort = new AbortController();
    let heard = 0;
    const changed = () => {
      heard++;
    };
    world.kernel.watch("/tmp/a", changed, abort.signal);
    await simulation.drive(world.kernel.run(context, planOf(mkdir("/tmp/a"))));
    await simulation.drive(simulation.clock.sleep(1));
    expect(heard).toBe(1);
    await simulation.drive(world.kernel.run(context, planOf(mkdir("/tmp/a/b"))));
    await simulation.drive(simulation.clock.sleep(1));
    expect(heard).toBe(2);
    abort.abort();
    await simulation.drive(world.kernel.run(context, planOf(mkdir("/tmp/a/c"))));
    await simulation.drive(simulation.clock.sleep(1));
    expect(heard).toBe(2);
  });
});
