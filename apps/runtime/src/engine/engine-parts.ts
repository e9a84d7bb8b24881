/** What every RPC of the engine works with: the world, the options, the records and the subsystems. */
import type { World } from "../kernel/world.ts";
import type { ContainerRecord } from "./containers/container-record.ts";
import type { CrashPoint, EngineOptions } from "./engine-options.ts";
import type { Images } from "./images/images.ts";
import type { KeyedLocks } from "./keyed-locks.ts";
import type { Network } from "./network/network.ts";
import type { PodRecord } from "./pods/pod-record.ts";
import type { RecordStore } from "./record-store.ts";
import type { Shims } from "./shims.ts";
import type { Snapshots } from "./snapshots/snapshots.ts";

export interface RecoveryState {
  done: boolean;
  /** In sentences; none of them keeps the daemon from serving. */
  problems: string[];
}

export interface EngineParts {
  readonly world: World;
  readonly options: EngineOptions;
  readonly pods: RecordStore<PodRecord>;
  readonly containers: RecordStore<ContainerRecord>;
  /** One at a time for each id, and for each name while it is being made. */
  readonly locks: KeyedLocks;
  readonly shims: Shims;
  readonly network: Network;
  readonly images: Images;
  readonly snapshots: Snapshots;
  /** How far the reconciliation at start has come, and what it could not mend. */
  readonly recovery: RecoveryState;
  /** Marks a boundary between intent and effect; ends the process when a test asked for it. */
  readonly crashPoint: (point: CrashPoint) => void;
}
