/** Every scenario there is, in the order in which a class would meet them. */
import { RuntimeError } from "../kernel/errors.ts";
import type { Scenario } from "./scenario.ts";
import { demoPod } from "./scenarios/demo-pod.ts";

export const scenarios: readonly Scenario[] = [demoPod];

/** The scenario of this id; RuntimeError NOT_FOUND that says which there are. */
export function scenarioNamed(id: string): Scenario {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  const known = scenarios.map((scenario) => scenario.id).join(", ");
  throw new RuntimeError("NOT_FOUND", `there is no scenario "${id}"; there are: ${known}`);
}
