/**
 * The bed that contract cases run in, on either kernel: one shim, a directory with the programs of the containers, and for
 * each case a directory of its own. Everything goes through the Kernel seam, so the real and the simulated kernel
 * get the very same calls.
 */

import type { Kernel, Op, OpReport, Plan, Shim } from "../../apps/runtime/src/kernel/index.ts";
import { capabilityNames } from "../../apps/runtime/src/kernel/index.ts";
import { attribute } from "../../apps/runtime/src/trace/attribute.ts";
import type { Attributes, Context, Span } from "../../apps/runtime/src/trace/tracer.ts";

/** What differs between the two kernels: the kernel, and where the programs lie. */
export interface ContractPlace {
  readonly name: "real" | "simulated";
  readonly kernel: Kernel;
  /** A path that does not exist, in a directory that does. */
  readonly directory: string;
  /** The probe and a busybox, and the libraries that busybox is linked with. */
  readonly probe: string;
  readonly busybox: string;
  readonly libraries: readonly string[];
  /** Vitrine's own CNI plugin. */
  readonly cniPlugin: string;
  /** Lets `work` come to its end: a simulated machine runs only while somebody drives it. */
  drive<T>(work: Promise<T>): Promise<T>;
  /** Lets time pass: real or virtual. */
  sleep(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** One op that was tried: its index in the Plan, and "ok" or the errno. */
export interface OpOutcome {
  readonly index: number;
  readonly errno: string;
  /** False when the Plan went on in spite of the errno. */
  readonly stopped: boolean;
}

/** Applets that a case may call by name. */
const applets = [
  ...["sh", "cat", "echo", "ls", "id", "ps", "kill", "sleep", "hostname", "mount", "umount", "dd"],
  ...["grep", "head", "tail", "wc", "sort", "uniq", "cut", "tr", "seq", "true", "false", "env"],
  ...["mkdir", "rm", "rmdir", "mv", "cp", "ln", "touch", "chmod", "chown", "pwd", "printf", "test"],
  ...["ip", "ping", "wget", "httpd", "nc", "stat", "readlink", "yes", "date", "uname", "whoami"],
  ...["basename", "dirname", "expr", "tee", "xargs", "find", "sed", "awk", "[", "timeout", "nohup"],
];

/** Reports of ops as they come, collected from the spans that the kernel makes of them. */
export function outcomesContext(): { readonly context: Context; readonly outcomes: OpOutcome[] } {
  const outcomes: OpOutcome[] = [];
  const start = (
    _step: string,
    _parent: Span | undefined,
    options?: { attributes?: Attributes },
  ) => {
    const index = options?.attributes?.[attribute.opIndex];
    let errno = "ok";
    let stopped = false;
    const span: Span = {
      traceId: "0".repeat(32),
      spanId: "0".repeat(16),
      set: (attributes) => {
        const ignored = attributes[attribute.ignoredErrno];
        if (typeof ignored === "string") errno = ignored;
      },
      event: () => undefined,
      fail: (type) => {
        errno = type;
        stopped = true;
      },
      link: () => undefined,
      end: () => {
        if (typeof index === "number") outcomes.push({ index, errno, stopped });
      },
    };
    return span;
  };
  return { context: { tracer: { start }, span: undefined, signal: undefined }, outcomes };
}

export class ContractBed {
  readonly place: ContractPlace;
  readonly kernel: Kernel;
  /** Every capability of the daemon, as the mask in /proc/PID/status. */
  readonly fullCapabilities: bigint;
  #shim: Shim | undefined;
  #counter = 0;
  #namespaces: ReadonlyMap<string, string> | undefined;

  private constructor(place: ContractPlace) {
    this.place = place;
    this.kernel = place.kernel;
    let mask = 0n;
    for (const name of place.kernel.facts.capabilities) {
      const number = (capabilityNames as readonly string[]).indexOf(name);
      if (number >= 0) mask |= 1n << BigInt(number);
    }
    this.fullCapabilities = mask;
  }

  /** Makes the directories and copies the programs; `close` takes all of it away. */
  static async open(place: ContractPlace): Promise<ContractBed> {
    const bed = new ContractBed(place);
    await place.drive(bed.#furnish());
    return bed;
  }

  async #furnish(): Promise<void> {
    const { place } = this;
    await this.host([
      { op: "mkdir", path: place.directory, mode: 0o711 },
      { op: "mkdir", path: this.logs, mode: 0o700 },
      { op: "mkdir", path: this.cases, mode: 0o755 },
      { op: "mkdir", path: this.programs, mode: 0o755 },
      { op: "mkdir", path: `${this.programs}/lib`, mode: 0o755 },
      { op: "mkdir", path: `${place.directory}/shim`, mode: 0o700 },
    ]);
    await this.#copy(place.probe, "probe");
    await this.#copy(place.busybox, "busybox");
    for (const library of place.libraries) {
      await this.#copy(library, `lib/${library.slice(library.lastIndexOf("/") + 1)}`);
    }
    await this.host(
      applets.map((name) => ({
        op: "symlink",
        target: "busybox",
        path: `${this.programs}/${name}`,
      })),
    );
  }

  /** A name of this bed, for what lies outside of its directory. */
  get mark(): string {
    return this.place.directory.slice(this.place.directory.lastIndexOf("-") + 1);
  }

  get logs(): string {
    return `${this.place.directory}/logs`;
  }

  get cases(): string {
    return `${this.place.directory}/cases`;
  }

  /** What containers see at /bin. */
  get programs(): string {
    return `${this.place.directory}/bin`;
  }

  /** Runs ops of the host; a refused one throws. */
  host(ops: readonly Op[]): Promise<readonly OpReport[]> {
    const plan: Plan = {
      name: "contract",
      steps: ops.map((op) => ({ process: "host", op })),
    };
    return this.kernel.run(outcomesContext().context, plan);
  }

  /** A number that no other case of this bed has. */
  next(): number {
    return ++this.#counter;
  }

  /** The one shim; it is started with the first case that needs it. */
  async shim(): Promise<Shim> {
    this.#shim ??= await this.kernel.startShim(
      outcomesContext().context,
      "contract",
      `${this.place.directory}/shim`,
    );
    return this.#shim;
  }

  /** Namespaces of the host, by type, as a probe there sees them. `look` is asked once. */
  async hostNamespaces(
    look: () => Promise<ReadonlyMap<string, string>>,
  ): Promise<ReadonlyMap<string, string>> {
    this.#namespaces ??= await look();
    return this.#namespaces;
  }

  async close(): Promise<void> {
    await this.place.drive(this.#clear());
    await this.place.close();
  }

  async #clear(): Promise<void> {
    await this.#shim?.shutdown();
    await this.host([{ op: "removeTree", path: this.place.directory }]);
  }

  async #copy(from: string, name: string): Promise<void> {
    const real = (await this.kernel.files.real(from)) ?? from;
    const data = await this.kernel.files.read(real, 8 << 20);
    if (data === undefined) throw new Error(`${from} is not there`);
    const path = `${this.programs}/${name}`;
    await this.host([{ op: "writeFile", path, data, mode: 0o755, how: "create" }]);
  }
}
