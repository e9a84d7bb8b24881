/** That the crash machine sees a lie when there is one: the books are falsified, or the machine is. */
import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { deliverSignal, SIGKILL } from "../../kernel/sim/index.ts";
import { idle, podOf } from "../pods.ts";
import { Stage } from "../stage.ts";
import { contradictions } from "./contradictions.ts";
import { ExitWitness } from "./exit-witness.ts";

const host = { turn: () => setImmediate() };
let stage: Stage;
let witness: ExitWitness;
let sandboxId: string;
let containerId: string;

beforeEach(async () => {
  stage = await Stage.open({ seed: 1, host });
  witness = new ExitWitness(stage.simulation.machine);
  const running = await stage.play(stage.pods().runPod(stage.context, podOf("a", [idle("b")])));
  sandboxId = running.sandboxId;
  containerId = running.containers[0]?.id ?? "";
});

function books() {
  const { pods, containers } = stage.engine.parts;
  return { pods, containers, record: containers.need(containerId), pod: pods.need(sandboxId) };
}

function findings(): string {
  return [...contradictions(stage), ...witness.contradictions(stage)].join("\n");
}

describe("a contradiction", () => {
  it("is not there in a machine that is well", async () => {
    expect(findings()).toBe("");
    await stage.play(stage.engine.stopContainer(stage.context, { containerId, timeout: 0 }));
    expect(findings()).toBe("");
  });

  it("is a container that is said to run and does not, or has ended and lives", () => {
    const { containers } = books();
    containers.update(containerId, { startTime: 1 });
    expect(findings()).toMatch(/is said to run, but pid \d+ does not/);
    containers.update(containerId, { state: "exited" });
    expect(findings()).toMatch(/is said to have exited, but 1 processes live/);
  });

  it("is a pod that is said to be ready without its pause process", () => {
    const { pod } = books();
    const pause = stage.simulation.machine.process(pod.pid);
    if (pause !== undefined) deliverSignal(pause, SIGKILL);
    expect(findings()).toMatch(/said to be ready, but its pause process is gone/);
  });

  it("is a workload that runs twice", async () => {
    const { containers } = books();
    const other = podOf("c", [idle("b")], { uid: "a-1" });
    await stage.play(stage.pods().runPod(stage.context, other));
    expect(findings()).toMatch(/2 processes of a-1 b run at once/);
    expect(containers.all()).toHaveLength(2);
  });

  it("is what belongs to a pod that nobody knows", () => {
    const { pods, containers } = books();
    containers.delete(containerId);
    pods.delete(sandboxId);
    const said = findings();
    expect(said).toMatch(/sleep lives in the cgroup of/);
    expect(said).toMatch(/owner of: mount \/run\/netns\/vitrine-/);
    expect(said).toMatch(/owner of: mount \/run\/vitrine\/containers\//);
    expect(said).toMatch(/owner of: file \/var\/lib\/vitrine\/pods\//);
    expect(said).toMatch(/1 addresses are taken for 0 pods/);
    expect(said).toMatch(/1 pods are plugged into vitrine0, but only 0 can be/);
  });

  it("is an address that the pod has not", () => {
    books().pods.update(sandboxId, { ips: ["10.187.0.99"] });
    expect(findings()).toMatch(/is said to have 10\.187\.0\.99, but its eth0 has: 10\.187\.0\.2/);
  });

  it("is an exit code or a reason that is not so", async () => {
    await stage.play(stage.engine.stopContainer(stage.context, { containerId, timeout: 0 }));
    const { containers, record } = books();
    const end = record.end ?? { exitCode: 0, reason: "", message: "", finishedAtNs: "0" };
    containers.update(containerId, { end: { ...end, exitCode: 3 } });
    expect(findings()).toMatch(/said to have ended with 3, but it was 137/);
    containers.update(containerId, { end: { ...end, reason: "OOMKilled" } });
    expect(findings()).toMatch(/killed for its memory, but nobody was/);
  });
});
