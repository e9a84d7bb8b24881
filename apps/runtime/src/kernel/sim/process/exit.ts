/** The end of a process: what it held, who takes its children, who is told (_exit(2), wait(2), pid_namespaces(7)). */
import { SIGCHLD, SIGHUP, SIGKILL } from "../abi.ts";
import { leaveCgroups } from "../cgroup/membership.ts";
import type { PidNamespace } from "../namespace.ts";
import { Refusal } from "../refusal.ts";
import { releaseFile } from "../syscall/file.ts";
import { ProcessEnded } from "./life.ts";
import { forgetPids } from "./pids.ts";
import type { ExitStatus, Process } from "./process.ts";
import { deliverSignal } from "./signal.ts";
import { countUser } from "./user-processes.ts";

/** Those that are ending now: their `finally` blocks may come here once more. */
const ending = new WeakSet<Process>();

/**
 * Ends `process`: it becomes a zombie, its children go to the nearest subreaper or the init of the namespace, its
 * parent hears SIGCHLD. With the init of a pid namespace dies everybody in it.
 */
export function exitProcess(process: Process, status: ExitStatus): void {
  if (process.state !== "alive" || ending.has(process)) return;
  ending.add(process);
  stopTask(process);
  closeFiles(process);
  const { machine } = process;
  leaveCgroups(process);
  process.pendingSignals.clear();
  process.exitStatus = status;
  process.state = "zombie";
  const { pid } = process.namespaces;
  if (pid.init === process) killNamespace(process, pid);
  if (process.tty !== undefined && process.session === process.pid) hangUp(process);
  leaveChildren(process);
  machine.observe?.({
    atNs: machine.scheduler.nowNs,
    pid: process.pid,
    name: "exit",
    detail: status.kind === "exited" ? `code ${status.code}` : `signal ${status.signal}`,
    errno: 0,
  });
  process.exited.wake();
  tellParent(process);
}

/** Its `finally` blocks run while it lives; what they are refused there is nobody's business any more. */
function stopTask(process: Process): void {
  try {
    process.task?.stop();
  } catch (thrown) {
    if (!(thrown instanceof Refusal || thrown instanceof ProcessEnded)) throw thrown;
  }
}

function closeFiles(process: Process): void {
  const { fds } = process;
  process.fds = new Map();
  process.closeOnExec.clear();
  for (const file of fds.values()) releaseFile(file);
}

/** Everybody else in the namespace is killed, and reaped unless the parent lives outside. */
function killNamespace(init: Process, namespace: PidNamespace): void {
  const members = [...namespace.processes.values()].filter((member) => member !== init);
  for (const member of members) exitProcess(member, { kind: "signaled", signal: SIGKILL });
  for (const member of members) {
    if (member.state === "zombie" && member.parent?.pidIn(namespace) !== undefined) reap(member);
  }
}

/** The terminal goes with the leader of its session (credentials(7)): SIGHUP to the others. */
function hangUp(leader: Process): void {
  for (const other of leader.namespaces.pid.processes.values()) {
    if (other === leader || other.session !== leader.session) continue;
    other.tty = undefined;
    deliverSignal(other, SIGHUP);
  }
}

/** PR_SET_CHILD_SUBREAPER of the nearest ancestor in the same pid namespace, else the namespace's init. */
function newParentFor(process: Process): Process | undefined {
  const namespace = process.namespaces.pid;
  for (
    let at = process.parent;
    at !== undefined && at.namespaces.pid === namespace;
    at = at.parent
  ) {
    if (at.subreaper && at.state === "alive") return at;
  }
  return namespace.init === process ? namespace.parent?.init : namespace.init;
}

function leaveChildren(process: Process): void {
  if (process.children.size === 0) return;
  const heir = newParentFor(process);
  for (const child of [...process.children]) {
    process.children.delete(child);
    child.parent = heir;
    heir?.children.add(child);
    child.exitSignal = SIGCHLD;
    if (child.state === "alive") {
      if (child.parentDeathSignal > 0) deliverSignal(child, child.parentDeathSignal);
    } else if (child.state === "zombie") {
      tellParent(child);
    }
  }
  process.zombies = undefined;
}

/** A parent that ignores SIGCHLD never sees zombies; any other may wait for this one now. */
function tellParent(process: Process): void {
  const { parent } = process;
  if (parent === undefined || parent.state !== "alive") {
    if (parent === undefined) reap(process);
    return;
  }
  if (parent.signalHandlers.get(SIGCHLD) === "ignore") {
    reap(process);
    parent.childEvents.wake();
    return;
  }
  parent.zombies ??= new Set();
  parent.zombies.add(process);
  parent.childEvents.wake();
  if (process.exitSignal > 0) deliverSignal(parent, process.exitSignal);
}

/** Takes the last of it away: from here on its pid is free. */
export function reap(process: Process): void {
  if (process.state !== "zombie") return;
  process.state = "dead";
  process.parent?.children.delete(process);
  process.parent?.zombies?.delete(process);
  forgetPids(process);
  process.machine.processes.delete(process.pid);
  countUser(process.machine, process.credentials.uid, -1);
}
