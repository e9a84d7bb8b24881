/** What the crash machine has found in the engine and what was mended: each with the run that showed it. */
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { residueBetween, snapshot } from "../../kernel/sim/index.ts";
import { shellIn } from "../look-inside.ts";
import { podOf, shell } from "../pods.ts";
import { scenarioNamed } from "../scenarios.ts";
import { Stage } from "../stage.ts";
import { crashScenario } from "./crash-scenario.ts";

/*
 * A run of the crash machine changes with every op that the runtime makes more or less, so that a fault at op 301
 * is another one tomorrow. What does not depend on that stands in tests of its own beside the code.
 */
const host = { turn: () => setImmediate() };

/** Scenario, seed, faults, and what used to go wrong. */
const mended: readonly (readonly [string, number, readonly string[], string])[] = [
  [
    "liveness-restart",
    223,
    ["removeTree#4=ENOSPC", "oom@322", "shim=kill@55"],
    "a pod that failed, and whose files could not be removed, was in no list: its name stayed taken",
  ],
  [
    "attack-seccomp",
    328,
    ["crash@108", "op@301=ENOMEM", "rmdir#2=EBUSY"],
    "a cgroup that was in use for a moment stayed for ever",
  ],
  [
    "oom-kill",
    404,
    ["crash@96", "cni:ADD#1=hang", "record@8=crash"],
    "a plugin that hung outlived its daemon, and its ADD could come after the DEL of the next",
  ],
  [
    "housekeeping",
    270,
    ["record@8=crash", "shim=kill@64"],
    "a network namespace was bound by a process of a dead daemon when the next had looked already",
  ],
  [
    "cgroup-v1",
    935,
    ["shim=kill@260"],
    "a container whose shim died while it was started ran on, and was said to have ended",
  ],
];

for (const [id, seed, faults, story] of mended) {
  it(`mended: ${story}`, async () => {
    const outcome = await crashScenario({ scenario: scenarioNamed(id), seed, faults }, host);
    expect(outcome.findings).toEqual([]);
  });
}

it("mended: cgroups that a container made below its own stayed", async () => {
  const stage = await Stage.open({ seed: 1, host });
  const before = snapshot(stage.simulation.machine);
  const script =
    "mkdir -p /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/mine/deeper && touch /made; sleep 3600";
  const container = shell("systemd", script, { security: { privileged: true } });
  const pods = stage.pods();
  const { sandboxId, containers } = await stage.play(
    pods.runPod(stage.context, podOf("nested", [container])),
  );
  await stage.play(stage.simulation.clock.sleep(100));
  const said = await stage.play(shellIn(stage, containers[0]?.id ?? "", "ls /made"));
  expect(said.stdout).toBe("/made\n");
  await stage.play(pods.stopPod(stage.context, sandboxId, 0));
  await stage.play(pods.removePod(stage.context, sandboxId));
  await stage.close();
  expect(residueBetween(before, snapshot(stage.simulation.machine))).toEqual([]);
});
