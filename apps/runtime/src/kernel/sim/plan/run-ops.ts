/** Runs the ops of one process of a Plan, one after another, and reports each: native/exec/run.c. */
import { errnoByName } from "../../errno.ts";
import type { Op, OpName, OpOf } from "../../op.ts";
import type { OpReport, PlanStep } from "../../plan.ts";
import { NewImage } from "../process/life.ts";
import { Refusal } from "../refusal.ts";
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
import type { Coroutine } from "../task.ts";
import * as attribute from "./op-attribute.ts";
import { consoleOp } from "./op-console.ts";
import { deviceFilterOp } from "./op-device-filter.ts";
import { closeRangeOp, execveOp } from "./op-exec.ts";
import * as file from "./op-file.ts";
import { maskPathOp, readonlyPathOp } from "./op-mask.ts";
import * as mount from "./op-mount.ts";
import * as process from "./op-process.ts";
import { copyTreeOp, removeTreeOp } from "./op-tree.ts";
import type { OpTicket, PlanProcess } from "./plan-process.ts";

/** Ops that may wait for another process. */
type WaitingOp = OpOf<"await"> | OpOf<"awaitStart">;

function isWaiting(op: Op): op is WaitingOp {
  return op.op === "await" || op.op === "awaitStart";
}

/** Ops that the daemon runs in its own process; the others would change the daemon itself. */
const hostOps: ReadonlySet<OpName> = new Set<OpName>([
  "pidfdOpen",
  "open",
  "close",
  "mkdir",
  "mknod",
  "symlink",
  "writeFile",
  "chmod",
  "chown",
  "unlink",
  "rmdir",
  "removeTree",
  "rename",
  "copyTree",
  "mount",
  "fsmount",
  "openTree",
  "mountSetattr",
  "moveMount",
  "propagate",
  "umount",
  "sysctl",
  "linkUp",
  "oomScoreAdj",
  "deviceFilter",
]);

/** library_allows() of run.c. */
export function hostAllows(op: Op): boolean {
  return hostOps.has(op.op);
}

function named(x: PlanProcess, name: string, work: () => void): number {
  try {
    work();
  } catch (thrown) {
    x.failedPath(thrown, "name", name);
  }
  return 0;
}

/** One op that waits for nobody: its result, or a Refusal with `x.detail` filled in. */
function executeNow(x: PlanProcess, op: Exclude<Op, WaitingOp>, index: number): number {
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

/** An op under way: what its report needs. */
class Attempt {
  readonly #x: PlanProcess;
  readonly #index: number;
  readonly #step: PlanStep;
  readonly #startNs: bigint;
  readonly #ticket: OpTicket;

  constructor(x: PlanProcess, index: number, step: PlanStep) {
    this.#x = x;
    this.#index = index;
    this.#step = step;
    this.#startNs = x.process.machine.scheduler.nowNs;
    x.detail = "";
    this.#ticket = x.shared.observer.begin(x.shared.plan, index, step.op);
  }

  /** Ends it; false when it stops the Plan. */
  end(result: number, refusal: Refusal | undefined): boolean {
    const { shared, process: by } = this.#x;
    const { scheduler } = by.machine;
    const costNs = shared.observer.durationNs(this.#step.op);
    const spentNs = Number(scheduler.nowNs - this.#startNs);
    if (spentNs < costNs) scheduler.charge(costNs - spentNs);
    const ignored = refusal !== undefined && this.#step.ignore?.includes(refusal.errno) === true;
    const report: OpReport = {
      index: this.#index,
      process: this.#x.self,
      startNs: this.#startNs,
      endNs: scheduler.nowNs,
      result: refusal === undefined ? result : 0,
      errno: refusal === undefined ? 0 : errnoByName[refusal.errno],
      detail: this.#x.takeDetail(),
      ignored,
    };
    shared.report(report);
    shared.observer.end(shared.plan, report, this.#ticket.number);
    return refusal === undefined || ignored;
  }

  /** Ends it with what it threw; a new image is execve's success, anything else the death of the process or a fault of the model. */
  thrown(thrown: unknown): boolean {
    if (thrown instanceof Refusal) return this.end(0, thrown);
    if (thrown instanceof NewImage) this.end(0, undefined);
    throw thrown;
  }

  /** An errno that somebody wants it to fail with. */
  forced(): Refusal | undefined {
    const { errno } = this.#ticket;
    if (errno === undefined) return undefined;
    this.#x.say("a fault that was asked for");
    return new Refusal(errno);
  }
}

function runNow(
  x: PlanProcess,
  index: number,
  step: PlanStep,
  op: Exclude<Op, WaitingOp>,
): boolean {
  const attempt = new Attempt(x, index, step);
  const forced = attempt.forced();
  if (forced !== undefined) return attempt.end(0, forced);
  let result: number;
  try {
    result = executeNow(x, op, index);
  } catch (thrown) {
    return attempt.thrown(thrown);
  }
  return attempt.end(result, undefined);
}

function* runWaiting(
  x: PlanProcess,
  index: number,
  step: PlanStep,
  op: WaitingOp,
): Coroutine<boolean> {
  const attempt = new Attempt(x, index, step);
  const forced = attempt.forced();
  if (forced !== undefined) return attempt.end(0, forced);
  try {
    if (op.op === "await") yield* process.awaitOp(x, op);
    else yield* process.awaitStartOp(x);
  } catch (thrown) {
    return attempt.thrown(thrown);
  }
  return attempt.end(0, undefined);
}

/** Runs every op of this process in order; false when one stopped the Plan. */
export function* runOps(x: PlanProcess): Coroutine<boolean> {
  const { steps } = x.shared.plan;
  for (const index of x.indexes) {
    const step = steps[index] as PlanStep;
    const { op } = step;
    const good = isWaiting(op) ? yield* runWaiting(x, index, step, op) : runNow(x, index, step, op);
    if (!good) return false;
    // Killed by what the op did, or by who watched it.
    if (x.process.state !== "alive") yield {};
  }
  return true;
}

/** As runOps, for the daemon: nothing of `host` waits. */
export function runHostOps(x: PlanProcess): boolean {
  const { steps } = x.shared.plan;
  return x.indexes.every((index) => {
    const step = steps[index] as PlanStep;
    return runNow(x, index, step, step.op as Exclude<Op, WaitingOp>);
  });
}
