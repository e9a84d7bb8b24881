/** Runtime steps: image. */
import type { CatalogueEntry } from "./entry.ts";

export const imageSteps = {} as const satisfies Record<string, CatalogueEntry>;
