/**
 * Running a Plan: in the daemon's own process (native/lib/run-plan.c), or in a vitrine-oci of its own
 * (native/exec/main.c), which whoever starts it waits for.
 */
import { KernelError } from "../../errors.ts";
import type { ProcessName } from "../../op.ts";
import type { OpReport, Plan } from "../../plan.ts";
import { failureOf } from "../../plan-failure.ts";
import type { Process } from "../process/process.ts";
import { spawnProcess } from "../process/spawn.ts";
import { close, closeRange, installFile } from "../syscall/file.ts";
import { setsid } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { undoMounts } from "./op-mount.ts";
import { killChildren, leaveGates } from "./op-process.ts";
import {
  attempt,
  type Gate,
  type PlanObserver,
  PlanProcess,
  type PlanRunShared,
} from "./plan-process.ts";
import { needsProcfs, procfsRoot } from "./private-procfs.ts";
import { hostAllows, runHostOps, runOps } from "./run-ops.ts";

/** What came of a Plan: every op that was tried, and the failure that stopped it. */
export interface PlanOutcome {
  readonly reports: readonly OpReport[];
  readonly failure: KernelError | undefined;
}

/** Who hears of a Plan that runs in processes of its own. */
export interface PlanListener {
  report(report: OpReport): void;
  /** `awaitStart` is about to block. */
  ready(): void;
  /** A process of the Plan has ended or become its program: it reports no more. */
  left(process: ProcessName): void;
  /** clone3 made a process of this name. */
  born(name: ProcessName, process: Process): void;
}

/** Indexes of the ops of each process, once a Plan: a Plan may be run often. */
const indexesOfPlan = new WeakMap<Plan, ReadonlyMap<ProcessName, readonly number[]>>();

function indexesOf(plan: Plan): ReadonlyMap<ProcessName, readonly number[]> {
  const known = indexesOfPlan.get(plan);
  if (known !== undefined) return known;
  const made = new Map<ProcessName, number[]>();
  for (const [index, { process }] of plan.steps.entries()) {
    const list = made.get(process);
    if (list === undefined) made.set(process, [index]);
    else list.push(index);
  }
  indexesOfPlan.set(plan, made);
  return made;
}

function shared(
  plan: Plan,
  observer: PlanObserver,
  listener: PlanListener,
  pipes: Pick<PlanRunShared, "start" | "console">,
): PlanRunShared {
  return {
    plan,
    observer,
    report: (report) => listener.report(report),
    ready: () => listener.ready(),
    left: (process) => listener.left(process),
    born: (name, process) => listener.born(name, process),
    barriers: undefined,
    indexes: indexesOf(plan),
    ...pipes,
  };
}

function refused(plan: Plan, errno: "EINVAL" | "EPERM", detail: string): PlanOutcome {
  const message = `run the plan "${plan.name}": ${errno}, ${detail}`;
  return { reports: [], failure: new KernelError({ errno, op: "library", detail, message }) };
}

/**
 * Runs a Plan whose ops all belong to `host`, as the process `daemon`, and returns when it is done; `told` hears
 * of each op as it ends. EPERM for ops that would change the daemon itself, EINVAL for ops of other processes; nothing is run then.
 */
export function runHostPlan(
  daemon: Process,
  plan: Plan,
  observer: PlanObserver,
  told: (report: OpReport) => void = () => undefined,
): PlanOutcome {
  for (const { process, op } of plan.steps) {
    if (process !== "host") return refused(plan, "EINVAL", `an op of ${process} in a plan of host`);
    if (!hostAllows(op)) return refused(plan, "EPERM", `${op.op} would change the daemon itself`);
  }
  const reports: OpReport[] = [];
  const listener: PlanListener = {
    report: (report) => {
      reports.push(report);
      told(report);
    },
    ready: () => undefined,
    left: () => undefined,
    born: () => undefined,
  };
  const nothing = { start: undefined, console: undefined };
  const x = new PlanProcess(daemon, shared(plan, observer, listener, nothing), "host");
  if (!runHostOps(x)) undoMounts(x);
  for (const fd of x.mounted) close(daemon, fd);
  for (const fd of x.slots.values()) close(daemon, fd);
  if (x.procfs >= 0) close(daemon, x.procfs);
  return { reports, failure: failureOf(plan, reports) };
}

export interface ChildOptions {
  readonly comm: string;
  readonly argv: readonly string[];
  /** What becomes fd 0, 1, 2. A reference of each is the child's. */
  readonly stdio: readonly OpenFile[];
  readonly main: (child: Process) => Coroutine<number>;
}

/** Starts a process that leads a session of its own and has these fds only; throws the Refusal of fork(2). */
export function startChild(parent: Process, options: ChildOptions): Process {
  const child = spawnProcess(parent, {
    comm: options.comm,
    argv: options.argv,
    env: [],
    body: options.main,
  });
  closeRange(child, 0, []);
  for (const file of options.stdio) installFile(child, file, 0);
  setsid(child);
  return child;
}

export interface OciOptions {
  readonly plan: Plan;
  readonly observer: PlanObserver;
  readonly listener: PlanListener;
  readonly stdio: readonly OpenFile[];
  readonly start?: Gate;
  readonly console?: (process: Process, master: OpenFile) => void;
}

/** Starts a vitrine-oci that runs the Plan: its child, and grandchildren by clone3 ops. Exit status 0 or 1. */
export function startOci(starter: Process, options: OciOptions): Process {
  const run = shared(options.plan, options.observer, options.listener, {
    start: options.start,
    console: options.console,
  });
  return startChild(starter, {
    comm: "vitrine:[oci]",
    argv: ["vitrine-oci", "3", "4"],
    stdio: options.stdio,
    main: (child) => ociMain(new PlanProcess(child, run, "oci")),
  });
}

function* ociMain(x: PlanProcess): Coroutine<number> {
  const { process } = x;
  // What the starter ignores, a container must not ignore (reset_inherited() in native/exec/main.c).
  process.signalHandlers.clear();
  process.umask = 0;
  process.dumpable = false;
  for (const fd of [0, 1, 2]) x.slots.set((["stdin", "stdout", "stderr"] as const)[fd] ?? "", fd);
  try {
    if (refuseHostOps(x)) return 1;
    // A failure is the error of the op that needs it.
    if (needsProcfs(x.shared.plan)) attempt(() => procfsRoot(x));
    if (yield* runOps(x)) return 0;
    yield* killChildren(x);
    undoMounts(x);
    return 1;
  } finally {
    leaveGates(x);
    x.shared.left("oci");
  }
}

/** A Plan with ops of the daemon in it was sent to the wrong place. */
function refuseHostOps(x: PlanProcess): boolean {
  const index = x.shared.indexes.get("host")?.[0];
  if (index === undefined) return false;
  const { nowNs } = x.process.machine.scheduler;
  x.shared.report({
    index,
    process: "oci",
    startNs: nowNs,
    endNs: nowNs,
    result: 0,
    errno: 22,
    detail: "an op of the host in a plan of vitrine-oci",
    ignored: false,
  });
  return true;
}
