/** Registry and content store of a simulated daemon, with the faults that the schedule has for them. */
import type { Clock, ContentStore, Random, Registry } from "../../world.ts";
import type { FaultSchedule } from "../fault/fault-schedule.ts";
import type { RegistryFaults } from "../registry/registry-faults.ts";
import { SimContentStore } from "../registry/sim-content-store.ts";
import { SimRegistry } from "../registry/sim-registry.ts";
import type { DaemonLife } from "./daemon-life.ts";

export interface SimContentOptions {
  readonly life: DaemonLife;
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: FaultSchedule;
  /** The daemon's root directory: blobs lie in `content` below it. */
  readonly rootDirectory: string;
}

export function simContent(options: SimContentOptions): {
  readonly registry: Registry;
  readonly content: ContentStore;
} {
  const { life, clock, random, schedule, rootDirectory } = options;
  const content = new SimContentStore(life, { directory: `${rootDirectory}/content` });
  const faults: RegistryFaults = ({ bytes }) => schedule.registry(bytes);
  return {
    content,
    registry: new SimRegistry({ owner: life, store: content, clock, random, faults }),
  };
}
