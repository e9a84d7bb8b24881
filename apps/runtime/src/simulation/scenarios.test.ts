import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { rpcs } from "../cri/service/rpc-table.ts";
import { attribute } from "../trace/attribute.ts";
import { castOf } from "../trace/cast.ts";
import { catalogue } from "../trace/catalogue.ts";
import { breaksOf } from "../trace/predicates.ts";
import { recordingOf, runScenario } from "./run-scenario.ts";
import { scenarios } from "./scenarios.ts";

const host = { turn: () => setImmediate() };

const unimplemented = "the engine answers UNIMPLEMENTED";
const archives = "a simulated machine has no archives to load: it pulls";
const unused = "no Plan of the runtime has it; lessons and tests put it in";

/** Steps no scenario shows, and why. */
const unseen: Readonly<Record<string, string>> = {
  "admin.LoadImage": archives,
  "image.load": archives,
  ...Object.fromEntries(
    [
      "Attach",
      "CheckpointContainer",
      "CheckpointPod",
      "ContainerStats",
      "Exec",
      "GetContainerEvents",
      "ListContainerStats",
      "ListMetricDescriptors",
      "ListPodSandboxMetrics",
      "ListPodSandboxStats",
      "PodSandboxStats",
      "PortForward",
      "RestorePod",
      "StreamContainerStats",
      "StreamContainers",
      "StreamImages",
      "StreamPodSandboxMetrics",
      "StreamPodSandboxStats",
      "StreamPodSandboxes",
      "UpdatePodSandboxResources",
    ].map((rpc) => [`cri.${rpc}`, unimplemented]),
  ),
  "op.await": unused,
  "op.chroot": unused,
  "op.copyTree": unused,
  "op.parentDeathSignal": unused,
  "op.release": unused,
  "op.rename": unused,
  "op.setdomainname": unused,
  "op.selinux": "the simulated kernel has AppArmor; a kernel has one of the two",
};

const seen = new Set<string>();

describe("scenarios", () => {
  it.each(scenarios)(
    "$id runs through, leaves nothing, and is the same every time",
    async ({ id }) => {
      const first = await runScenario(id, { seed: 1, host });
      expect(first.failure).toBeUndefined();
      expect(first.residue).toEqual([]);
      const open = first.spans.filter(({ endNs }) => endNs === undefined);
      expect(open.map(({ name }) => name)).toEqual([]);
      const again = await runScenario(id, { seed: 1, host });
      expect(recordingOf(again)).toBe(recordingOf(first));
      for (const span of first.spans) seen.add(String(span.attributes.get(attribute.step)));
    },
  );

  it.each(scenarios.filter(({ cast }) => cast === undefined))(
    "$id tells the truth as a recording",
    async ({ id }) => {
      const { spans } = await runScenario(id, { seed: 2, host });
      expect(breaksOf(spans)).toEqual([]);
    },
  );

  it("another seed is another run of the same story", async () => {
    const one = await runScenario("demo-pod", { seed: 1, host });
    const two = await runScenario("demo-pod", { seed: 2, host });
    const names = (run: typeof one) => run.spans.map(({ name }) => name);
    expect(names(two)).toEqual(names(one));
    expect(recordingOf(two)).not.toBe(recordingOf(one));
  });

  it("narrates steps that come up, and names casts that exist", () => {
    for (const { id, cast, narration } of scenarios) {
      if (cast !== undefined) expect(castOf(cast), id).toBeDefined();
      for (const step of Object.keys(narration)) expect(catalogue, id).toHaveProperty([step]);
    }
  });

  it("shows every step of the catalogue", () => {
    const steps = Object.keys(catalogue).filter((step) => !seen.has(step));
    expect(steps.sort()).toEqual(Object.keys(unseen).sort());
  });

  it("leaves out only RPCs that nobody has implemented", () => {
    const implemented = new Set(rpcs.map(({ name }) => `cri.${name}`));
    const left = Object.keys(unseen).filter((step) => unseen[step] === unimplemented);
    expect(left.filter((step) => implemented.has(step))).toEqual([]);
  });

  it.each([
    ["no-such-thing", {}, /there is no scenario "no-such-thing"; there are: demo-pod/],
    ["demo-pod", { faults: ["mont#2=ENOSPC"] }, /did you mean "mount"/],
    ["demo-pod", { faults: ["crash@x"] }, /whole number/],
    ["demo-pod", { faults: ["mount#1=ENOSPACE"] }, /names no errno/],
  ] as const)("refuses %s %j in words", async (id, more, message) => {
    await expect(runScenario(id, { seed: 1, host, ...more })).rejects.toThrow(message);
  });
});
