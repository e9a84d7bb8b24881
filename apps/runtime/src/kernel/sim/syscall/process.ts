/** System calls on processes and namespaces, after their man pages. Each begins with `enter`. */
import type { NamespaceType, RlimitType } from "../../op.ts";
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import type { ExitStatus, Process, SignalHandler } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";

export interface CloneHow {
  readonly namespaces: readonly NamespaceType[];
  /** CLONE_INTO_CGROUP. */
  readonly cgroup?: CgroupNode;
  /** CLONE_PARENT: the child's parent is the caller's. */
  readonly siblings?: boolean;
  /** What the child runs until it calls execve; its return value is the exit code. */
  readonly body: (child: Process) => Coroutine<number>;
}

/** clone3(2): the child shares nothing but what is said; fds, cwd, credentials, filters are copied. Returns the child. */
export function clone3(_caller: Process, _how: CloneHow): Process {
  return refuse("ENOSYS");
}
export function unshare(_caller: Process, _namespaces: readonly NamespaceType[]): void {
  refuse("ENOSYS");
}
/** setns(2) by a namespace fd, or by a pidfd with several types. */
export function setns(_caller: Process, _fd: number, _namespaces: readonly NamespaceType[]): void {
  refuse("ENOSYS");
}
/** pidfd_open(2) by a pid of the caller's pid namespace: an fd. */
export function pidfdOpen(_caller: Process, _pid: number): number {
  return refuse("ENOSYS");
}
/**
 * execve(2): never returns. Throws a Refusal when it fails; else it replaces the caller's coroutine (by
 * throwing a private value that the process's task catches), closes close-on-exec fds, applies set-id bits,
 * capabilities and file modes by the rules of capabilities(7).
 */
export function execve(
  _caller: Process,
  _path: string,
  _argv: readonly string[],
  _env: readonly string[],
): never {
  return refuse("ENOSYS");
}
/** execvp(3): looks `file` up in PATH of `env` when it has no slash. */
export function execvp(
  _caller: Process,
  _file: string,
  _argv: readonly string[],
  _env: readonly string[],
): never {
  return refuse("ENOSYS");
}
/** _exit(2) of somebody: zombie, children to the subreaper, SIGCHLD; a pid 1 takes its namespace along. */
export function exitProcess(_process: Process, _status: ExitStatus): void {
  refuse("ENOSYS");
}
/** wait4(2): -1 any child, else a pid of the caller's namespace. ECHILD; with WNOHANG undefined when none is done. Reaps. */
export function* wait4(
  _caller: Process,
  _pid: number,
  _options = 0,
): Coroutine<
  { readonly pid: number; readonly process: Process; readonly status: ExitStatus } | undefined
> {
  return refuse("ENOSYS");
}
/** kill(2): `pid` of the caller's namespace, 0 its group, -1 all it may, -n a group. EPERM, ESRCH. */
export function kill(_caller: Process, _pid: number, _signal: number): void {
  refuse("ENOSYS");
}
/** A signal to a process, permissions already settled: pidfd_send_signal, the kernel itself, SIGCHLD. */
export function deliverSignal(_target: Process, _signal: number): void {
  refuse("ENOSYS");
}
export function sigaction(_caller: Process, _signal: number, _handler: SignalHandler): void {
  refuse("ENOSYS");
}
/** Waits for a signal that is handled; for programs like pause and sleep. */
export function* pause(_caller: Process): Coroutine<void> {
  return refuse("ENOSYS");
}
export function* nanosleep(_caller: Process, _ns: bigint): Coroutine<void> {
  return refuse("ENOSYS");
}
export function getpid(_caller: Process): number {
  return refuse("ENOSYS");
}
/** 0 when the parent cannot be seen from the caller's pid namespace. */
export function getppid(_caller: Process): number {
  return refuse("ENOSYS");
}
export function setsid(_caller: Process): number {
  return refuse("ENOSYS");
}
export function setpgid(_caller: Process, _pid: number, _group: number): void {
  refuse("ENOSYS");
}
export function prlimit(
  _caller: Process,
  _type: RlimitType,
  _limit: { readonly soft: number; readonly hard: number },
): void {
  refuse("ENOSYS");
}
/** Anonymous memory (mmap, brk): `bytes` more or, negative, less. ENOMEM; may end in the OOM killer. */
export function* allocate(_caller: Process, _bytes: number): Coroutine<void> {
  return refuse("ENOSYS");
}
/** Burns CPU time: throttled by the cpu controller, stopped by the freezer. */
export function* burn(_caller: Process, _ns: number): Coroutine<void> {
  return refuse("ENOSYS");
}
