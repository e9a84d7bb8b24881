/** CRI calls: one entry an RPC, id "cri.<Rpc>". */
import type { CatalogueEntry } from "./entry.ts";

export const criSteps = {} as const satisfies Record<string, CatalogueEntry>;
