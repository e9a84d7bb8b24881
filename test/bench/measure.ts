/** The measurements: calls one after another, throughput, many pods at once. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Contender, Contenders } from "./contenders.ts";
import { Samples } from "./figures.ts";
import { type Memory, memoryOf, memoryOfAll } from "./memory.ts";
import { cycle, type RunningPod, startPod, stopPod } from "./pod-cycle.ts";

const warmUpRounds = 40;
/** Each contender's turn, so that its own caches are its own for a moment, as on a node where it is alone. */
const livesPerTurn = 5;
/** The kernel takes network namespaces apart after their pods are gone; nobody shall pay for his neighbour's. */
const settleMs = 400;
export const firstPod = "first pod after the daemon's start";

export type ByContender<T> = ReadonlyMap<Contender, T>;

/**
 * Interleaved, so that whatever the machine does in between meets everybody alike. The very first pod of each daemon is a
 * figure of its own; then one pod stays up everywhere, as on a node in use, and everybody is warmed up alike.
 */
export async function measureCalls(
  contenders: Contenders,
  rounds: number,
  say: (sentence: string) => void,
): Promise<ByContender<Samples>> {
  const result = new Map<Contender, Samples>();
  for (const contender of contenders.all) {
    say(`first pod and ${warmUpRounds} to warm up: ${contender.name}`);
    const samples = new Samples();
    const first = new Samples();
    await startPod(contender.workload, first);
    samples.add(firstPod, first.figure("pod ready")?.median ?? Number.NaN);
    for (let i = 0; i < warmUpRounds; i += 1) await cycle(contender.workload, new Samples());
    result.set(contender, samples);
  }
  for (let round = 0; round < rounds; round += 1) {
    say(`calls: round ${round + 1} of ${rounds}`);
    for (const [contender, samples] of result) {
      await sleep(settleMs);
      for (let life = 0; life < livesPerTurn; life += 1) await cycle(contender.workload, samples);
    }
  }
  return result;
}

export interface Throughput {
  readonly clients: number;
  readonly cyclesPerSecond: number;
  readonly samples: Samples;
}

/** Full lives, `cycles` of them shared among `clients`. */
export async function measureThroughput(
  contender: Contender,
  clients: number,
  cycles: number,
): Promise<Throughput> {
  const samples = new Samples();
  let left = cycles;
  await sleep(settleMs);
  const started = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left > 0) {
        left -= 1;
        await cycle(contender.workload, samples);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  return { clients, cyclesPerSecond: cycles / seconds, samples };
}

export interface Crowd {
  readonly pods: number;
  readonly upSeconds: number;
  readonly downSeconds: number;
  readonly daemon: Memory;
  readonly shims: { readonly sum: Memory; readonly each: Memory };
}

async function forAll<T>(
  items: readonly T[],
  clients: number,
  work: (item: T) => Promise<void>,
): Promise<number> {
  const rest = [...items];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
    }),
  );
  return (performance.now() - started) / 1000;
}

/** `count` pods up, what they cost in memory, and all of them down again. */
export async function measureCrowd(
  contender: Contender,
  count: number,
  clients: number,
): Promise<Crowd> {
  const samples = new Samples();
  const pods: RunningPod[] = [];
  await sleep(settleMs);
  const upSeconds = await forAll([...Array(count).keys()], clients, async () => {
    pods.push(await startPod(contender.workload, samples));
  });
  const daemon = memoryOf(contender.pid) ?? { rss: 0, pss: 0 };
  const shims = memoryOfAll(contender.shims());
  const downSeconds = await forAll(pods, clients, (pod) =>
    stopPod(contender.workload, pod, samples),
  );
  return { pods: count, upSeconds, downSeconds, daemon, shims };
}
