/** The scene: what is on the stage for one pod at one level, and the same as a flat list of steps. */
import {
  type Call,
  type Level,
  orderLifelines,
  type PodView,
  type Row,
  type SequenceView,
  type StepState,
  viewStory,
} from "@vitrine/runtime/trace";
import { cachedView, type TraceStore } from "../source/trace-store.ts";

/** What can be chosen on the left: a pod by its id, or all calls that belong to none. */
export const nodeId = "node";

export interface Block {
  readonly key: string;
  readonly call: Call | undefined;
  readonly view: SequenceView;
  readonly title: string;
  readonly state: StepState;
  readonly startNs: bigint;
  readonly durationNs: bigint | undefined;
}

export interface StepItem {
  /** Place in the list, from 1. */
  readonly n: number;
  readonly row: Row;
  readonly block: Block;
}

export interface Scene {
  readonly blocks: readonly Block[];
  readonly lifelines: readonly string[];
  readonly steps: readonly StepItem[];
  readonly rowCount: number;
}

export function callsOf(store: TraceStore, podId: string): readonly Call[] {
  const wanted = podId === nodeId ? undefined : podId;
  return store.calls().filter((call) => call.podId === wanted);
}

function blockOfCall(call: Call, level: Level): Block | undefined {
  const view = cachedView(call, level);
  const first = view.rows[0];
  if (!first) return undefined;
  return {
    key: call.key,
    call,
    view,
    title: first.label,
    state: first.state,
    startNs: call.root.span.startNs,
    durationNs: first.durationNs,
  };
}

function storyBlock(pod: PodView, calls: readonly Call[]): Block | undefined {
  const view = viewStory(pod, calls);
  const first = view.rows[0];
  if (!first) return undefined;
  const failed = view.rows.some((row) => row.state === "failed");
  const last = view.rows.at(-1);
  return {
    key: `story-${pod.id}`,
    call: undefined,
    view,
    title: `The story of ${pod.name || "this pod"}`,
    state: failed ? "failed" : (last?.state ?? "done"),
    startNs: first.atNs,
    durationNs: last?.kind === "reply" ? last.durationNs : undefined,
  };
}

function stepsOf(blocks: readonly Block[]): StepItem[] {
  const steps: StepItem[] = [];
  for (const block of blocks) {
    for (const row of block.view.rows) {
      // The last arrow of the story is an answer and a step of its own.
      if (row.kind === "reply" && row.level !== 0) continue;
      steps.push({ n: steps.length + 1, row, block });
    }
  }
  return steps;
}

/** What to draw for a pod (or the node) at a level. */
export function makeScene(store: TraceStore, podId: string, level: Level): Scene {
  const calls = callsOf(store, podId);
  const pod = store.sequence.pods.get(podId);
  const story = level === 0 && pod ? storyBlock(pod, calls) : undefined;
  const shown: Level = level === 0 ? 1 : level;
  const blocks = story
    ? [story]
    : calls.map((call) => blockOfCall(call, shown)).filter((block) => block !== undefined);
  return {
    blocks,
    lifelines: orderLifelines(blocks.flatMap((block) => block.view.lifelines)),
    steps: stepsOf(blocks),
    rowCount: blocks.reduce((sum, block) => sum + block.view.rows.length, 0),
  };
}
