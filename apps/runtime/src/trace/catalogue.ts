/**
 * The catalogue: every step of the story, named once. Span names, levels, labels, colours, the docs
 * and the coverage test derive from it. Entries live beside each other by area in catalogue/.
 */
import { attackSteps } from "./catalogue/attack.ts";
import { clusterSteps } from "./catalogue/cluster.ts";
import { containerSteps } from "./catalogue/container.ts";
import { criSteps } from "./catalogue/cri.ts";
import { dockerSteps } from "./catalogue/docker.ts";
import type { CatalogueEntry } from "./catalogue/entry.ts";
import { imageSteps } from "./catalogue/image.ts";
import { networkSteps } from "./catalogue/network.ts";
import { opSteps } from "./catalogue/op.ts";
import { podSteps } from "./catalogue/pod.ts";
import { sandboxedSteps } from "./catalogue/sandboxed.ts";
import { storageSteps } from "./catalogue/storage.ts";

export type { CatalogueEntry, Level } from "./catalogue/entry.ts";

const entries = {
  ...criSteps,
  ...podSteps,
  ...containerSteps,
  ...imageSteps,
  ...networkSteps,
  ...opSteps,
  ...attackSteps,
  ...clusterSteps,
  ...dockerSteps,
  ...sandboxedSteps,
  ...storageSteps,
} as const;

export type StepId = keyof typeof entries;

export const catalogue: Readonly<Record<StepId, CatalogueEntry>> = entries;

/** The entry of a step id that came from outside (a recording); undefined when the catalogue has none. */
export function entryOf(id: string): CatalogueEntry | undefined {
  return Object.hasOwn(catalogue, id) ? catalogue[id as StepId] : undefined;
}
