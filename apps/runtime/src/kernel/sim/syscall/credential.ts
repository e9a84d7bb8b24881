/** System calls on who a process is, after their man pages. Ids are the caller's namespace's. Each begins with `enter`. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";

/** setresuid(2); -1 leaves an id. Capabilities change by the rules of capabilities(7). EINVAL without mapping. */
export function setresuid(_caller: Process, _r: number, _e: number, _s: number): void {
  refuse("ENOSYS");
}
export function setresgid(_caller: Process, _r: number, _e: number, _s: number): void {
  refuse("ENOSYS");
}
export function setgroups(_caller: Process, _groups: readonly number[]): void {
  refuse("ENOSYS");
}
/** capset(2). Names "CAP_...". */
export function capset(
  _caller: Process,
  _sets: {
    readonly effective: readonly string[];
    readonly permitted: readonly string[];
    readonly inheritable: readonly string[];
  },
): void {
  refuse("ENOSYS");
}
/** prctl PR_CAPBSET_DROP. */
export function dropBounding(_caller: Process, _capability: string): void {
  refuse("ENOSYS");
}
/** prctl PR_CAP_AMBIENT: clears all, then raises these. */
export function setAmbient(_caller: Process, _capabilities: readonly string[]): void {
  refuse("ENOSYS");
}
export function setNoNewPrivs(_caller: Process): void {
  refuse("ENOSYS");
}
export function setKeepCaps(_caller: Process, _on: boolean): void {
  refuse("ENOSYS");
}
export function setDumpable(_caller: Process, _on: boolean): void {
  refuse("ENOSYS");
}
export function setParentDeathSignal(_caller: Process, _signal: number): void {
  refuse("ENOSYS");
}
export function setSubreaper(_caller: Process, _on: boolean): void {
  refuse("ENOSYS");
}
/** seccomp(2) SECCOMP_SET_MODE_FILTER: struct sock_filter[]; EACCES without no_new_privs or CAP_SYS_ADMIN. */
export function seccomp(
  _caller: Process,
  _program: Uint8Array,
  _flags: { readonly log: boolean },
): void {
  refuse("ENOSYS");
}
export function sethostname(_caller: Process, _name: string): void {
  refuse("ENOSYS");
}
export function setdomainname(_caller: Process, _name: string): void {
  refuse("ENOSYS");
}
/** Ids and groups as the caller's own namespace calls them (getresuid, getresgid, getgroups). */
export function identity(_caller: Process): {
  readonly uid: readonly [number, number, number];
  readonly gid: readonly [number, number, number];
  readonly groups: readonly number[];
} {
  return refuse("ENOSYS");
}
