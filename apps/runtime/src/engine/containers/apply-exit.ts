/**
 * What happens when a container has ended: its record learns how, and processes that outlived their
 * init in a shared pid namespace are killed. Whoever learns of the end first writes it; the rest find it written.
 */
import { RuntimeError } from "../../kernel/errors.ts";
import type { ContainerExit } from "../../kernel/kernel.ts";
import type { Context } from "../../trace/tracer.ts";
import type { EngineParts } from "../engine-parts.ts";
import { allows, next } from "../lifecycle.ts";
import { endOfExit } from "./container-end.ts";
import { containerLifecycle } from "./container-lifecycle.ts";
import type { ContainerEnd, ContainerRecord } from "./container-record.ts";

/** Writes the exit that the shim saw. The caller holds the container's lock. */
export async function applyExit(parts: EngineParts, exit: ContainerExit): Promise<void> {
  const record = parts.containers.get(exit.containerId);
  if (record === undefined || record.end !== undefined) return;
  recordEnd(parts, record, endOfExit(exit, record.startedAtNs));
  if (record.sharesPids) await killLeftovers(parts, record);
}

/** Writes how a container ended, once; a container that has an end keeps it. */
export function recordEnd(parts: EngineParts, record: ContainerRecord, end: ContainerEnd): void {
  if (record.end !== undefined || !allows(containerLifecycle, record.state, "exited")) return;
  const state = next(containerLifecycle, record.state, "exited", record.id);
  parts.containers.update(record.id, { state, end });
}

/** Kills every process in the container's cgroup. A cgroup that has gone has no process. */
export async function killLeftovers(
  parts: EngineParts,
  record: Pick<ContainerRecord, "cgroupPaths">,
): Promise<void> {
  const path = record.cgroupPaths[0];
  if (path !== undefined) await parts.world.kernel.emptyCgroup(path);
}

/** The record of a container whose lock is held now, and which may have gone while waiting for it. */
export function stillThere(parts: EngineParts, id: string): ContainerRecord {
  const record = parts.containers.get(id);
  if (record === undefined) throw new RuntimeError("NOT_FOUND", `container ${id} not found`);
  return record;
}

/** Waits until whatever is being done to the container now is done. */
export async function settled(parts: EngineParts, context: Context, id: string): Promise<void> {
  await parts.locks.run(context, id, () => undefined);
}
