/** Ops: one entry for each variant of the Op union, id "op.<name>". */
import type { CatalogueEntry } from "./entry.ts";

export const opSteps = {} as const satisfies Record<string, CatalogueEntry>;
