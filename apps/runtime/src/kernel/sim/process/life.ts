/**
 * What a process does from birth to death: it runs a coroutine, which execve replaces by throwing a `NewImage`
 * through it, and ends when that returns, or is ended from outside. Neither value is a Refusal, so that code
 * which catches refusals lets them through.
 */
import type { Program } from "../program/program.ts";
import { Refusal } from "../refusal.ts";
import type { Coroutine, TaskEnd } from "../task.ts";
import { exitProcess } from "./exit.ts";
import type { Process } from "./process.ts";

/** Thrown by a successful execve: the caller's code is gone, this takes its place. */
export class NewImage {
  readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }
}

/** Thrown out of a system call of a process that died in it: nothing it called ever returns. */
export class ProcessEnded {}

/** Exit code of a program that let a refused call fall through: nobody in it said what to do. */
const uncaughtCode = 255;

/** One variable for whatever runs: a replaced image is held by nothing, as on Linux. */
function* live(self: Process, image: Program): Coroutine<void> {
  for (;;) {
    try {
      const code = yield* image(self);
      exitProcess(self, { kind: "exited", code: code & 0xff });
      return;
    } catch (thrown) {
      if (thrown instanceof NewImage) {
        image = thrown.program;
        continue;
      }
      if (thrown instanceof ProcessEnded) return;
      if (!(thrown instanceof Refusal)) throw thrown;
      exitProcess(self, { kind: "exited", code: uncaughtCode });
      return;
    }
  }
}

function surface({ thrown }: TaskEnd): void {
  if (thrown !== undefined) throw thrown;
}

/** Puts `self` under the scheduler. Its first turn comes after those that are ready now. */
export function startLife(self: Process, body: Program): void {
  self.task = self.machine.scheduler.spawn(self.comm, live(self, body), surface);
  // Born into a frozen cgroup.
  if (self.frozen) self.task.hold(true);
}
