/** Who may signal whom (kill(2), check_kill_permission()). */
import { SIGCONT } from "../abi.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { groupMembers } from "./groups.ts";
import { ProcessEnded } from "./life.ts";
import { processAt } from "./pids.ts";
import type { Process } from "./process.ts";
import { deliverSignal, signalMax } from "./signal.ts";

function maySignal(sender: Process, target: Process, signal: number): boolean {
  if (sender === target) return true;
  const from = sender.credentials;
  const to = target.credentials;
  if (from.euid === to.suid || from.euid === to.uid) return true;
  if (from.uid === to.suid || from.uid === to.uid) return true;
  if (capableIn(from, to.userNamespace, "CAP_KILL")) return true;
  return signal === SIGCONT && sender.session === target.session;
}

/** EPERM, or the signal is on its way. A zombie takes it and nothing happens. */
function signalOne(sender: Process, target: Process, signal: number): void {
  if (!maySignal(sender, target, signal)) refuse("EPERM");
  const fromInside = sender.pidIn(target.namespaces.pid) !== undefined;
  if (signal !== 0) deliverSignal(target, signal, fromInside);
}

function signalMany(sender: Process, targets: readonly Process[], signal: number): void {
  if (targets.length === 0) refuse("ESRCH");
  const allowed = targets.filter((target) => maySignal(sender, target, signal));
  if (allowed.length === 0) refuse("EPERM");
  for (const target of allowed) signalOne(sender, target, signal);
}

/** -1: everybody but init and oneself; it says ESRCH when there is nobody, and nothing of those it may not signal. */
function signalAll(sender: Process, signal: number): void {
  const { pid } = sender.namespaces;
  const others = [...pid.processes.values()].filter(
    (process) => process !== sender && process !== pid.init,
  );
  if (others.length === 0) refuse("ESRCH");
  for (const target of others) {
    if (maySignal(sender, target, signal)) signalOne(sender, target, signal);
  }
}

/** kill(2) behind its door. */
export function sendSignal(sender: Process, pid: number, signal: number): void {
  if (!(signal >= 0 && signal <= signalMax)) refuse("EINVAL");
  if (pid > 0) {
    const target = processAt(sender, pid);
    if (target === undefined) refuse("ESRCH");
    signalOne(sender, target, signal);
  } else if (pid === -1) {
    signalAll(sender, signal);
  } else {
    const group = pid === 0 ? sender.processGroup : processAt(sender, -pid)?.pid;
    signalMany(sender, group === undefined ? [] : groupMembers(sender, group), signal);
  }
  if (sender.state !== "alive") throw new ProcessEnded();
}

/** pidfd_send_signal(2): ESRCH after the end; EINVAL for somebody outside the sender's pid namespace. */
export function signalByPidfd(sender: Process, target: Process, signal: number): void {
  if (!(signal >= 0 && signal <= signalMax)) refuse("EINVAL");
  if (target.state === "dead") refuse("ESRCH");
  if (target.pidIn(sender.namespaces.pid) === undefined) refuse("EINVAL");
  signalOne(sender, target, signal);
  if (sender.state !== "alive") throw new ProcessEnded();
}
