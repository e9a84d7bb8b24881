/**
 * What a contract case is: a scenario that writes a transcript, and the transcript that Linux gives. The usual
 * scenarios are made from tables: `sandbox` (ops in a mount namespace of its own, then the probe), `container` (a whole
 * container with pivot_root and a program). Paths begin with "~", the case's own directory, a fresh tmpfs there.
 */
import type {
  ErrnoName,
  ExecResult,
  NamespaceType,
  Op,
  Plan,
  PlanStep,
  ProcessName,
  ShimContainer,
} from "../../apps/runtime/src/kernel/index.ts";
import { KernelError } from "../../apps/runtime/src/kernel/index.ts";
import { opToText } from "../../apps/runtime/src/kernel/plan-text.ts";
import { type ContractBed, type OpOutcome, outcomesContext } from "./contract-bed.ts";
import { Normaliser } from "./normalise.ts";

export interface ContractCase {
  readonly name: string;
  readonly run: Scenario;
  /** The transcript as Linux gives it: refused ops, then what was seen. */
  readonly expect: readonly string[];
  /** Why the simulated kernel answers otherwise, where that is known and meant. */
  readonly differs?: { readonly reason: string };
}

export type Scenario = (run: CaseRun) => Promise<void>;

/** A Plan may ignore so many errnos of an op (PLAN_IGNORE_MAX). */
const ignoredMax = 16;

/** Errnos that do not stop a case, so that later ops show what the refusal left behind; the rarest last. */
const passed: readonly ErrnoName[] = [
  ...(["EPERM", "ENOENT", "EACCES", "EINVAL", "EBUSY", "EEXIST", "EROFS", "ELOOP"] as const),
  ...(["EBADF", "ENOSPC", "EISDIR", "ENOTDIR", "EXDEV", "ENOTEMPTY"] as const),
];
const passedOf: Partial<Record<Op["op"], readonly ErrnoName[]>> = {
  mount: ["ENODEV", "ENOTBLK"],
  fsmount: ["ENODEV", "EOPNOTSUPP"],
  writeFile: ["EIO", "EOVERFLOW", "ESRCH", "ERANGE"],
  cgroupJoin: ["ESRCH", "ENODEV"],
  open: ["ENAMETOOLONG", "EMFILE"],
  mkdir: ["ENAMETOOLONG", "EOVERFLOW"],
  mknod: ["EOVERFLOW"],
  symlink: ["ENAMETOOLONG"],
  openTree: ["ENXIO"],
  linkUp: ["ENODEV", "ENAMETOOLONG"],
  oomScoreAdj: ["ERANGE"],
  mountSetattr: ["EOPNOTSUPP"],
  chown: ["EOVERFLOW"],
  setns: ["ESRCH", "EUSERS"],
  unshare: ["EUSERS"],
  pidfdOpen: ["ESRCH"],
  rlimit: ["EOVERFLOW"],
};

export interface ContainerExitText {
  readonly exitCode: number;
  readonly oomKilled: boolean;
}

/** A case being run: its directory, its transcript, and the things a case may do. */
export class CaseRun {
  readonly bed: ContractBed;
  readonly id: string;
  readonly directory: string;
  readonly transcript: string[] = [];
  readonly #undo: (() => Promise<void>)[] = [];
  readonly #cgroups = new Map<string, string>();
  #containers = 0;

  constructor(bed: ContractBed) {
    this.bed = bed;
    this.id = `case-${bed.next()}`;
    this.directory = `${bed.cases}/${this.id}`;
  }

  say(line: string): void {
    this.transcript.push(line);
  }

  /** Something to do at the end of the case, in reverse order. */
  later(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }

  async end(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
    await this.#removeCgroups();
  }

  /** Replaces "#pids" by the case's cgroup of that controller, and "~" at the start of a path by the case's directory, also within option strings. */
  path(text: string): string {
    const cgroup = /^#(\w+)/.exec(text);
    if (cgroup !== null) return this.cgroup(cgroup[1] ?? "") + text.slice(cgroup[0].length);
    if (!text.includes("~")) return text;
    return text.replace(/(^|[=:,])~(?=[/:,]|$)/g, `$1${this.directory}`);
  }

  /** Directory of the case's cgroup of a v1 controller; nothing makes it but the case's ops, the end removes it. */
  cgroup(controller: string): string {
    let path = this.#cgroups.get(controller);
    if (path !== undefined) return path;
    const hierarchy = this.bed.kernel.facts.cgroups.find(
      ({ version, controllers }) => version === 1 && controllers.includes(controller),
    );
    if (hierarchy === undefined) throw new Error(`no cgroup v1 hierarchy has ${controller}`);
    path = `${hierarchy.path}/vt-contract-${this.bed.mark}-${this.id}`;
    this.#cgroups.set(controller, path);
    return path;
  }

  /** The cgroups of a case go last, when its containers are gone. */
  async #removeCgroups(): Promise<void> {
    for (const path of this.#cgroups.values()) await this.#removeCgroup(path);
  }

  async #removeCgroup(path: string): Promise<void> {
    const { kernel } = this.bed;
    if ((await kernel.files.stat(path)) === undefined) return;
    await kernel.emptyCgroup(path);
    for (const name of (await kernel.files.list(path)) ?? []) {
      const below = `${path}/${name}`;
      if ((await kernel.files.stat(below))?.type === "directory") await this.#removeCgroup(below);
    }
    await this.bed.host([{ op: "rmdir", path }]);
  }

  placed<T extends Op>(op: T): T {
    const entries = Object.entries(op).map(([key, value]) => {
      if (typeof value === "string") return [key, this.path(value)];
      if (key === "env" || key === "argv") {
        return [key, (value as string[]).map((text) => this.path(text))];
      }
      if (key === "options") {
        return [key, (value as [string, string][]).map(([name, text]) => [name, this.path(text)])];
      }
      return [key, value];
    });
    return Object.fromEntries(entries) as T;
  }

  step(process: ProcessName, op: Op, strict = false): PlanStep {
    const placed = this.placed(op);
    if (strict || op.op === "execve" || op.op === "awaitStart") return { process, op: placed };
    const rare = passedOf[op.op] ?? [];
    const usual = passed.slice(0, ignoredMax - rare.length);
    return { process, op: placed, ignore: [...usual, ...rare] };
  }

  normaliser(
    wholeTable: boolean,
    hostPids = false,
    hostNamespaces?: ReadonlyMap<string, string>,
  ): Normaliser {
    return new Normaliser({
      directory: this.directory,
      names: [
        ...[...this.#cgroups].map(([name, path]) => [path, `#${name}`] as const),
        [this.bed.programs, "(programs)"],
        [this.bed.place.directory, "(bed)"],
      ],
      programs: this.bed.programs,
      hostPids,
      fullCapabilities: this.bed.fullCapabilities,
      wholeTable,
      ...(hostNamespaces ? { hostNamespaces } : {}),
    });
  }

  /** Says every op that was refused: its text and its errno. */
  sayRefused(plan: Plan, outcomes: readonly OpOutcome[]): void {
    const words = this.normaliser(true);
    for (const { index, errno, stopped } of [...outcomes].sort((a, b) => a.index - b.index)) {
      const step = plan.steps[index];
      if (errno === "ok" || step === undefined) continue;
      this.say(`${stopped ? "stopped " : ""}${refusedText(words, step.op)}: ${errno}`);
    }
  }

  /** Creates a container in the bed's shim. Undefined when an op stopped it, which is said. */
  async create(plan: Plan, cgroupPaths: readonly string[] = []): Promise<Created | undefined> {
    const shim = await this.bed.shim();
    const containerId = `${this.id}-${++this.#containers}`;
    const logPath = `${this.bed.logs}/${containerId}`;
    const { context, outcomes } = outcomesContext();
    const io = { logPath, logLineBytesMax: 0, terminal: false, stdin: false, stdinOnce: false };
    this.later(async () => {
      await shim.remove(containerId);
      await this.bed.host([{ op: "unlink", path: logPath }]).catch(() => undefined);
    });
    try {
      const container = await shim.create(context, { containerId, plan, io, cgroupPaths });
      return { containerId, container, plan, outcomes, logPath, context };
    } catch (error) {
      this.#sayFailure(plan, outcomes, error);
      return undefined;
    }
  }

  /** Starts it; false when execve was refused, which is said with the ops refused before. */
  async start(created: Created): Promise<boolean> {
    const shim = await this.bed.shim();
    try {
      await shim.start(created.context, created.containerId);
      this.sayRefused(created.plan, created.outcomes);
      return true;
    } catch (error) {
      this.#sayFailure(created.plan, created.outcomes, error);
      return false;
    }
  }

  #sayFailure(plan: Plan, outcomes: readonly OpOutcome[], error: unknown): void {
    if (!(error instanceof KernelError)) throw error;
    this.sayRefused(plan, outcomes);
    if (!outcomes.some(({ stopped }) => stopped)) this.say(`failed: ${error.errno}`);
  }

  async wait(containerId: string): Promise<ContainerExitText> {
    const { exitCode, oomKilled } = await (await this.bed.shim()).wait(containerId);
    return { exitCode, oomKilled };
  }

  async kill(containerId: string, signal: number, all = false): Promise<void> {
    await (await this.bed.shim()).kill(containerId, signal, all);
  }

  /** What a container wrote, line by line, without the log's time and tag. First stdout, then stderr: nothing orders two pipes. */
  async output(created: Created): Promise<readonly string[]> {
    const bytes = await this.bed.kernel.files.read(created.logPath, 4 << 20);
    if (bytes === undefined) return [];
    const text = new TextDecoder().decode(bytes);
    return [...streamLines(text, "stdout"), ...streamLines(text, "stderr")];
  }

  /** Says the lines of a probe or program, normalised. */
  async sayOutput(lines: readonly string[], wholeTable: boolean, hostPids = false): Promise<void> {
    const needed = lines.some((line) => line.startsWith("ns "));
    const namespaces = needed
      ? await this.bed.hostNamespaces(() => hostNamespaces(this))
      : undefined;
    const words = this.normaliser(wholeTable, hostPids, namespaces);
    for (const line of words.lines(lines)) this.say(line);
  }

  /** Waits until a container has written this line, for 5 seconds at most. */
  async until(created: Created, line: string): Promise<void> {
    for (let turn = 0; turn < 500; turn++) {
      if ((await this.output(created)).includes(line)) return;
      await this.bed.place.sleep(10);
    }
    this.say(`never said: ${line}`);
  }

  /** Runs ops of the host one by one and says which were refused. */
  async host(ops: readonly Op[]): Promise<void> {
    const plan: Plan = { name: "host", steps: ops.map((op) => this.step("host", op)) };
    const { context, outcomes } = outcomesContext();
    try {
      await this.bed.kernel.run(context, plan);
      this.sayRefused(plan, outcomes);
    } catch (error) {
      this.#sayFailure(plan, outcomes, error);
    }
  }

  /** Says what a file of the host holds. */
  async sayFile(path: string): Promise<void> {
    const bytes = await this.bed.kernel.files.read(this.path(path), 4096).catch(() => undefined);
    const text = bytes === undefined ? "(not there)" : new TextDecoder().decode(bytes).trim();
    this.say(`${path}: ${text.replaceAll("\n", " | ")}`);
  }

  /** Runs a Plan with `oci` and `exec` in a container and captures its output. */
  async exec(containerId: string, plan: Plan, timeoutMs = 0): Promise<ExecResult | undefined> {
    const { context, outcomes } = outcomesContext();
    const limits = { stdoutBytesMax: 1 << 20, stderrBytesMax: 1 << 20, timeoutMs, drainMs: 1000 };
    try {
      const shim = await this.bed.shim();
      const result = await shim.exec(context, containerId, plan, limits);
      this.sayRefused(plan, outcomes);
      return result;
    } catch (error) {
      this.#sayFailure(plan, outcomes, error);
      return undefined;
    }
  }
}

function streamLines(log: string, wanted: "stdout" | "stderr"): readonly string[] {
  const lines: string[] = [];
  let line = wanted === "stderr" ? "stderr: " : "";
  const empty = line;
  for (const record of log.split("\n")) {
    const [, stream, tag, ...rest] = record.split(" ");
    if (stream !== wanted) continue;
    line += rest.join(" ");
    if (tag === "P") continue;
    lines.push(line);
    line = empty;
  }
  return line === empty ? lines : [...lines, line];
}

export interface Created {
  readonly containerId: string;
  readonly container: ShimContainer;
  readonly plan: Plan;
  readonly outcomes: readonly OpOutcome[];
  readonly logPath: string;
  readonly context: ReturnType<typeof outcomesContext>["context"];
}

/** How many instructions a filter has is its compiler's affair. */
function refusedText(words: Normaliser, op: Op): string {
  return op.op === "seccomp" ? "seccomp" : words.names(opToText(op));
}

/** The namespaces a process without any of its own has. */
async function hostNamespaces(run: CaseRun): Promise<ReadonlyMap<string, string>> {
  const plan: Plan = {
    name: "host's namespaces",
    steps: [
      run.step("oci", { op: "clone3", child: "init", namespaces: [] }, true),
      run.step("init", { op: "awaitStart" }),
      run.step("init", probeProgram(run, ["ns"])),
    ],
  };
  const created = await run.create(plan);
  if (created === undefined || !(await run.start(created))) throw new Error("no host namespaces");
  await run.wait(created.containerId);
  const found = new Map<string, string>();
  for (const line of await run.output(created)) {
    const [, type = "", inode = ""] = line.split(" ");
    found.set(type, inode);
  }
  return found;
}

/** The probe by its path on the host. */
function probeProgram(run: CaseRun, commands: readonly string[]): Op {
  const argv = ["probe", ...commands.map((word) => run.path(word))];
  return { op: "execve", path: `${run.bed.programs}/probe`, argv, env: ["PATH=/bin"] };
}

export interface SandboxOptions {
  /** Ops of oci before clone3. */
  readonly first?: readonly Op[];
  /** Ops of oci after clone3. */
  readonly outside?: readonly Op[];
  readonly namespaces?: readonly NamespaceType[];
  /** Ops of init before anything else. */
  readonly early?: readonly Op[];
  /** The case has its directory already. */
  readonly made?: boolean;
  /** A pivot_root or chroot that succeeds makes every mount one of the case. */
  readonly pivots?: boolean;
  /** Leaves out the tmpfs on the case's directory. */
  readonly bare?: boolean;
}

/** Makes the case's directory, and removes it at the end. */
export async function makeDirectory(run: CaseRun): Promise<void> {
  await run.bed.host([{ op: "mkdir", path: run.directory, mode: 0o755 }]);
  run.later(async () => {
    await run.bed.host([{ op: "removeTree", path: run.directory }]);
  });
}

/** Ops that give a process a tmpfs of its own at "~", in its own mount namespace. */
export const ownDirectory: readonly Op[] = [
  { op: "propagate", path: "/", propagation: "private", recursive: true },
  { op: "mount", source: "none", target: "~", fstype: "tmpfs", attrs: [], data: "mode=755" },
];

/** Runs `ops` in a mount namespace of their own; whatever they are refused is said; then the probe looks. */
export function sandbox(
  ops: readonly Op[] | ((run: CaseRun) => readonly Op[]),
  probe: readonly string[],
  options: SandboxOptions = {},
): Scenario {
  return async (run) => {
    if (options.made !== true) await makeDirectory(run);
    const steps: PlanStep[] = [];
    for (const op of options.first ?? []) steps.push(run.step("oci", op));
    const namespaces = options.namespaces ?? ["mnt"];
    steps.push(run.step("oci", { op: "clone3", child: "init", namespaces }));
    for (const op of options.outside ?? []) steps.push(run.step("oci", op));
    for (const op of options.early ?? []) steps.push(run.step("init", op));
    if (options.bare !== true)
      for (const op of ownDirectory) steps.push(run.step("init", op, true));
    const list = typeof ops === "function" ? ops(run) : ops;
    const isProgram = ({ op }: Op) => op === "execve";
    for (const op of list.filter((op) => !isProgram(op))) steps.push(run.step("init", op));
    steps.push(run.step("init", { op: "awaitStart" }));
    steps.push(run.step("init", list.find(isProgram) ?? probeProgram(run, probe)));
    await runToEnd(run, { name: "sandbox", steps }, options.pivots ? "pivoted" : false);
  };
}

/** Whether init is in no pid namespace of its own. */
function hasHostPids({ steps }: Plan): boolean {
  return !steps.some(({ op }) => op.op === "clone3" && op.namespaces.includes("pid"));
}

function hasPivoted({ plan, outcomes }: Created): boolean {
  return outcomes.some(
    ({ index, errno }) =>
      errno === "ok" && ["pivotRoot", "chroot"].includes(plan.steps[index]?.op.op ?? ""),
  );
}

/** Runs a container to its end and says refused ops, output and, when it is not 0, the exit code. */
export async function runToEnd(
  run: CaseRun,
  plan: Plan,
  wholeTable: boolean | "pivoted",
  cgroupPaths: readonly string[] = [],
): Promise<void> {
  const created = await run.create(plan, cgroupPaths);
  if (created === undefined || !(await run.start(created))) return;
  const whole = wholeTable === "pivoted" ? hasPivoted(created) : wholeTable;
  const { exitCode, oomKilled } = await run.wait(created.containerId);
  await run.sayOutput(await run.output(created), whole, hasHostPids(plan));
  if (exitCode !== 0) run.say(`exit ${exitCode}${oomKilled ? " by the OOM killer" : ""}`);
}
