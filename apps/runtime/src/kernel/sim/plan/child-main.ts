/** A process that clone3 of a Plan made: it waits for its ids, runs the ops of its name, and ends or becomes a program. */
import type { Coroutine } from "../task.ts";
import { undoMounts } from "./op-mount.ts";
import { killChildren, leaveGates } from "./op-process.ts";
import type { Gate, PlanProcess } from "./plan-process.ts";
import { runOps } from "./run-ops.ts";

/** Exit status of `init` and `exec` when an op failed, execve included (report.h). */
const exitOpFailed = 128;

export function* childMain(x: PlanProcess, gate: Gate | undefined): Coroutine<number> {
  x.process.comm = x.self === "init" ? "vitrine:[init]" : "vitrine:[exec]";
  try {
    if (gate !== undefined) {
      // Ids mean nothing here before the maps are written; a dead parent never writes them.
      try {
        yield* gate.read();
      } catch {
        return exitOpFailed;
      }
      gate.leave(x.process);
    }
    if (yield* runOps(x)) return 0;
    yield* killChildren(x);
    undoMounts(x);
    return exitOpFailed;
  } finally {
    leaveGates(x);
    x.shared.left(x.self);
  }
}
