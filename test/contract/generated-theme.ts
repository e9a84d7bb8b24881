/**
 * Generated contract cases: random sequences of ops around one theme, for both kernels. Paths, ids and sets come from
 * small pools, so that ops meet each other; whatever is refused goes on, and a probe looks at the end.
 */
import fc from "fast-check";
import type { Op } from "../../apps/runtime/src/kernel/index.ts";
import type { Scenario } from "./contract-case.ts";

export interface Theme {
  readonly name: string;
  /** Sequences of ops; a group of ops is one draw. */
  readonly draws: fc.Arbitrary<readonly (readonly Op[])[]>;
  readonly scenario: (ops: readonly Op[]) => Scenario;
}

const drawsMax = 14;

export function sequences(
  ...weighted: readonly fc.WeightedArbitrary<readonly Op[]>[]
): fc.Arbitrary<readonly (readonly Op[])[]> {
  return fc.array(fc.oneof(...weighted), { minLength: 1, maxLength: drawsMax });
}

export const one = (op: Op): readonly Op[] => [op];
