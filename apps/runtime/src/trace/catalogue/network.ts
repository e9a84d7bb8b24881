/** Runtime steps: network. */
import type { CatalogueEntry } from "./entry.ts";

export const networkSteps = {} as const satisfies Record<string, CatalogueEntry>;
