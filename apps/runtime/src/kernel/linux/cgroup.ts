/** Emptying a cgroup: every process in it and below it is killed (cgroups(7)). */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KernelError } from "../errors.ts";

const roundsMax = 200;
const roundMs = 5;

function pidsIn(path: string): readonly number[] {
  try {
    const text = readFileSync(join(path, "cgroup.procs"), "utf8");
    return text.split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Pids of the cgroup and of all below it. */
function pidsBelow(path: string): readonly number[] {
  if (!existsSync(path)) return [];
  const below = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => pidsBelow(join(path, entry.name)));
  return [...pidsIn(path), ...below];
}

/** v2 has one file for it (Linux 5.14), which no fork can outrun. */
function killAtOnce(path: string): boolean {
  const file = join(path, "cgroup.kill");
  if (!existsSync(file)) return false;
  writeFileSync(file, "1");
  return true;
}

/**
 * Kills until nobody is left; a missing cgroup is empty.
 * @throws KernelError EBUSY when processes remain after a second (in uninterruptible sleep).
 */
export async function emptyCgroup(path: string): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    const pids = pidsBelow(path);
    if (pids.length === 0) return;
    if (!killAtOnce(path)) {
      for (const pid of pids) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // Ended meanwhile.
        }
      }
    }
    await sleep(roundMs);
  }
  const left = pidsBelow(path);
  if (left.length === 0) return;
  throw new KernelError({
    errno: "EBUSY",
    op: "library",
    detail: path,
    message: `kill cgroup ${path}: EBUSY, pids ${left.join(", ")} do not end`,
  });
}
