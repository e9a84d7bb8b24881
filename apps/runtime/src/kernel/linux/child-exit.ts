/**
 * The end of programs that the library started. libuv knows nothing of them, so nobody else reaps them: on
 * SIGCHLD every pidfd that is waited for is asked (waitid(2), WNOHANG). No thread waits, nothing polls.
 */
import { closeSync } from "node:fs";
import { type Spawned, waitNoHang } from "./library.ts";

const waiting = new Map<number, (exitCode: number) => void>();
let listening = false;
/** A signal listener alone does not keep an event loop running; somebody who waits wants it to. */
let keepAlive: NodeJS.Timeout | undefined;
const longestTimeoutMs = 2 ** 31 - 1;

function reapAll(): void {
  for (const [pidfd, resolve] of waiting) {
    const exitCode = waitNoHang(pidfd);
    if (exitCode === undefined) continue;
    waiting.delete(pidfd);
    closeSync(pidfd);
    resolve(exitCode);
  }
  if (waiting.size === 0 && listening) {
    // Without a listener an idle process may end by itself, as a CLI wants.
    process.off("SIGCHLD", reapAll);
    clearInterval(keepAlive);
    listening = false;
  }
}

/** Resolves with the exit code (128 + signal for a signal) once the program has ended; closes its pidfd. */
export function exitOf(program: Spawned): Promise<number> {
  return new Promise((resolve) => {
    waiting.set(program.pidfd, resolve);
    if (!listening) {
      process.on("SIGCHLD", reapAll);
      keepAlive = setInterval(() => {}, longestTimeoutMs);
    }
    listening = true;
    // It may have ended before anybody listened.
    reapAll();
  });
}
