/** What processes hold in memory, from /proc/PID/smaps_rollup (proc_pid_smaps(5)), bytes. */
import { readFileSync } from "node:fs";

export interface Memory {
  /** Resident set: every page mapped, shared ones counted in full. */
  readonly rss: number;
  /** Proportional set: shared pages divided among those who share them. */
  readonly pss: number;
}

/** Memory of one process; undefined when it is gone. */
export function memoryOf(pid: number): Memory | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kib = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
    return { rss: kib("Rss") * 1024, pss: kib("Pss") * 1024 };
  } catch {
    return undefined;
  }
}

/** Sum over processes, and the mean of one. */
export function memoryOfAll(pids: readonly number[]): {
  readonly sum: Memory;
  readonly each: Memory;
} {
  let rss = 0;
  let pss = 0;
  let count = 0;
  for (const pid of pids) {
    const memory = memoryOf(pid);
    if (memory === undefined) continue;
    rss += memory.rss;
    pss += memory.pss;
    count += 1;
  }
  const each = { rss: rss / Math.max(count, 1), pss: pss / Math.max(count, 1) };
  return { sum: { rss, pss }, each };
}
