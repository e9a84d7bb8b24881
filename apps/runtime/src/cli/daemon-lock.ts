/**
 * One daemon a directory: flock(2) on a file in it. The kernel lets go of the lock when the daemon dies,
 * however it dies, which no pid file can promise. Node has no flock, hence the C library's own.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { ProgramError } from "./program-error.ts";

const lockExclusive = 2;
const lockNonBlocking = 4;

export interface DaemonLock {
  release(): void;
}

/** Takes the lock of `directory`; a ProgramError with the holder's pid when another daemon has it. */
export function lockDirectory(directory: string): DaemonLock {
  const path = join(directory, "lock");
  const flock = koffi.load(null).func("int flock(int fd, int operation)");
  const fd = openSync(path, "a+", 0o600);
  if (flock(fd, lockExclusive | lockNonBlocking) !== 0) {
    const holder = readFileSync(path, "utf8").trim();
    closeSync(fd);
    const who = holder === "" ? "" : ` (pid ${holder})`;
    throw new ProgramError(
      `another vitrined${who} uses ${directory}; stop it, or give this one its own --root and --state`,
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return { release: () => closeSync(fd) };
}
