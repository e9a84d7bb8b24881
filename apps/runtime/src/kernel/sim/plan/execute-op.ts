/**
 * One op that waits for nobody: a case for each, doing with the model's system calls what native/exec does with
 * the real ones. The result, or a Refusal with `detail` of the process filled in.
 */
import type { AttributeOp, FileOp, MountOp, Op, OpOf } from "../../op.ts";
import {
  setDumpable,
  setdomainname,
  sethostname,
  setKeepCaps,
  setNoNewPrivs,
  setresgid,
  setresuid,
} from "../syscall/credential.ts";
import { setsid } from "../syscall/process.ts";
import * as attribute from "./op-attribute.ts";
import { deviceFilterOp } from "./op-device-filter.ts";
import { closeRangeOp, execveOp } from "./op-exec.ts";
import * as file from "./op-file.ts";
import { maskPathOp, readonlyPathOp } from "./op-mask.ts";
import * as mount from "./op-mount.ts";
import * as process from "./op-process.ts";
import { consoleOp } from "./op-terminal.ts";
import { copyTreeOp, removeTreeOp } from "./op-tree.ts";
import type { PlanProcess } from "./plan-process.ts";

/** Ops that may wait for another process. */
export type WaitingOp = OpOf<"await"> | OpOf<"awaitStart">;

export function executeOp(x: PlanProcess, op: Exclude<Op, WaitingOp>, index: number): number {
  switch (op.op) {
    case "clone3":
      return process.clone3Op(x, op, index);
    case "unshare":
      return process.unshareOp(x, op);
    case "setns":
      return process.setnsOp(x, op);
    case "pidfdOpen":
      return process.pidfdOpenOp(x, op);
    case "idMap":
      return process.idMapOp(x, op);
    case "release":
      return process.releaseOp(x, op);
    case "setsid":
      setsid(x.process);
      return 0;
    case "console":
      return consoleOp(x, op);
    case "closeRange":
      return closeRangeOp(x, op);
    case "execve":
      return execveOp(x, op);
    default:
      return executeFileOp(x, op, index);
  }
}

function executeFileOp(x: PlanProcess, op: FileOp | MountOp | AttributeOp, index: number): number {
  switch (op.op) {
    case "open":
      return file.openOp(x, op);
    case "close":
      return file.closeOp(x, op);
    case "mkdir":
      return file.mkdirOp(x, op);
    case "mknod":
      return file.mknodOp(x, op);
    case "symlink":
      return file.symlinkOp(x, op);
    case "writeFile":
      return file.writeFileOp(x, op, index);
    case "chmod":
      return file.chmodOp(x, op);
    case "chown":
      return file.chownOp(x, op);
    case "unlink":
    case "rmdir":
      return file.unlinkOp(x, op);
    case "removeTree":
      return removeTreeOp(x, op);
    case "rename":
      return file.renameOp(x, op);
    case "copyTree":
      return copyTreeOp(x, op);
    default:
      return executeMountOp(x, op);
  }
}

function executeMountOp(x: PlanProcess, op: MountOp | AttributeOp): number {
  switch (op.op) {
    case "mount":
      return mount.mountOp(x, op);
    case "fsmount":
      return mount.fsmountOp(x, op);
    case "openTree":
      return mount.openTreeOp(x, op);
    case "mountSetattr":
      return mount.mountSetattrOp(x, op);
    case "moveMount":
      return mount.moveMountOp(x, op);
    case "propagate":
      return mount.propagateOp(x, op);
    case "pivotRoot":
      return mount.pivotRootOp(x, op);
    case "chroot":
      return mount.chrootOp(x, op);
    case "umount":
      return mount.umountOp(x, op);
    case "maskPath":
      return maskPathOp(x, op);
    case "readonlyPath":
      return readonlyPathOp(x, op);
    default:
      return executeAttributeOp(x, op);
  }
}

function named(x: PlanProcess, name: string, work: () => void): number {
  try {
    work();
  } catch (thrown) {
    x.failedPath(thrown, "name", name);
  }
  return 0;
}

function executeAttributeOp(x: PlanProcess, op: AttributeOp): number {
  switch (op.op) {
    case "sethostname":
      return named(x, op.name, () => sethostname(x.process, op.name));
    case "setdomainname":
      return named(x, op.name, () => setdomainname(x.process, op.name));
    case "sysctl":
      return attribute.sysctlOp(x, op);
    case "linkUp":
      return attribute.linkUpOp(x, op);
    case "rlimit":
      return attribute.rlimitOp(x, op);
    case "oomScoreAdj":
      return attribute.oomScoreAdjOp(x, op);
    case "umask":
      // Takes effect at execve: until then modes are exact.
      x.umask = op.mask;
      return 0;
    case "chdir":
      return attribute.chdirOp(x, op);
    case "setgroups":
      return attribute.setgroupsOp(x, op);
    case "setresgid":
      setresgid(x.process, op.gid, op.gid, op.gid);
      return 0;
    case "setresuid":
      setresuid(x.process, op.uid, op.uid, op.uid);
      return 0;
    case "keepCaps":
      setKeepCaps(x.process, op.on);
      return 0;
    case "capBounding":
      return attribute.capBoundingOp(x, op);
    case "capset":
      return attribute.capsetOp(x, op);
    case "noNewPrivs":
      setNoNewPrivs(x.process);
      return 0;
    case "dumpable":
      setDumpable(x.process, op.on);
      return 0;
    case "parentDeathSignal":
      return attribute.parentDeathSignalOp(x, op);
    case "cgroupJoin":
      return attribute.cgroupJoinOp(x, op);
    case "apparmor":
      return attribute.apparmorOp(x, op);
    case "selinux":
      return attribute.selinuxOp(x, op);
    case "seccomp":
      return attribute.seccompOp(x, op);
    case "deviceFilter":
      return deviceFilterOp(x, op);
  }
}
