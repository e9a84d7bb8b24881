/** Samples and what is said of them. */

export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Median and the 10th and 90th percentile of `samples`. */
export function figureOf(samples: readonly number[]): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return {
    median: at(0.5) ?? Number.NaN,
    low: at(0.1) ?? Number.NaN,
    high: at(0.9) ?? Number.NaN,
    count: sorted.length,
  };
}

/** Samples by name, in the order of their first appearance. */
export class Samples {
  readonly #byName = new Map<string, number[]>();

  add(name: string, value: number): void {
    const list = this.#byName.get(name);
    if (list === undefined) this.#byName.set(name, [value]);
    else list.push(value);
  }

  /** Runs `work` and adds its duration in milliseconds. */
  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const started = process.hrtime.bigint();
    const result = await work();
    this.add(name, Number(process.hrtime.bigint() - started) / 1e6);
    return result;
  }

  names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  figure(name: string): Figure | undefined {
    const list = this.#byName.get(name);
    return list === undefined ? undefined : figureOf(list);
  }
}
