/**
 * From root to the container's user: the last ops before execve, in the one order that works.
 *
 * The bounding set goes first, while there is CAP_SETPCAP; groups before the user, while there is
 * CAP_SETGID; keepCaps before setresuid, which would otherwise clear everything; seccomp last, so
 * that the filter need not allow any of it. A filter without no_new_privs takes CAP_SYS_ADMIN to load
 * (seccomp(2)): it stays in the permitted set until execve, which keeps for root what the bounding
 * set holds and for any other user nothing (capabilities(7)), so it never reaches the program.
 */
import type { ErrnoName, Op, PlanBuilder, ProcessName, RlimitType } from "../kernel/index.ts";
import type { OciProcess } from "./spec.ts";

export interface CredentialRequest {
  readonly process: OciProcess;
  readonly seccompFilter: Uint8Array | undefined;
  /** Flags of the profile, SECCOMP_FILTER_FLAG_LOG and so on. */
  readonly seccompFlags?: readonly string[] | undefined;
  /** True where the runtime may not lower oom_score_adj: it then stays where it is. */
  readonly clampOomScore: boolean;
}

/** The umask every container starts with. */
const umask = 0o022;

const seccompFlag: Readonly<Record<string, "log" | "specAllow" | "tsync">> = {
  SECCOMP_FILTER_FLAG_LOG: "log",
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: "specAllow",
  SECCOMP_FILTER_FLAG_TSYNC: "tsync",
};

export function addCredentials(
  builder: PlanBuilder,
  name: ProcessName,
  request: CredentialRequest,
): void {
  const { process, seccompFilter } = request;
  const add: AddOp = (op, ignore) => {
    builder.add(name, op, ignore);
  };
  for (const { type, soft, hard } of process.rlimits) {
    add({ op: "rlimit", type: rlimitType(type), soft, hard });
  }
  if (process.oomScoreAdj !== undefined) {
    add({ op: "oomScoreAdj", value: process.oomScoreAdj, clamp: request.clampOomScore });
  }
  if (process.noNewPrivileges) add({ op: "noNewPrivs" });
  if (process.apparmorProfile !== undefined) {
    add({ op: "apparmor", profile: process.apparmorProfile });
  }
  if (process.selinuxLabel !== undefined) add({ op: "selinux", label: process.selinuxLabel });
  add({ op: "umask", mask: process.user.umask ?? umask });
  // As root still: a working directory may be closed to the user it is for.
  add({ op: "chdir", path: process.cwd });
  addIdentity(add, process, seccompFilter !== undefined && !process.noNewPrivileges);
}

/** Closes what is left open, loads the filter, and becomes the program. */
export function addExecve(
  builder: PlanBuilder,
  name: ProcessName,
  request: CredentialRequest,
): void {
  const { args, env } = request.process;
  builder.add(name, { op: "closeRange", from: 3, keep: [] });
  if (request.seccompFilter !== undefined) {
    const flags = (request.seccompFlags ?? []).flatMap((flag) => seccompFlag[flag] ?? []);
    builder.add(name, { op: "seccomp", filter: request.seccompFilter, flags });
  }
  builder.add(name, { op: "execve", path: args[0] ?? "", argv: args, env });
}

type AddOp = (op: Op, ignore?: readonly ErrnoName[]) => void;

/** The pipes belong to root who made them; a program may want to open /dev/stdout anew, as log files are linked to it. */
function giveStdio(add: AddOp, uid: number): void {
  for (const at of ["stdin", "stdout", "stderr"]) {
    add({ op: "chown", at, path: "", uid, gid: -1 }, ["EPERM", "EINVAL", "EROFS"]);
  }
}

function addIdentity(add: AddOp, process: OciProcess, loadsFilter: boolean): void {
  const { user, capabilities } = process;
  const wanted = new Set(capabilities.permitted);
  if (loadsFilter) wanted.add("CAP_SYS_ADMIN");
  const held = [...wanted];
  add({ op: "capBounding", keep: capabilities.bounding });
  if (user.uid !== 0) giveStdio(add, user.uid);
  add({ op: "setgroups", groups: user.additionalGids ?? [user.gid] });
  add({ op: "setresgid", gid: user.gid });
  if (user.uid !== 0 && held.length > 0) add({ op: "keepCaps", on: true });
  add({ op: "setresuid", uid: user.uid });
  add({ op: "capset", effective: held, permitted: held, inheritable: [], ambient: [] });
}

/** RLIMIT_NOFILE is nofile. */
function rlimitType(type: string): RlimitType {
  return type.replace(/^RLIMIT_/, "").toLowerCase() as RlimitType;
}
