/** The name that was probably meant. */

function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      line.push(
        Math.min(
          (line[column - 1] as number) + 1,
          (above[column] as number) + 1,
          (above[column - 1] as number) + same,
        ),
      );
    }
    above = line;
  }
  return above[b.length] as number;
}

/** The nearest of `names`, when it is near enough to have been meant. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const far = distance(name.toLowerCase(), candidate.toLowerCase());
    if (far < least) [best, least] = [candidate, far];
  }
  return best;
}
