import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { World } from "../../world.ts";
import type { Simulation } from "../world/simulation.ts";
import {
  bed as bedOn,
  container,
  containerPlan,
  execPlan,
  logOf,
  NotedSpans,
  shimOf,
} from "./shim-bed.ts";

const bed = () => bedOn({ host: { turn: () => setImmediate() } });
const { context } = new NotedSpans();
const bounds = { stdoutBytesMax: 1000, stderrBytesMax: 1000, timeoutMs: 0, drainMs: 100 };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A shim and a container that runs. */
async function running(simulation: Simulation, world: World, command: readonly string[]) {
  const shim = await shimOf(simulation, world);
  const created = await simulation.drive(
    shim.create(context, container("c", containerPlan(command))),
  );
  const started = await simulation.drive(shim.start(context, "c"));
  return { shim, created, started };
}

describe("a container", () => {
  test("is created, started, waited for and removed; its output is in the log", async () => {
    const { simulation, world } = bed();
    const { shim, created, started } = await running(simulation, world, [
      "test-say",
      "a\nb",
      "c\n",
    ]);
    expect(created.state).toBe("created");
    expect(started).toMatchObject({ state: "running", pid: created.pid });
    const exit = await simulation.drive(shim.wait("c"));
    expect(exit).toMatchObject({ containerId: "c", exitCode: 0, oomKilled: false });
    expect(await logOf(simulation, world)).toEqual(["stdout F a", "stdout F bc"]);
    await simulation.drive(shim.remove("c"));
    expect(await simulation.drive(shim.list())).toEqual([]);
    await simulation.drive(shim.shutdown());
    expect(simulation.machine.process(shim.pid)?.state).not.toBe("alive");
  });

  test("a command that is not there fails the start with the words of the executor", async () => {
    const { simulation, world } = bed();
    const spans = new NotedSpans();
    const shim = await shimOf(simulation, world);
    const options = container("c", containerPlan(["nothing-like-it"]));
    await simulation.drive(shim.create(spans.context, options));
    await expect(simulation.drive(shim.start(spans.context, "c"))).rejects.toMatchObject({
      op: "execve",
      errno: "ENOENT",
      detail: '"nothing-like-it": executable file not found in $PATH',
    });
    const [known] = await simulation.drive(shim.list());
    expect(known).toMatchObject({ state: "exited", exit: { exitCode: 128 } });
    expect(spans.names).toEqual(["op.clone3", "op.awaitStart", "op.execve"]);
  });

  test("is killed by its number, and TERM that it ignores does nothing", async () => {
    const { simulation, world } = bed();
    const { shim } = await running(simulation, world, ["test-deaf"]);
    await simulation.drive(shim.kill("c", 15, false));
    await simulation.drive(simulation.clock.sleep(1000));
    expect((await simulation.drive(shim.list()))[0]?.state).toBe("running");
    await simulation.drive(shim.kill("c", 9, true));
    expect(await simulation.drive(shim.wait("c"))).toMatchObject({ exitCode: 137 });
  });

  test("cannot be made twice, started twice, or waited for when nobody knows it", async () => {
    const { simulation, world } = bed();
    const { shim } = await running(simulation, world, ["test-deaf"]);
    const again = shim.create(context, container("c", containerPlan(["test-deaf"])));
    await expect(simulation.drive(again)).rejects.toMatchObject({ errno: "EEXIST" });
    const start = shim.start(context, "c");
    await expect(simulation.drive(start)).rejects.toMatchObject({ errno: "EALREADY" });
    await expect(simulation.drive(shim.wait("x"))).rejects.toMatchObject({ errno: "ENOENT" });
  });

  test("an abort while it is made ends what was started", async () => {
    const { simulation, world } = bed();
    const shim = await shimOf(simulation, world);
    const abort = new AbortController();
    const made = shim.create(
      { ...context, signal: abort.signal },
      container("c", containerPlan(["test-deaf"])),
    );
    abort.abort(new Error("enough"));
    await expect(simulation.drive(made)).rejects.toThrow("enough");
    expect(await simulation.drive(shim.list())).toEqual([]);
    const left = [...simulation.machine.processes.values()].map(({ comm }) => comm);
    expect(left.filter((comm) => comm.startsWith("vitrine:"))).toEqual([]);
  });
});

describe("a command in a container", () => {
  test("gives its output and its exit code, cut where it was bounded", async () => {
    const { simulation, world } = bed();
    const { shim } = await running(simulation, world, ["test-deaf"]);
    const said = shim.exec(context, "c", execPlan(["test-say", "x".repeat(3000)]), bounds);
    const result = await simulation.drive(said);
    expect([result.exitCode, text(result.stdout).length]).toEqual([0, 1000]);
    const failed = await simulation.drive(
      shim.exec(context, "c", execPlan(["test-exit", "7"]), bounds),
    );
    expect(failed).toMatchObject({ exitCode: 7, timedOut: false });
  });

  test("is killed when its time is over", async () => {
    const { simulation, world } = bed();
    const { shim } = await running(simulation, world, ["test-deaf"]);
    const from = simulation.clock.monotonicNs();
    const late = shim.exec(context, "c", execPlan(["test-deaf"]), { ...bounds, timeoutMs: 2000 });
    expect(await simulation.drive(late)).toMatchObject({ exitCode: 137, timedOut: true });
    const tookMs = Number(simulation.clock.monotonicNs() - from) / 1e6;
    expect(tookMs).toBeGreaterThanOrEqual(2000);
    expect(tookMs).toBeLessThan(2200);
  });

  test("one that burns CPU for ever is killed as well", async () => {
    const { simulation, world } = bed();
    const { shim } = await running(simulation, world, ["test-deaf"]);
    const late = shim.exec(context, "c", execPlan(["test-busy"]), { ...bounds, timeoutMs: 500 });
    expect(await simulation.drive(late)).toMatchObject({ exitCode: 137, timedOut: true });
  });
});

describe("shim and daemon", () => {
  test("a shim outlives the daemon and is found again by its directory", async () => {
    const { simulation, world } = bed();
    const { started } = await running(simulation, world, ["test-exit", "3", "10"]);
    simulation.crashDaemon();
    const next = simulation.startDaemon();
    const found = await simulation.drive(next.kernel.findShim("pod", "/run/shim"));
    const [known] = (await simulation.drive(found?.list() ?? Promise.resolve([]))) ?? [];
    expect(known).toMatchObject({ containerId: "c", state: "running", pid: started.pid });
    expect(await simulation.drive(found?.wait("c") as Promise<unknown>)).toMatchObject({
      exitCode: 3,
    });
  });

  test("calls of a dead daemon never settle, and what it asks then is refused", async () => {
    const { simulation, world } = bed();
    const { shim } = await running(simulation, world, ["test-exit", "0", "1"]);
    let settled = false;
    const waiting = shim.wait("c").finally(() => {
      settled = true;
    });
    waiting.catch(() => undefined);
    simulation.crashDaemon();
    await simulation.drive(simulation.clock.sleep(5000));
    expect(settled).toBe(false);
    expect(() => world.clock.nowNs()).toThrow("the daemon is dead");
    expect(() => world.records.put("k", "i", 1)).toThrow("the daemon is dead");
  });

  test("containers of a shim that was killed live on with init as their parent", async () => {
    const { simulation, world } = bed();
    const { shim, started } = await running(simulation, world, ["test-deaf"]);
    const lost: string[] = [];
    world.kernel.listen({ exited: () => undefined, lost: (podId) => void lost.push(podId) });
    const waited = shim.wait("c");
    waited.catch(() => undefined);
    await simulation.drive(world.kernel.killShim("/run/shim"));
    await expect(simulation.drive(waited)).rejects.toMatchObject({ errno: "ECONNRESET" });
    await simulation.drive(simulation.clock.sleep(10));
    expect(lost).toEqual(["pod"]);
    const process = simulation.machine.process(started.pid);
    expect([process?.state, process?.parent?.pid]).toEqual(["alive", 1]);
    expect(await simulation.drive(world.kernel.findShim("pod", "/run/shim"))).toBeUndefined();
  });

  test("a shim that nobody needs ends by itself after thirty seconds", async () => {
    const { simulation, world } = bed();
    const shim = await shimOf(simulation, world);
    shim.disconnect();
    await simulation.drive(simulation.clock.sleep(29_000));
    expect(simulation.machine.process(shim.pid)?.state).toBe("alive");
    await simulation.drive(simulation.clock.sleep(2_000));
    expect(simulation.machine.process(shim.pid)?.state).not.toBe("alive");
  });

  test("an exit is told to the listener once, also when nobody waits", async () => {
    const { simulation, world } = bed();
    const exits: number[] = [];
    const heard = {
      exited: (_: string, exit: { exitCode: number }) => void exits.push(exit.exitCode),
    };
    world.kernel.listen({ ...heard, lost: () => undefined });
    await running(simulation, world, ["test-exit", "4", "1"]);
    await simulation.drive(simulation.clock.sleep(2000));
    expect(exits).toEqual([4]);
  });
});
