/**
 * gVisor's sentry and gofer as processes of the host. The container's calls have been answered by the sentry's
 * own kernel (a guest machine); here is what each of them makes the two do on the host, really, under the
 * sentry's own seccomp filter.
 */
import {
  AT_FDCWD,
  close,
  exitProcess,
  type KernelEvent,
  openat2,
  type Process,
  seccomp,
  setNoNewPrivs,
  spawnProcess,
  statat,
  writeNow,
} from "../../kernel/sim/index.ts";
import { type Context, step } from "../../trace/tracer.ts";
import type { Stage } from "../stage.ts";

/** Calls about files of the root file system: the gofer opens them. */
const opening: ReadonlySet<string> = new Set([
  "openat2",
  "openat",
  "newfstatat",
  "readlinkat",
  "execve",
]);

/** Calls whose data lies outside of the sentry's memory: it reads or writes a descriptor it was given. */
const moving: ReadonlySet<string> = new Set(["write", "sendto", "recvfrom"]);

/** What the sentry may ask of the host, a few of the 70 or so that gVisor's filter has. */
const allowed = [
  "read",
  "write",
  "pread64",
  "pwrite64",
  "close",
  "futex",
  "nanosleep",
  "mmap",
  "munmap",
  "madvise",
  "epoll_pwait",
  "exit_group",
  "tgkill",
  "sendmsg",
  "recvmsg",
];

export class Sentry {
  readonly #sentry: Process;
  readonly #gofer: Process;
  readonly #output: number;

  constructor(stage: Stage) {
    const { machine } = stage.simulation;
    this.#gofer = spawnProcess(machine.init, {
      comm: "runsc-gofer",
      argv: ["runsc-gofer"],
      env: [],
    });
    this.#sentry = spawnProcess(machine.init, { comm: "runsc-sandbox", argv: ["runsc"], env: [] });
    this.#output = openat2(this.#sentry, AT_FDCWD, "/dev/null", { flags: 1 });
    setNoNewPrivs(this.#sentry);
    const filter = stage.world.kernel.compileSeccomp({
      defaultAction: "SCMP_ACT_ERRNO",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [{ names: allowed, action: "SCMP_ACT_ALLOW" }],
    });
    seccomp(this.#sentry, filter, { log: false });
  }

  /** On the host: sentry, gofer. */
  get pids(): readonly number[] {
    return [this.#sentry.pid, this.#gofer.pid];
  }

  /** Draws a call of the container, and makes the calls of the host that it needs; how many those were. */
  async answer(context: Context, event: KernelEvent): Promise<number> {
    const attributes = {
      "vitrine.syscall.name": event.name,
      "vitrine.syscall.detail": event.detail,
      ...(event.errno === 0 ? {} : { "vitrine.syscall.errno": String(event.errno) }),
    };
    return step(context, "gvisor.syscall", attributes, async (inner) => {
      if (opening.has(event.name)) return this.#viaGofer(inner, event.detail);
      if (moving.has(event.name)) return this.#toHost(inner, "write", () => this.#write());
      return 0;
    });
  }

  async #viaGofer(context: Context, path: string): Promise<number> {
    await step(context, "gvisor.gofer", { "vitrine.path": path }, async (inner) => {
      await step(inner, "gvisor.host", { "vitrine.syscall.name": "openat" }, async () => {
        statat(this.#gofer, AT_FDCWD, "/");
      });
    });
    return 1;
  }

  async #toHost(context: Context, name: string, call: () => void): Promise<number> {
    await step(context, "gvisor.host", { "vitrine.syscall.name": name }, async () => call());
    return 1;
  }

  #write(): void {
    writeNow(this.#sentry, this.#output, new Uint8Array(1));
  }

  stop(): void {
    close(this.#sentry, this.#output);
    for (const process of [this.#sentry, this.#gofer]) {
      exitProcess(process, { kind: "exited", code: 0 });
    }
  }
}
