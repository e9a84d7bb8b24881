/** Registry and content store of a simulated daemon. */
import type { Clock, ContentStore, Random, Registry } from "../../world.ts";
import type { RegistryFaults } from "../registry/registry-faults.ts";
import { SimContentStore } from "../registry/sim-content-store.ts";
import { SimRegistry } from "../registry/sim-registry.ts";
import type { DaemonLife } from "./daemon-life.ts";

/** Where the engine's root is, unless it is told otherwise. */
const contentDirectory = "/var/lib/vitrine/content";

export function simContent(
  life: DaemonLife,
  clock: Clock,
  random: Random,
  faults: RegistryFaults,
): { readonly registry: Registry; readonly content: ContentStore } {
  const content = new SimContentStore(life, { directory: contentDirectory });
  const registry = new SimRegistry({ owner: life, store: content, clock, random, faults });
  return { registry, content };
}
