/** System calls on who a process is, after their man pages. Ids are the caller's namespace's. Each begins with `enter`. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { installFilter } from "../seccomp/install-filter.ts";
import { capableIn } from "../user/capable.ts";
import { capabilitySet } from "../user/credentials.ts";
import { dropFromBounding, replaceAmbient, setCapabilities } from "../user/set-capabilities.ts";
import { setGids, setSupplementaryGroups, setUids } from "../user/set-ids.ts";
import { fromHostId, overflowId } from "../user/user-namespace.ts";
import { enter } from "./enter.ts";

/** prctl(2). */
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_DROP = 24;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_LOG = 2;
/** __NEW_UTS_LEN. */
const nameMax = 64;
const signalMax = 64;

/** setresuid(2); -1 leaves an id. Capabilities change by the rules of capabilities(7). EINVAL without mapping. */
export function setresuid(caller: Process, r: number, e: number, s: number): void {
  enter(caller, "setresuid", r, e, s);
  setUids(caller, r, e, s);
}

export function setresgid(caller: Process, r: number, e: number, s: number): void {
  enter(caller, "setresgid", r, e, s);
  setGids(caller, r, e, s);
}

export function setgroups(caller: Process, groups: readonly number[]): void {
  enter(caller, "setgroups", groups.length);
  setSupplementaryGroups(caller, groups);
}

/** capset(2). Names "CAP_...". */
export function capset(
  caller: Process,
  sets: {
    readonly effective: readonly string[];
    readonly permitted: readonly string[];
    readonly inheritable: readonly string[];
  },
): void {
  enter(caller, "capset");
  setCapabilities(caller, {
    effective: capabilitySet(sets.effective),
    permitted: capabilitySet(sets.permitted),
    inheritable: capabilitySet(sets.inheritable),
  });
}

/** prctl PR_CAPBSET_DROP. */
export function dropBounding(caller: Process, capability: string): void {
  enter(caller, "prctl", PR_CAPBSET_DROP);
  dropFromBounding(caller, capability);
}

/** prctl PR_CAP_AMBIENT: clears all, then raises these. */
export function setAmbient(caller: Process, capabilities: readonly string[]): void {
  enter(caller, "prctl", PR_CAP_AMBIENT);
  replaceAmbient(caller, capabilities);
}

export function setNoNewPrivs(caller: Process): void {
  enter(caller, "prctl", PR_SET_NO_NEW_PRIVS, 1);
  caller.credentials = { ...caller.credentials, noNewPrivs: true };
}

export function setKeepCaps(caller: Process, on: boolean): void {
  enter(caller, "prctl", PR_SET_KEEPCAPS, on ? 1 : 0);
  caller.credentials = { ...caller.credentials, keepCaps: on };
}

export function setDumpable(caller: Process, on: boolean): void {
  enter(caller, "prctl", PR_SET_DUMPABLE, on ? 1 : 0);
  caller.dumpable = on;
}

export function setParentDeathSignal(caller: Process, signal: number): void {
  enter(caller, "prctl", PR_SET_PDEATHSIG, signal);
  if (!(signal >= 0 && signal <= signalMax)) refuse("EINVAL");
  caller.parentDeathSignal = signal;
}

export function setSubreaper(caller: Process, on: boolean): void {
  enter(caller, "prctl", PR_SET_CHILD_SUBREAPER, on ? 1 : 0);
  caller.subreaper = on;
}

/** seccomp(2) SECCOMP_SET_MODE_FILTER: struct sock_filter[]; EACCES without no_new_privs or CAP_SYS_ADMIN. */
export function seccomp(
  caller: Process,
  program: Uint8Array,
  flags: { readonly log: boolean },
): void {
  const bits = flags.log ? SECCOMP_FILTER_FLAG_LOG : 0;
  enter(caller, "seccomp", SECCOMP_SET_MODE_FILTER, bits);
  installFilter(caller, program, flags.log);
}

function checkNaming(caller: Process, name: string): void {
  const { uts } = caller.namespaces;
  if (!capableIn(caller.credentials, uts.owner, "CAP_SYS_ADMIN")) refuse("EPERM");
  if (name.length > nameMax) refuse("EINVAL");
}

export function sethostname(caller: Process, name: string): void {
  enter(caller, "sethostname", 0, name.length);
  checkNaming(caller, name);
  caller.namespaces.uts.hostname = name;
}

export function setdomainname(caller: Process, name: string): void {
  enter(caller, "setdomainname", 0, name.length);
  checkNaming(caller, name);
  caller.namespaces.uts.domainname = name;
}

/** Ids and groups as the caller's own namespace calls them (getresuid, getresgid, getgroups). */
export function identity(caller: Process): {
  readonly uid: readonly [number, number, number];
  readonly gid: readonly [number, number, number];
  readonly groups: readonly number[];
} {
  enter(caller, "getresuid");
  const { credentials } = caller;
  const { userNamespace } = credentials;
  const uid = (id: number) => fromHostId(userNamespace, "uid", id) ?? overflowId;
  const gid = (id: number) => fromHostId(userNamespace, "gid", id) ?? overflowId;
  return {
    uid: [uid(credentials.uid), uid(credentials.euid), uid(credentials.suid)],
    gid: [gid(credentials.gid), gid(credentials.egid), gid(credentials.sgid)],
    groups: credentials.groups.map(gid),
  };
}
