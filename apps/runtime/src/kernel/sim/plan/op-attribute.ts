/** Ops on what a process and its namespaces are, as native/exec/op-attribute.c does them. */
import { capabilityNames } from "../../capability.ts";
import type { OpOf } from "../../op.ts";
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, O_WRONLY, RESOLVE_NO_MAGICLINKS } from "../abi.ts";
import { isRefusal } from "../refusal.ts";
import {
  capset,
  dropBounding,
  seccomp,
  setAmbient,
  setgroups,
  setParentDeathSignal,
} from "../syscall/credential.ts";
import { close, fchdir, fileOf, getcwd, writeNow } from "../syscall/file.ts";
import { prlimit } from "../syscall/process.ts";
import { linkSet } from "../syscall/socket.ts";
import { capabilityBit } from "../user/credentials.ts";
import { makeDirectories, openAt, openResolved } from "./paths.ts";
import type { PlanProcess } from "./plan-process.ts";
import { procfsRead, procfsWrite } from "./private-procfs.ts";

const keyMax = 511;
const interfaceNameMax = 15;

/** "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.1/forwarding": a slash anywhere keeps dots as they are. */
export function sysctlOp(x: PlanProcess, op: OpOf<"sysctl">): number {
  const { key } = op;
  if (key.length + "sys/".length > keyMax) x.fail("ENAMETOOLONG", "key");
  if (key === "" || key.startsWith("/") || key.includes("..")) x.failPath("EINVAL", "key", key);
  const path = key.includes("/") ? key : key.replaceAll(".", "/");
  try {
    procfsWrite(x, `sys/${path}`, op.value);
  } catch (thrown) {
    x.failedPath(thrown, "key", key);
  }
  return 0;
}

export function linkUpOp(x: PlanProcess, op: OpOf<"linkUp">): number {
  if (op.name.length > interfaceNameMax) x.failPath("ENAMETOOLONG", "name", op.name);
  try {
    linkSet(x.process, op.name, { up: true });
  } catch (thrown) {
    x.failedPath(thrown, "name", op.name);
  }
  return 0;
}

export function rlimitOp(x: PlanProcess, op: OpOf<"rlimit">): number {
  try {
    prlimit(x.process, op.type, { soft: op.soft, hard: op.hard });
  } catch (thrown) {
    x.failed(thrown, "limit");
  }
  return 0;
}

export function oomScoreAdjOp(x: PlanProcess, op: OpOf<"oomScoreAdj">): number {
  try {
    procfsWrite(x, "self/oom_score_adj", String(op.value));
  } catch (thrown) {
    if (op.clamp && isRefusal(thrown, "EACCES", "EPERM")) {
      const kept = procfsRead(x, "self/oom_score_adj").split("\n")[0];
      x.detail = `stays at ${kept}: to lower it needs CAP_SYS_RESOURCE`;
      return 0;
    }
    x.failed(thrown, "value");
  }
  return 0;
}

function checkCwd(x: PlanProcess): void {
  let cwd = "";
  try {
    cwd = getcwd(x.process);
  } catch (thrown) {
    x.failed(thrown, "working directory");
  }
  if (cwd[0] !== "/") x.failPath("EXDEV", "working directory is outside the root:", cwd);
}

export function chdirOp(x: PlanProcess, op: OpOf<"chdir">): number {
  let fd: number;
  try {
    const flags = O_PATH | O_DIRECTORY;
    fd = openAt(x, undefined, op.path, flags, 0, RESOLVE_NO_MAGICLINKS);
  } catch (thrown) {
    if (!isRefusal(thrown, "ENOENT") || op.create !== true) {
      return x.failedPath(thrown, "path", op.path);
    }
    try {
      fd = makeDirectories(x, undefined, op.path, 0o755);
    } catch (again) {
      return x.failedPath(again, "path", op.path);
    }
  }
  try {
    try {
      fchdir(x.process, fd);
    } catch (thrown) {
      x.failedPath(thrown, "path", op.path);
    }
    checkCwd(x);
    return 0;
  } finally {
    close(x.process, fd);
  }
}

export function setgroupsOp(x: PlanProcess, op: OpOf<"setgroups">): number {
  try {
    setgroups(x.process, op.groups);
  } catch (thrown) {
    x.failed(thrown, "groups");
  }
  return 0;
}

export function capBoundingOp(x: PlanProcess, op: OpOf<"capBounding">): number {
  const keep = new Set(op.keep);
  for (const [number, name] of capabilityNames.entries()) {
    if (keep.has(name)) continue;
    if ((x.process.credentials.bounding & capabilityBit(name)) === 0n) continue;
    try {
      dropBounding(x.process, name);
    } catch (thrown) {
      x.failed(thrown, `capability ${number}`);
    }
  }
  return 0;
}

export function capsetOp(x: PlanProcess, op: OpOf<"capset">): number {
  const { effective, permitted, inheritable, ambient } = op;
  try {
    capset(x.process, { effective, permitted, inheritable });
  } catch (thrown) {
    x.failed(thrown, "sets");
  }
  try {
    // In order of their numbers, as the C one raises them: those before a refused one stay.
    setAmbient(
      x.process,
      capabilityNames.filter((name) => ambient.includes(name)),
    );
  } catch (thrown) {
    x.failed(thrown, "ambient");
  }
  return 0;
}

export function parentDeathSignalOp(x: PlanProcess, op: OpOf<"parentDeathSignal">): number {
  try {
    setParentDeathSignal(x.process, op.signal);
  } catch (thrown) {
    x.failed(thrown, "signal");
  }
  if (x.process.parent !== x.parent) x.fail("ESRCH", "the parent has died already");
  return 0;
}

const encoder = new TextEncoder();
const self = encoder.encode("0");

export function cgroupJoinOp(x: PlanProcess, op: OpOf<"cgroupJoin">): number {
  let dir: number;
  try {
    dir = openAt(x, undefined, op.path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  }
  try {
    const type = fileOf(x.process, dir).point?.mount.fileSystem.type;
    if (type !== "cgroup" && type !== "cgroup2") x.failPath("EXDEV", "no cgroup:", op.path);
    const file = type === "cgroup" ? "tasks" : "cgroup.procs";
    let fd: number;
    try {
      fd = openResolved(x, dir, file, O_WRONLY | O_NOFOLLOW, 0, 0);
    } catch (thrown) {
      return x.failedPath(thrown, file, op.path);
    }
    try {
      writeNow(x.process, fd, self);
    } catch (thrown) {
      x.failedPath(thrown, file, op.path);
    } finally {
      close(x.process, fd);
    }
    return 0;
  } finally {
    close(x.process, dir);
  }
}

export function apparmorOp(x: PlanProcess, op: OpOf<"apparmor">): number {
  const command = `exec ${op.profile}`;
  try {
    try {
      procfsWrite(x, "thread-self/attr/apparmor/exec", command);
    } catch (thrown) {
      if (!isRefusal(thrown, "ENOENT")) throw thrown;
      procfsWrite(x, "thread-self/attr/exec", command);
    }
    x.detail = "";
  } catch (thrown) {
    x.failedPath(thrown, "profile", op.profile);
  }
  return 0;
}

export function selinuxOp(x: PlanProcess, op: OpOf<"selinux">): number {
  try {
    procfsWrite(x, "thread-self/attr/exec", op.label);
  } catch (thrown) {
    x.failedPath(thrown, "label", op.label);
  }
  return 0;
}

const instructionBytes = 8;

export function seccompOp(x: PlanProcess, op: OpOf<"seccomp">): number {
  const { filter } = op;
  if (filter.length === 0 || filter.length % instructionBytes !== 0) {
    x.fail("EINVAL", "filter is no whole number of instructions");
  }
  try {
    seccomp(x.process, filter, { log: op.flags.includes("log") });
  } catch (thrown) {
    x.failed(thrown, "filter");
  }
  return 0;
}
