/** The name that was probably meant. */
import { editDistance } from "../../edit-distance.ts";

/** The nearest of `names`, when it is near enough to have been meant. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const far = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (far < least) [best, least] = [candidate, far];
  }
  return best;
}
