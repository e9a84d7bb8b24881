/** Which pod and which step are shown: chosen by the reader, or the newest pod and none. */
import { type Level, levelOf, type Step } from "@vitrine/runtime/trace";
import { useMemo, useState } from "react";
import type { TraceStore } from "../source/trace-store.ts";
import { nodeId, type Scene } from "./scene.ts";
import type { Chosen } from "./stage.tsx";

/** The pod the reader chose while it is there, else the newest, else the node's calls. */
export function useShownPod(store: TraceStore, version: number) {
  const [picked, setPicked] = useState<string>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the store's content
  const shown = useMemo(() => {
    const pods = store.sequence.pods.list();
    const valid = picked === nodeId || (picked !== undefined && store.sequence.pods.get(picked));
    return valid ? picked : (pods.at(-1)?.id ?? nodeId);
  }, [store, version, picked]);
  return [shown, setPicked] as const;
}

/** The level a step shows at, its ancestors' depth counted where the catalogue does not know it. */
export function shownLevel(step: Step): Level {
  const chain: Step[] = [];
  for (let above: Step | undefined = step; above; above = above.parent) chain.unshift(above);
  return chain.reduce((level, each) => levelOf(each, level), 0 as number) as Level;
}

export function useChosenStep(store: TraceStore, scene: Scene) {
  const [key, setKey] = useState<string>();
  const step = key === undefined ? undefined : store.sequence.steps.get(key);
  const item = scene.steps.find((candidate) => candidate.row.key === key);
  const call = step && store.sequence.call(step);
  const blockKey = item?.block.key ?? call?.key ?? "";
  const chosen = useMemo<Chosen | undefined>(
    () => (key === undefined ? undefined : { key, blockKey }),
    [key, blockKey],
  );
  const place = item ? `step ${item.n} of ${scene.steps.length}` : "folded step";
  return { key, setKey, step, item, call, chosen, place };
}
