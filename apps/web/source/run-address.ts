/**
 * A run as the address of the page: ?scenario=oom-kill&seed=7&fault=mount%231%3DENOSPC. Whoever opens it sees the
 * same run, arrow by arrow.
 */

/** What the form holds, as typed. */
export interface RunWords {
  readonly scenario: string;
  readonly seed: string;
  readonly faults: string;
  /** Id of a pace. */
  readonly pace: string;
}

export interface Pace {
  readonly id: string;
  readonly title: string;
  /** Virtual nanoseconds a real millisecond shows; 0 is as fast as possible. */
  readonly nsPerMs: number;
}

export const paces: readonly [Pace, ...Pace[]] = [
  { id: "0", title: "at once", nsPerMs: 0 },
  { id: "1", title: "as on Linux", nsPerMs: 1_000_000 },
  { id: "10", title: "10 times slower", nsPerMs: 100_000 },
  { id: "100", title: "100 times slower", nsPerMs: 10_000 },
];

export const noWords: RunWords = { scenario: "", seed: "1", faults: "", pace: paces[0].id };

const seedMax = 0xffff_ffff;

/** The whole number of a seed; undefined when it is none. */
export function seedOf(text: string): number | undefined {
  const seed = Number(text);
  return /^\d{1,10}$/.test(text.trim()) && seed <= seedMax ? seed : undefined;
}

/** The run an address names; undefined when it names no scenario. */
export function wordsOf(search: string): RunWords | undefined {
  const asked = new URLSearchParams(search);
  const scenario = asked.get("scenario");
  if (scenario === null) return undefined;
  const pace = asked.get("pace");
  return {
    scenario,
    seed: asked.get("seed") ?? noWords.seed,
    faults: asked.getAll("fault").join(" "),
    pace: paces.some(({ id }) => id === pace) && pace !== null ? pace : noWords.pace,
  };
}

/** The address of a run, from the "?" on. */
export function addressOf(words: RunWords, faults: readonly string[]): string {
  const search = new URLSearchParams({ scenario: words.scenario, seed: words.seed.trim() });
  for (const fault of faults) search.append("fault", fault);
  if (words.pace !== noWords.pace) search.set("pace", words.pace);
  return `?${search}`;
}
