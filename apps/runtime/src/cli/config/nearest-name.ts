/** The known name somebody may have meant. */

/** Edits (insert, delete, replace) that make `from` into `to`. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** The nearest of `candidates`, when it is near enough to be meant: half of the letters wrong at most. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const short = name.slice(0, 100).toLowerCase();
  const [best] = candidates
    .map((candidate) => ({ candidate, edits: distance(short, candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  return best !== undefined && best.edits <= Math.max(1, name.length / 2)
    ? best.candidate
    : undefined;
}
