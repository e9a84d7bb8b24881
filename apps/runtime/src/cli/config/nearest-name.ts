/** The known name somebody may have meant. */
import { editDistance } from "../../kernel/edit-distance.ts";

/** The nearest of `candidates`, when it is near enough to be meant: half of the letters wrong at most. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const short = name.slice(0, 100).toLowerCase();
  const [best] = candidates
    .map((candidate) => ({ candidate, edits: editDistance(short, candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  return best !== undefined && best.edits <= Math.max(1, name.length / 2)
    ? best.candidate
    : undefined;
}
