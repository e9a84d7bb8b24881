/** Runtime steps: container. */
import type { CatalogueEntry } from "./entry.ts";

export const containerSteps = {} as const satisfies Record<string, CatalogueEntry>;
