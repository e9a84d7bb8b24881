/** Processes of a shell: forks, waiting, and what is said of a child that was killed. */

import type { ExitStatus, Process } from "../../process/process.ts";
import { isRefusal } from "../../refusal.ts";
import { clone3, wait4 } from "../../syscall/process.ts";
import type { Coroutine } from "../../task.ts";
import { errnoMessage } from "../errno-message.ts";
import { deathMessage } from "../signals.ts";
import { LoopJump, ShellError, ShellExit, ShellReturn } from "./control.ts";
import type { Shell } from "./shell.ts";

/** $? of a child: its code, or 128 + signal. */
export function statusNumber(status: ExitStatus): number {
  return status.kind === "exited" ? status.code : 128 + status.signal;
}

/** Pid of a child as its shell knows it. */
export function pidOf(shell: Shell, child: Process): number {
  return child.pidIn(shell.self.namespaces.pid) ?? 0;
}

/** A process that goes on as a copy of this shell and ends with what `body` returns. */
export function fork(shell: Shell, body: (copy: Shell) => Coroutine<number>): Process {
  let copy: Shell | undefined;
  try {
    const child = clone3(shell.self, {
      namespaces: [],
      body: () => run(() => copy as Shell, body),
    });
    // Copied now, not when the child first runs: by then the parent has gone on.
    copy = shell.fork(child);
    return child;
  } catch (thrown) {
    if (isRefusal(thrown)) throw new ShellError(`can't fork: ${errnoMessage(thrown)}`);
    throw thrown;
  }
}

function* run(copied: () => Shell, body: (copy: Shell) => Coroutine<number>): Coroutine<number> {
  return yield* body(copied());
}

/** Exit code of a shell that ended by something thrown; what is no affair of the shell goes on. */
export function* codeOf(shell: Shell, thrown: unknown): Coroutine<number> {
  if (thrown instanceof ShellExit || thrown instanceof ShellReturn) return thrown.code;
  if (thrown instanceof LoopJump) return shell.status;
  if (thrown instanceof ShellError) {
    yield* shell.complain(thrown.message);
    return thrown.code;
  }
  throw thrown;
}

/** Waits for all of `children`; gives their statuses in order. Others that end meanwhile are reaped too. */
export function* waitForAll(shell: Shell, children: readonly Process[]): Coroutine<number[]> {
  const statuses = new Map<Process, number>();
  while (statuses.size < children.length) {
    const done = yield* waitForAny(shell);
    if (done === "none") break;
    if (done === "interrupted") continue;
    if (children.includes(done.process)) {
      statuses.set(done.process, statusNumber(done.status));
      if (done.status.kind === "signaled") yield* tellDeath(shell, done.status.signal);
    }
  }
  return children.map((child) => statuses.get(child) ?? 127);
}

/** The next child that ends; remembers it when it was started in the background. */
export function* waitForAny(
  shell: Shell,
): Coroutine<{ readonly process: Process; readonly status: ExitStatus } | "none" | "interrupted"> {
  try {
    const done = yield* wait4(shell.self, -1);
    if (done === undefined) return "none";
    if (shell.background.delete(done.pid)) shell.finished.set(done.pid, statusNumber(done.status));
    return done;
  } catch (thrown) {
    if (isRefusal(thrown, "ECHILD")) return "none";
    if (isRefusal(thrown, "EINTR")) return "interrupted";
    throw thrown;
  }
}

/** "Killed", "Segmentation fault": on standard error, as the shell's own voice. */
export function* tellDeath(shell: Shell, signal: number): Coroutine<void> {
  const message = deathMessage(signal);
  if (message !== "") yield* shell.printTo(2, `${message}\n`);
  else if (signal === 2 && shell.interactive) yield* shell.printTo(2, "\n");
}
