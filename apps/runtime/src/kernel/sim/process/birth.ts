/** What a child has of its parent (fork(2), clone(2)): nearly everything, but its pids and its accounts. */
import type { CgroupNode } from "../cgroup/hierarchy.ts";
import { inheritCgroups } from "../cgroup/membership.ts";
import { refuse } from "../refusal.ts";
import type { Credentials } from "../user/credentials.ts";
import type { PathPoint } from "../vfs/mount.ts";
import { newPids, registerPids } from "./pids.ts";
import { type Namespaces, Process } from "./process.ts";
import { countUser, mayNotFork } from "./user-processes.ts";

export interface Birth {
  /** Whose child it becomes: the caller, or with CLONE_PARENT the caller's parent. */
  readonly parent: Process | undefined;
  readonly credentials: Credentials;
  /** Its own; `pid` is where it is born. */
  readonly namespaces: Namespaces;
  readonly root: PathPoint;
  readonly cwd: PathPoint;
  readonly cgroup?: CgroupNode | undefined;
  readonly comm?: string;
}

/** The birth of a child that shares every namespace with those its parent bears children in. */
export function plainBirth(caller: Process): Birth {
  const { namespaces } = caller;
  const time = namespaces.timeForChildren ?? namespaces.time;
  const same = namespaces.pid === namespaces.pidForChildren && time === namespaces.time;
  return {
    parent: caller,
    credentials: caller.credentials,
    namespaces: same ? namespaces : bornNamespaces(namespaces),
    root: caller.root,
    cwd: caller.cwd,
  };
}

/** Namespaces of a child: what the parent has for its children is its own. */
export function bornNamespaces(parent: Namespaces): Namespaces {
  const { timeForChildren, ...rest } = parent;
  return { ...rest, pid: parent.pidForChildren, time: timeForChildren ?? parent.time };
}

/** EAGAIN beyond RLIMIT_NPROC or pids.max. Asked before anything is made. */
export function checkMayFork(caller: Process, into?: CgroupNode): void {
  if (mayNotFork(caller)) refuse("EAGAIN", "RLIMIT_NPROC");
  caller.machine.mayFork?.(caller, into);
}

function copyFiles(from: Process, to: Process): void {
  for (const [fd, file] of from.fds) {
    file.references++;
    to.fds.set(fd, file);
  }
  for (const fd of from.closeOnExec) to.closeOnExec.add(fd);
}

function copyState(from: Process, to: Process): void {
  to.umask = from.umask;
  to.seccomp = from.seccomp;
  to.apparmor = from.apparmor;
  to.apparmorOnExec = from.apparmorOnExec;
  to.oomScoreAdj = from.oomScoreAdj;
  to.oomScoreAdjMin = from.oomScoreAdjMin;
  to.dumpable = from.dumpable;
  to.tty = from.tty;
  to.argv = from.argv;
  to.env = from.env;
  to.executable = from.executable;
  for (const [signal, handler] of from.signalHandlers) to.signalHandlers.set(signal, handler);
}

/** Makes the child. It does not run yet: `startLife` does that. */
export function bear(caller: Process, birth: Birth): Process {
  const { machine } = caller;
  const child = new Process(machine, {
    pids: newPids(birth.namespaces.pid),
    parent: birth.parent,
    credentials: birth.credentials,
    namespaces: birth.namespaces,
    root: birth.root,
    cwd: birth.cwd,
    rlimits: caller.rlimits,
    comm: birth.comm ?? caller.comm,
    session: caller.session,
    processGroup: caller.processGroup,
  });
  registerPids(child);
  machine.processes.set(child.pid, child);
  birth.parent?.children.add(child);
  countUser(machine, birth.credentials.uid, 1);
  copyFiles(caller, child);
  copyState(caller, child);
  inheritCgroups(child, caller, birth.cgroup);
  return child;
}
