/**
 * Killing what a program that has to end started: also those that made a session of their own, or whose
 * parents have gone, where no process group reaches. They are known by a variable in the environment
 * that they were born with (/proc/PID/environ, proc_pid_environ(5)).
 */
import { closeSync, readdirSync, readFileSync } from "node:fs";
import { openPidfd, signalPidfd } from "./library.ts";

const SIGKILL = 9;
/** One that forks while it is looked for is found the next time. */
const roundsMax = 10;

let count = 0;

/** A variable that no other program's environment has. */
export function newMark(): string {
  count += 1;
  return `VITRINE_PROGRAM=${process.pid}.${count}`;
}

function bears(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(mark);
  } catch {
    // It has ended.
    return false;
  }
}

/** Through a pidfd, and looked at again with it in hand, so that nobody else dies who got the number meanwhile. */
function kill(pid: string, mark: string): void {
  const pidfd = openPidfd(Number(pid));
  if (pidfd === undefined) return;
  try {
    if (bears(pid, mark)) signalPidfd(pidfd, SIGKILL);
  } finally {
    closeSync(pidfd);
  }
}

/** Kills every process whose environment has `mark`. Those that are already dead, but waited for by nobody, have none. */
export function killMarked(mark: string): void {
  for (let round = 0; round < roundsMax; round++) {
    const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && bears(name, mark));
    if (found.length === 0) return;
    for (const pid of found) kill(pid, mark);
  }
}
