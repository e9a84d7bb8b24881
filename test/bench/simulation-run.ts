/**
 * One measurement of the simulation, in a process of its own, because memory and warm code must not come from
 * another one. Prints one JSON line.
 *
 *   node simulation-run.ts lifecycles SECONDS     whole pod lives a second, with every span kept and dropped
 *   node simulation-run.ts crowd PODS             memory and time of that many pods at once
 */
import { setImmediate } from "node:timers/promises";
import type { PodDescription } from "../../apps/runtime/src/actors/index.ts";
import { Stage, simulatedNetwork } from "../../apps/runtime/src/simulation/index.ts";

const host = { turn: () => setImmediate() };

/** Addresses for everybody: the usual network of a node has 253. */
const wideNetwork = {
  ...simulatedNetwork,
  builtin: {
    binDir: "/usr/libexec/vitrine",
    bridge: "vitrine0",
    subnet: "10.187.0.0/16",
    dataDir: "/var/lib/vitrine/cni/leases",
  },
};

function pod(number: number): PodDescription {
  return {
    name: `pod-${number}`,
    namespace: "default",
    uid: `uid-${number}`,
    logDirectory: `/var/log/pods/pod-${number}`,
    containers: [{ name: "serve", image: "vitrine.local/demo:1", args: ["serve", "8080"] }],
  };
}

async function lifecycles(seconds: number): Promise<object> {
  let spans = 0;
  const stage = await Stage.open({
    seed: 1,
    host,
    forgetSpans: true,
    changed: (span) => {
      if (span.endNs === undefined) spans++;
    },
  });
  const pods = stage.pods();
  const live = async (number: number) => {
    const { sandboxId } = await pods.runPod(stage.context, pod(number));
    await pods.stopPod(stage.context, sandboxId, 1);
    await pods.removePod(stage.context, sandboxId);
  };
  let number = 0;
  for (; number < 200; number++) await stage.play(live(number));
  const warm = number;
  const spansBefore = spans;
  const began = performance.now();
  while (performance.now() - began < seconds * 1000) await stage.play(live(number++));
  const lasted = (performance.now() - began) / 1000;
  return {
    lifecyclesPerSecond: (number - warm) / lasted,
    spansPerLifecycle: (spans - spansBefore) / (number - warm),
  };
}

function rss(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

async function crowd(count: number): Promise<object> {
  const engine = { network: wideNetwork };
  const stage = await Stage.open({ seed: 1, host, forgetSpans: true, engine });
  const pods = stage.pods();
  await stage.play(pods.runPod(stage.context, pod(0)));
  const before = rss();
  const began = performance.now();
  let tenth = began;
  const tenths: number[] = [];
  const step = Math.max(1, Math.floor(count / 10));
  for (let number = 1; number <= count; number++) {
    await stage.play(pods.runPod(stage.context, pod(number)));
    if (number % step === 0) {
      tenths.push((performance.now() - tenth) / step);
      tenth = performance.now();
    }
  }
  const seconds = (performance.now() - began) / 1000;
  const after = rss();
  return {
    pods: count,
    seconds,
    bytesPerPod: (after - before) / count,
    rssBytes: after,
    /** Milliseconds a pod in the first tenth and in the last. */
    msFirst: tenths[0] ?? 0,
    msLast: tenths.at(-1) ?? 0,
  };
}

const [what, number = "10"] = process.argv.slice(2);
const result =
  what === "lifecycles" ? await lifecycles(Number(number)) : await crowd(Number(number));
process.stdout.write(`${JSON.stringify(result)}\n`);
