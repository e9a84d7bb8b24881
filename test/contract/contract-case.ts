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

/** Errnos that do not stop a case, so that later ops show what the refusal left behind. At most 16 of an op. */
const passed: readonly ErrnoName[] = [
  ...(["EPERM", "ENOENT", "EACCES", "EBUSY", "EEXIST", "EXDEV", "ENOTDIR", "EISDIR"] as const),
  ...(["EINVAL", "EROFS", "ELOOP", "ENOTEMPTY", "EBADF", "ENOSPC"] as const),
];
const passedOf: Partial<Record<Op["op"], readonly ErrnoName[]>> = {
  mount: ["ENODEV", "ENOTBLK"],
  fsmount: ["ENODEV", "EOPNOTSUPP"],
  writeFile: ["EIO", "EOVERFLOW"],
  cgroupJoin: ["ESRCH", "ENODEV"],
  open: ["ENAMETOOLONG", "EMFILE"],
  mkdir: ["ENAMETOOLONG", "EOVERFLOW"],
  mknod: ["EOVERFLOW"],
  symlink: ["ENAMETOOLONG"],
  openTree: ["ENXIO"],
  linkUp: ["ENODEV", "ENAMETOOLONG"],
  oomScoreAdj: ["ERANGE"],
  mountSetattr: ["EOPNOTSUPP"],
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
  }

  /** Replaces "~" at the start of a path by the case's directory, also within option strings. */
  path(text: string): string {
    if (!text.includes("~")) return text;
    return text.replace(/(^|[=:,])~(?=[/:,]|$)/g, `$1${this.directory}`);
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
    return { process, op: placed, ignore: [...passed, ...(passedOf[op.op] ?? [])] };
  }

  normaliser(wholeTable: boolean, hostNamespaces?: ReadonlyMap<string, string>): Normaliser {
    return new Normaliser({
      directory: this.directory,
      names: [
        [this.bed.programs, "(programs)"],
        [this.bed.place.directory, "(bed)"],
      ],
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

  /** What a container wrote, line by line, without the log's time, stream and tag. */
  async output(created: Created): Promise<readonly string[]> {
    const bytes = await this.bed.kernel.files.read(created.logPath, 4 << 20);
    if (bytes === undefined) return [];
    const lines: string[] = [];
    let partial = "";
    for (const line of new TextDecoder().decode(bytes).split("\n")) {
      const [, stream = "", tag, ...rest] = line.split(" ");
      if (tag === undefined) continue;
      const text = `${stream === "stderr" ? "stderr: " : ""}${rest.join(" ")}`;
      if (tag === "P") partial += text;
      else {
        lines.push(partial + text);
        partial = "";
      }
    }
    return partial === "" ? lines : [...lines, partial];
  }

  /** Says the lines of a probe or program, normalised. */
  async sayOutput(lines: readonly string[], wholeTable: boolean): Promise<void> {
    const needed = lines.some((line) => line.startsWith("ns "));
    const namespaces = needed
      ? await this.bed.hostNamespaces(() => hostNamespaces(this))
      : undefined;
    const words = this.normaliser(wholeTable, namespaces);
    for (const line of words.lines(lines)) this.say(line);
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
    await makeDirectory(run);
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
    await runToEnd(run, { name: "sandbox", steps }, false);
  };
}

/** Runs a container to its end and says refused ops, output and, when it is not 0, the exit code. */
export async function runToEnd(
  run: CaseRun,
  plan: Plan,
  wholeTable: boolean,
  cgroupPaths: readonly string[] = [],
): Promise<void> {
  const created = await run.create(plan, cgroupPaths);
  if (created === undefined || !(await run.start(created))) return;
  const { exitCode, oomKilled } = await run.wait(created.containerId);
  await run.sayOutput(await run.output(created), wholeTable);
  if (exitCode !== 0) run.say(`exit ${exitCode}${oomKilled ? " by the OOM killer" : ""}`);
}
