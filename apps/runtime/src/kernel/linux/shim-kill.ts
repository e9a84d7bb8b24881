/** Killing a shim that does not answer. Its directory says which process it is: it works nowhere else. */
import {
  closeSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openPidfd, signalPidfd } from "./library.ts";

const program = "vitrine-shim";
const sigkill = 9;
const pollMs = 5;
const polls = 200;

function livesIn(pid: string, directory: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === directory &&
      readFileSync(`/proc/${pid}/comm`, "utf8").trim() === program
    );
  } catch {
    // A process that ended meanwhile, or a kernel thread.
    return false;
  }
}

/** Kills every shim whose working directory is `directory` and waits until it has gone, a second at most. */
export async function killShim(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const real = realpathSync(directory);
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    if (!livesIn(pid, real)) continue;
    const pidfd = openPidfd(Number(pid));
    if (pidfd === undefined) continue;
    // Looked at again now that the pidfd holds it: the pid may have been another's in between.
    if (livesIn(pid, real)) signalPidfd(pidfd, sigkill);
    closeSync(pidfd);
    for (let poll = 0; poll < polls && livesIn(pid, real); poll++) await sleep(pollMs);
  }
}
