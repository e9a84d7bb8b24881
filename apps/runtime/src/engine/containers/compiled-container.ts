/**
 * What a container was compiled to: its OCI spec and its Plan. Kept for the verbose status and the
 * page, and because an exec is compiled from the spec of the container it goes into.
 */

import { planToText } from "../../kernel/plan-text.ts";
import type { Records } from "../../kernel/world.ts";
import type { Compiled, OciSpec } from "../../oci/index.ts";

export interface CompiledRecord {
  readonly spec: OciSpec;
  /** One aligned line an op: the cgroup Plan, then the container's own. */
  readonly planText: string;
  readonly warnings: readonly string[];
}

const kind = "compiled";

type HasRecords = { readonly world: { readonly records: Records } };

/** Stores it beside the container's record. */
export function keepCompiled(parts: HasRecords, id: string, compiled: Compiled): void {
  const { spec, warnings, cgroupPlan, plan } = compiled;
  const planText = `${planToText(cgroupPlan)}\n\n${planToText(plan)}\n`;
  parts.world.records.put<CompiledRecord>(kind, id, { spec, planText, warnings });
}

/** What container `id` was compiled to; undefined before that, and when the stored value is broken. */
export function compiledOf(parts: HasRecords, id: string): CompiledRecord | undefined {
  const stored = parts.world.records.get<Partial<CompiledRecord>>(kind, id);
  if (typeof stored?.spec !== "object" || typeof stored.planText !== "string") return undefined;
  return { spec: stored.spec, planText: stored.planText, warnings: stored.warnings ?? [] };
}

/** Drops it. Unknown is no error. */
export function forgetCompiled(parts: HasRecords, id: string): void {
  parts.world.records.delete(kind, id);
}
