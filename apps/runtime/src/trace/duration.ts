/** Durations and counts as people read them. */

/** "83 µs", "1.24 ms", "12.3 ms", "2.05 s": three significant digits, never more than seconds. */
export function formatDuration(ns: bigint): string {
  const value = Number(ns < 0n ? 0n : ns);
  if (value < 1_000) return `${value} ns`;
  if (value < 999_500) return `${threeDigits(value / 1e3)} µs`;
  if (value < 999_500_000) return `${threeDigits(value / 1e6)} ms`;
  return `${threeDigits(value / 1e9)} s`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

/** "1 step", "14 steps". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
