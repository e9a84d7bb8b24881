/** The simulated Kernel: what the engine asks, done by processes of the model. One life of the daemon. */
import type { Context } from "../../../trace/tracer.ts";
import { capabilityNames } from "../../capability.ts";
import { KernelError } from "../../errors.ts";
import type {
  HostFacts,
  HostFiles,
  Kernel,
  Program,
  ProgramResult,
  SeccompProfile,
  Shim,
  ShimListener,
} from "../../kernel.ts";
import { reportOps } from "../../op-spans.ts";
import type { OpReport, Plan } from "../../plan.ts";
import { failureOf } from "../../plan-failure.ts";
import { SIGKILL } from "../abi.ts";
import type { CniFault } from "../fault/fault-schedule.ts";
import { bootId } from "../fs/sysctl.ts";
import type { PlanObserver } from "../plan/plan-process.ts";
import { runHostPlan, startOci } from "../plan/run-plan.ts";
import { Refusal } from "../refusal.ts";
import { compileProfile } from "../seccomp/compile-profile.ts";
import { hasMembers, membersOf, signalMembers } from "../shim/container-cgroups.ts";
import { PodShim, shimAt } from "../shim/pod-shim.ts";
import { SimShim } from "../shim/sim-shim.ts";
import { setParentDeathSignal } from "../syscall/credential.ts";
import { close, fileOf, openat2 } from "../syscall/file.ts";
import { deliverSignal, wait4 } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import type { DaemonLife } from "./daemon-life.ts";
import { devicesOf, simFiles } from "./host-files.ts";
import { runProgram } from "./program-run.ts";

/** What the kernel of a machine is told besides the machine itself. */
export interface KernelOptions {
  readonly observer: PlanObserver;
  /** A Plan as it shall be run. */
  readonly editPlan: (plan: Plan) => Plan;
  /** How a CNI plugin fails that is called with this command. */
  readonly cniFault: (command: string) => CniFault | undefined;
  readonly apparmor: boolean;
  /** Directories that somebody watches; looked at between turns. */
  readonly watches: Set<DirectoryWatch>;
}

export interface DirectoryWatch {
  readonly path: string;
  readonly changed: () => void;
  /** Called between turns: tells when what is in the directory has changed. */
  look(): void;
}

const emptyRounds = 200;
const emptyRoundNs = 5_000_000n;
/** What a shim takes from its start to its first word, beside its own calls: pod.shim of traces/real. */
const shimStartNs = 6_000_000;
/** vitrine-oci and programs: from fork to the first instruction of their own. */
const spawnNs = 1_200_000;

export class SimKernel implements Kernel {
  readonly facts: HostFacts;
  readonly files: HostFiles;
  readonly #life: DaemonLife;
  readonly #options: KernelOptions;
  readonly #listeners: ShimListener[] = [];

  constructor(life: DaemonLife, options: KernelOptions) {
    this.#life = life;
    this.#options = options;
    this.files = simFiles(life);
    this.facts = factsOf(life, options.apparmor);
  }

  run(context: Context, plan: Plan): Promise<readonly OpReport[]> {
    return this.#life.now(() => {
      const edited = this.#options.editPlan(plan);
      const report = this.#reporter(context, edited);
      const { observer } = this.#options;
      const { reports, failure } = runHostPlan(this.#life.process, edited, observer, report);
      if (failure !== undefined) throw failure;
      return reports;
    });
  }

  runApart(context: Context, plan: Plan): Promise<readonly OpReport[]> {
    return this.#life.promise(`plan "${plan.name}"`, (resolve, reject) => {
      const edited = this.#options.editPlan(plan);
      const show = this.#reporter(context, edited);
      const reports: OpReport[] = [];
      this.#life.machine.scheduler.charge(spawnNs);
      const oci = this.#orRefused("start vitrine-oci", () =>
        startOci(this.#life.process, {
          plan: edited,
          observer: this.#options.observer,
          listener: {
            report: (report) => {
              reports.push(report);
              show(report);
            },
            ready: () => undefined,
            left: () => undefined,
            born: () => undefined,
          },
          stdio: [],
        }),
      );
      setParentDeathSignal(oci, SIGKILL);
      const { process } = this.#life;
      function* wait(): Coroutine<void> {
        const ended = yield* wait4(process, oci.pid);
        const failure = failureOf(edited, reports);
        const status = ended?.status;
        if (failure !== undefined) reject(failure);
        else if (status?.kind === "exited" && status.code === 0) resolve(reports);
        else reject(unexplained(edited, status?.kind === "signaled" ? 128 + status.signal : 1));
      }
      this.#life.spawn(`vitrined waits for "${plan.name}"`, wait(), reject);
    });
  }

  exec(context: Context, program: Program): Promise<ProgramResult> {
    const command = program.env.find((entry) => entry.startsWith("CNI_COMMAND="));
    const fault =
      command === undefined
        ? undefined
        : this.#options.cniFault(command.slice("CNI_COMMAND=".length));
    this.#life.machine.scheduler.charge(spawnNs);
    return runProgram(this.#life, program, context.signal, fault);
  }

  startShim(_context: Context, podId: string, directory: string): Promise<Shim> {
    return this.#life.promise(`the shim of pod ${podId} to start`, (resolve, reject) => {
      const { observer, editPlan } = this.#options;
      const { machine, process } = this.#life;
      machine.scheduler.charge(shimStartNs);
      let shim: PodShim;
      try {
        shim = new PodShim(process, podId, directory, observer);
      } catch (thrown) {
        return reject(thrown instanceof Refusal ? startError(podId, thrown) : thrown);
      }
      const connection = new SimShim(shim, this.#life, () => this.#listeners, editPlan);
      this.#reapLater(shim);
      const refused = (why: Refusal) => {
        connection.disconnect();
        reject(startError(podId, why));
      };
      shim.greet(() => resolve(connection), refused);
    });
  }

  findShim(podId: string, directory: string): Promise<Shim | undefined> {
    return this.#life.promise(`the shim in ${directory}`, (resolve, reject) => {
      const shim = shimAt(this.#life.process, directory);
      if (shim === undefined) return resolve(undefined);
      const late = this.#life.after(greetNs, () => {
        reject(unreachable(podId, "it does not answer"));
      });
      shim.ask(() => {
        late();
        if (shim.podId !== podId) return reject(unreachable(podId, `it is of pod ${shim.podId}`));
        const { editPlan } = this.#options;
        resolve(new SimShim(shim, this.#life, () => this.#listeners, editPlan));
      });
    });
  }

  killShim(directory: string): Promise<void> {
    return this.#life.now(() => {
      const shim = shimAt(this.#life.process, directory);
      if (shim !== undefined) deliverSignal(shim.process, SIGKILL);
    });
  }

  listen(listener: ShimListener): void {
    this.#life.check();
    this.#listeners.push(listener);
  }

  compileSeccomp(profile: SeccompProfile): Uint8Array {
    this.#life.check();
    let filter = filters.get(profile);
    if (filter === undefined) {
      filter = compileProfile(profile);
      filters.set(profile, filter);
    }
    return filter;
  }

  emptyCgroup(path: string): Promise<void> {
    return this.#life.promise(`the cgroup ${path} to be empty`, (resolve, reject) => {
      const { machine } = this.#life;
      let rounds = 0;
      const round = (): void => {
        if (signalMembers(machine, [path], SIGKILL) === 0 || !hasMembers(machine, [path])) {
          resolve();
          return;
        }
        if (++rounds < emptyRounds) {
          this.#life.after(emptyRoundNs, round);
          return;
        }
        const pids = [...membersOf(machine, [path])].map(({ pid }) => pid).join(", ");
        const message = `kill cgroup ${path}: EBUSY, pids ${pids} do not end`;
        reject(new KernelError({ errno: "EBUSY", op: "library", detail: path, message }));
      };
      round();
    });
  }

  watch(path: string, changed: () => void, signal: AbortSignal): void {
    this.#life.check();
    const { watches } = this.#options;
    let before = this.#listing(path);
    const watch: DirectoryWatch = {
      path,
      changed,
      look: () => {
        const now = this.#listing(path);
        if (now === before) return;
        before = now;
        this.#life.deliver(changed);
      },
    };
    watches.add(watch);
    const stop = () => void watches.delete(watch);
    this.#life.atDeath(stop);
    signal.addEventListener("abort", stop, { once: true });
  }

  /** What is in a directory, as text that changes when it does. */
  #listing(path: string): string {
    const { process } = this.#life;
    try {
      const fd = openat2(process, -100, path, { flags: 0o200000 });
      try {
        const { dentry } = fileOf(process, fd).point ?? {};
        if (dentry === undefined) return "";
        const names = dentry.fileSystem.list(dentry, process);
        return names
          .map((name) => {
            const inode = dentry.fileSystem.lookup(dentry, name, process)?.inode;
            return `${name} ${inode?.number} ${inode?.mtimeNs}`;
          })
          .join("\n");
      } finally {
        close(process, fd);
      }
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.errno;
      throw thrown;
    }
  }

  /** A child of the daemon that ends is reaped by it, like the ones it waits for. */
  #reapLater(shim: PodShim): void {
    const { process } = this.#life;
    function* wait(): Coroutine<void> {
      yield* wait4(process, shim.process.pid);
      shim.reaped();
    }
    this.#life.spawn(`vitrined waits for the shim of ${shim.podId}`, wait(), () => undefined);
  }

  /** Makes a span of each op that was tried, as it ends. */
  #reporter(context: Context, plan: Plan): (report: OpReport) => void {
    const { machine } = this.#life;
    const offsetNs = machine.unixNs() - machine.scheduler.nowNs;
    return (report) => {
      if (!this.#life.dead) reportOps(context, plan, [report], offsetNs);
    };
  }

  #orRefused<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      const { errno } = thrown;
      const message = `${what}: ${errno}`;
      throw new KernelError({ errno, op: "library", detail: what, message });
    }
  }
}

/** Filters of profiles that have been compiled: the default one is the same object for most containers. */
const filters = new WeakMap<SeccompProfile, Uint8Array>();
const greetNs = 5_000_000_000n;

function unreachable(podId: string, said: string): KernelError {
  const message = `the shim of pod ${podId} cannot start: ${said}`;
  return new KernelError({ errno: "ECONNRESET", op: "shim", detail: said, message });
}

function startError(podId: string, { errno, detail }: Refusal): KernelError {
  const said = detail === "" ? errno : detail;
  const message = `the shim of pod ${podId} cannot start: ${said}`;
  return new KernelError({ errno, op: "shim", detail: said, message });
}

/** vitrine-oci ended badly without an op that failed: it was killed. */
function unexplained(plan: Plan, exitCode: number): KernelError {
  const detail = `vitrine-oci ended with ${exitCode}`;
  const message = `plan "${plan.name}": ${detail}`;
  return new KernelError({ errno: "ECANCELED", op: "library", process: "oci", detail, message });
}

function factsOf(life: DaemonLife, apparmor: boolean): HostFacts {
  const { machine, process } = life;
  const { release, hostname, memoryTotalBytes, cpuCount, seed } = machine.options;
  const { effective } = process.credentials;
  return {
    mode: "sim",
    release,
    architecture: "amd64",
    hostname,
    bootId: bootId(seed),
    cgroups: machine.hierarchies
      .filter(({ controllers }) => controllers.length > 0)
      .map(({ mountpoint, version, controllers }) => ({ path: mountpoint, version, controllers })),
    capabilities: capabilityNames.filter(
      (_, number) => ((effective >> BigInt(number)) & 1n) === 1n,
    ),
    lastCapability: capabilityNames.length - 1,
    apparmor,
    selinux: false,
    seccomp: true,
    memoryTotalBytes,
    cpuCount,
    devices: () => life.now(() => devicesOf(life.process)),
  };
}
