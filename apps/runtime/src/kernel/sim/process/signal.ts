/** What a signal does to a process (signal(7)): handler, nothing, stop, continue, or the end. */
import { SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGWINCH } from "../abi.ts";
import { nodeOf } from "../cgroup/controller.ts";
import { Refusal } from "../refusal.ts";
import { exitProcess } from "./exit.ts";
import type { Process } from "./process.ts";

const SIGTTIN = 21;
const SIGTTOU = 22;
const SIGURG = 23;
/** SIGRTMAX. */
export const signalMax = 64;

const harmless = new Set([SIGCHLD, SIGURG, SIGWINCH, SIGCONT]);
const stopping = new Set([SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]);

/** Whether the signal would be thrown away: an init meets no default action but by force from above. */
function isDropped(target: Process, signal: number, force: boolean): boolean {
  const forcing = signal === SIGKILL || signal === SIGSTOP;
  const handler = forcing ? "default" : (target.signalHandlers.get(signal) ?? "default");
  if (handler === "ignore") return true;
  if (handler !== "default") return false;
  if (target.namespaces.pid.init === target && !(force && forcing)) return true;
  return harmless.has(signal);
}

/** A frozen cgroup of v1 keeps even SIGKILL waiting; v2 lets it through (cgroup-v2.rst, cgroup.freeze). */
function isFrozenHard(target: Process): boolean {
  if (!target.frozen) return false;
  for (let at = nodeOf(target, "freezer"); at !== undefined; at = at.parent) {
    if (at.frozen && at.hierarchy.version === 1) return true;
  }
  return false;
}

/**
 * A signal whose sender was allowed to send it. `fromInside`: the sender is seen in the target's pid namespace,
 * so that an init is immune to what it does not handle; the kernel itself and ancestors are not inside.
 */
export function deliverSignal(target: Process, signal: number, fromInside = false): void {
  if (target.state !== "alive" || signal <= 0) return;
  if (signal === SIGCONT) resume(target);
  if (isDropped(target, signal, !fromInside)) return;
  const { machine } = target;
  machine.observe?.({
    atNs: machine.scheduler.nowNs,
    pid: target.pid,
    name: "signal",
    detail: String(signal),
    errno: 0,
  });
  const waits =
    signal === SIGKILL
      ? isFrozenHard(target)
      : target.frozen || (target.stopped && signal !== SIGCONT);
  if (waits) target.pendingSignals.add(signal);
  else act(target, signal);
}

function act(target: Process, signal: number): void {
  const handler = target.signalHandlers.get(signal) ?? "default";
  if (typeof handler === "function" && signal !== SIGKILL && signal !== SIGSTOP) {
    handler(signal);
    const { task } = target;
    if (task?.suspended === true && target.uninterruptible === 0) {
      task.interrupt(new Refusal("EINTR"));
    }
  } else if (stopping.has(signal)) {
    target.stopped = true;
    target.task?.hold(true);
    target.parent?.childEvents.wake();
  } else if (!harmless.has(signal)) {
    exitProcess(target, { kind: "signaled", signal });
  }
}

function resume(target: Process): void {
  for (const signal of stopping) target.pendingSignals.delete(signal);
  if (!target.stopped) return;
  target.stopped = false;
  target.task?.hold(target.frozen);
  target.parent?.childEvents.wake();
  deliverPending(target);
}

/** What came while it was stopped or frozen. Called when it may run again; the freezer does so after a thaw. */
export function deliverPending(target: Process): void {
  if (target.pendingSignals.size === 0 || target.frozen) return;
  for (const signal of [...target.pendingSignals].sort((a, b) => a - b)) {
    if (target.stopped && signal !== SIGKILL) continue;
    target.pendingSignals.delete(signal);
    if (!isDropped(target, signal, true)) act(target, signal);
    if (target.state !== "alive") return;
  }
}
