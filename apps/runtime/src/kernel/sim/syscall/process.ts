/** System calls on processes and namespaces, after their man pages. Each begins with `enter`. */
import type { NamespaceType, RlimitType } from "../../op.ts";
import { O_RDWR, SIGKILL, SIGSTOP } from "../abi.ts";
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import { cloneProcess } from "../process/clone.ts";
import { replaceImage } from "../process/execve.ts";
import { searchPath } from "../process/execvp.ts";
import { becomeSessionLeader, joinGroup } from "../process/groups.ts";
import { sendSignal, signalByPidfd } from "../process/kill.ts";
import { ProcessEnded } from "../process/life.ts";
import { namespaceFlags } from "../process/namespace-flags.ts";
import { processAt } from "../process/pids.ts";
import type { Process, SignalHandler } from "../process/process.ts";
import { setLimit } from "../process/rlimit.ts";
import { joinNamespaces } from "../process/setns.ts";
import { signalMax } from "../process/signal.ts";
import { unshareNamespaces } from "../process/unshare.ts";
import { type Waited, waitForChild } from "../process/wait.ts";
import { isRefusal, refuse } from "../refusal.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import { OpenFile } from "../vfs/open-file.ts";
import { enter } from "./enter.ts";
import { fileOf, installFile } from "./file.ts";

export { exitProcess } from "../process/exit.ts";
export { deliverSignal } from "../process/signal.ts";

export interface CloneHow {
  readonly namespaces: readonly NamespaceType[];
  /** CLONE_INTO_CGROUP. */
  readonly cgroup?: CgroupNode;
  /** CLONE_PARENT: the child's parent is the caller's. */
  readonly siblings?: boolean;
  /** What the child runs until it calls execve; its return value is the exit code. */
  readonly body: (child: Process) => Coroutine<number>;
}

const SIGCHLD = 17;

/** As libc does it: a filter that hides clone3, whose flags it cannot see, is offered clone. */
function enterClone(caller: Process, how: CloneHow): void {
  try {
    enter(caller, "clone3");
  } catch (thrown) {
    if (!isRefusal(thrown, "ENOSYS") || how.cgroup !== undefined) throw thrown;
    enter(caller, "clone", namespaceFlags(how.namespaces) + SIGCHLD);
  }
}

/** clone3(2): the child shares nothing but what is said; fds, cwd, credentials, filters are copied. Returns the child. */
export function clone3(caller: Process, how: CloneHow): Process {
  enterClone(caller, how);
  return cloneProcess(caller, how);
}

export function unshare(caller: Process, namespaces: readonly NamespaceType[]): void {
  enter(caller, "unshare", namespaceFlags(namespaces));
  unshareNamespaces(caller, namespaces);
}

/** setns(2) by a namespace fd, or by a pidfd with several types. */
export function setns(caller: Process, fd: number, namespaces: readonly NamespaceType[]): void {
  enter(caller, "setns", fd, namespaceFlags(namespaces));
  joinNamespaces(caller, fd, namespaces);
}

/** pidfd_open(2) by a pid of the caller's pid namespace: an fd. */
export function pidfdOpen(caller: Process, pid: number): number {
  enter(caller, "pidfd_open", pid, 0);
  if (!(pid > 0)) refuse("EINVAL");
  const process = processAt(caller, pid);
  if (process === undefined) return refuse("ESRCH");
  const fd = installFile(
    caller,
    new OpenFile({ flags: O_RDWR, process, label: "anon_inode:[pidfd]" }),
  );
  caller.closeOnExec.add(fd);
  return fd;
}

/** pidfd_send_signal(2). EBADF when the fd is no pidfd. */
export function pidfdSendSignal(caller: Process, fd: number, signal: number): void {
  enter(caller, "pidfd_send_signal", fd, signal);
  const { process } = fileOf(caller, fd);
  if (process === undefined) refuse("EBADF");
  signalByPidfd(caller, process, signal);
}

/**
 * execve(2): never returns. Throws a Refusal when it fails; else it replaces the caller's coroutine (by
 * throwing a private value that the process's task catches), closes close-on-exec fds, applies set-id bits,
 * capabilities and file modes by the rules of capabilities(7).
 */
export function execve(
  caller: Process,
  path: string,
  argv: readonly string[],
  env: readonly string[],
): never {
  enter(caller, "execve");
  return replaceImage(caller, path, argv, env);
}

/** execvp(3): looks `file` up in PATH of `env` when it has no slash. */
export function execvp(
  caller: Process,
  file: string,
  argv: readonly string[],
  env: readonly string[],
): never {
  if (file.includes("/")) return execve(caller, file, argv, env);
  return searchPath(file, env, (path) => execve(caller, path, argv, env));
}

/** wait4(2): -1 any child, else a pid of the caller's namespace. ECHILD; with WNOHANG undefined when none is done. Reaps. */
export function* wait4(caller: Process, pid: number, options = 0): Coroutine<Waited | undefined> {
  enter(caller, "wait4", pid, 0, options);
  return yield* waitForChild(caller, pid, options);
}

/** kill(2): `pid` of the caller's namespace, 0 its group, -1 all it may, -n a group. EPERM, ESRCH. */
export function kill(caller: Process, pid: number, signal: number): void {
  enter(caller, "kill", pid, signal);
  sendSignal(caller, pid, signal);
}

/** EINVAL for SIGKILL and SIGSTOP, which nobody handles. */
export function sigaction(caller: Process, signal: number, handler: SignalHandler): void {
  enter(caller, "rt_sigaction", signal);
  if (!(signal >= 1 && signal <= signalMax)) refuse("EINVAL");
  if (signal === SIGKILL || signal === SIGSTOP) refuse("EINVAL");
  if (handler === "default") caller.signalHandlers.delete(signal);
  else caller.signalHandlers.set(signal, handler);
}

/** Waits for a signal that is handled; for programs like pause and sleep. */
export function* pause(caller: Process): Coroutine<void> {
  enter(caller, "pause");
  const never = { on: [new WaitQueue()] };
  try {
    for (;;) yield never;
  } catch (thrown) {
    if (!isRefusal(thrown, "EINTR")) throw thrown;
  }
}

/** EINTR after a handled signal. */
export function* nanosleep(caller: Process, ns: bigint): Coroutine<void> {
  enter(caller, "clock_nanosleep");
  if (ns < 0n) refuse("EINVAL");
  const { scheduler } = caller.machine;
  const untilNs = scheduler.nowNs + ns;
  while (scheduler.nowNs < untilNs) yield { untilNs };
}

export function getpid(caller: Process): number {
  enter(caller, "getpid");
  return caller.pids.at(-1) as number;
}

/** 0 when the parent cannot be seen from the caller's pid namespace. */
export function getppid(caller: Process): number {
  enter(caller, "getppid");
  return caller.parent?.pidIn(caller.namespaces.pid) ?? 0;
}

/** EPERM for the leader of a process group. */
export function setsid(caller: Process): number {
  enter(caller, "setsid");
  becomeSessionLeader(caller);
  return caller.pids.at(-1) as number;
}

export function setpgid(caller: Process, pid: number, group: number): void {
  enter(caller, "setpgid", pid, group);
  joinGroup(caller, pid, group);
}

/** -1 is RLIM_INFINITY. */
export function prlimit(
  caller: Process,
  type: RlimitType,
  limit: { readonly soft: number; readonly hard: number },
): void {
  enter(caller, "prlimit64");
  setLimit(caller, type, limit);
}

/** Runs what a signal does not interrupt. */
function* uninterrupted(caller: Process, work: Coroutine<void>): Coroutine<void> {
  caller.uninterruptible++;
  try {
    yield* work;
  } finally {
    caller.uninterruptible--;
  }
}

const pageBytes = 4096;
const stepBytesMax = 4 * 1024 * 1024;

/**
 * Touches new memory in growing steps, as page faults would: a process that goes beyond a limit has memory by
 * then, and can be chosen by the OOM killer.
 */
function* touch(caller: Process, bytes: number): Coroutine<void> {
  const { chargeMemory } = caller.machine;
  if (chargeMemory === undefined) {
    caller.memoryBytes += bytes;
    return;
  }
  let touched = 0;
  try {
    for (let step = pageBytes; touched < bytes; step = Math.min(2 * step, stepBytesMax)) {
      const now = Math.min(step, bytes - touched);
      yield* chargeMemory(caller, now);
      touched += now;
    }
  } catch (thrown) {
    if (touched > 0 && caller.state === "alive") yield* chargeMemory(caller, -touched);
    throw thrown;
  }
}

/** Anonymous memory (mmap, brk): `bytes` more or, negative, less. ENOMEM; may end in the OOM killer. */
export function* allocate(caller: Process, bytes: number): Coroutine<void> {
  enter(caller, bytes < 0 ? "munmap" : "mmap", 0, Math.abs(bytes));
  if (bytes > 0) {
    yield* uninterrupted(caller, touch(caller, bytes));
    if (caller.state !== "alive") throw new ProcessEnded();
    return;
  }
  const { chargeMemory } = caller.machine;
  if (chargeMemory === undefined) caller.memoryBytes = Math.max(0, caller.memoryBytes + bytes);
  else yield* uninterrupted(caller, chargeMemory(caller, bytes));
}

/** Burns CPU time: throttled by the cpu controller, stopped by the freezer. No system call. */
export function* burn(caller: Process, ns: number): Coroutine<void> {
  const { machine } = caller;
  if (machine.burn === undefined) {
    machine.scheduler.charge(ns);
    caller.cpuNs += BigInt(Math.round(ns));
  } else {
    yield* uninterrupted(caller, machine.burn(caller, ns));
  }
}
