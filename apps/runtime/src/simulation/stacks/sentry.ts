/**
 * gVisor's sentry and gofer as processes of the host. The container's calls are answered by the sentry's own
 * kernel (a guest machine); while that happens, the two make on the host what each call needs of it, really,
 * under the sentry's own seccomp filter.
 */
import {
  AT_FDCWD,
  close,
  exitProcess,
  isRefusal,
  type Machine,
  openat2,
  type Process,
  seccomp,
  setNoNewPrivs,
  spawnProcess,
  statat,
  writeNow,
} from "../../kernel/sim/index.ts";
import type { Context, Span } from "../../trace/tracer.ts";
import type { Stage } from "../stage.ts";

/** Calls whose data lies outside of the sentry's memory: it writes to a descriptor it was given. */
const moving: ReadonlySet<string> = new Set(["write", "sendto"]);

/** Pseudo file systems are the sentry's own: no file of the host is behind them. */
const inSentry = /^\/(?:proc|sys|dev)(?:\/|$)/;

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

/** A call of the container that the sentry has begun to answer. */
interface Answer {
  readonly span: Span;
  readonly process: Process;
}

export class Sentry {
  readonly #sentry: Process;
  readonly #gofer: Process;
  readonly #output: number;
  #answer: Answer | undefined;
  /** Calls answered, and calls of the host that were made for them. */
  answered = 0;
  passed = 0;

  constructor(stage: Stage) {
    const { machine } = stage.simulation;
    const spawn = (comm: string) => spawnProcess(machine.init, { comm, argv: [comm], env: [] });
    this.#gofer = spawn("runsc-gofer");
    this.#sentry = spawn("runsc-sandbox");
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

  /** From now on every call of the container `init` on `guest` is drawn below `context`. */
  watch(context: Context, guest: Machine, init: Process): void {
    const inside = init.namespaces.pid;
    guest.watchCalls = {
      call: (process, name) => {
        this.#finish();
        // The executor's own last calls before it becomes the program are not the container's.
        if (process.namespaces.pid !== inside || process.comm.startsWith("vitrine:")) return;
        this.#begin(context, process, name);
      },
      path: (process, path) => {
        if (this.#answer?.process === process) this.#lookUp(context, this.#answer, path);
      },
    };
  }

  unwatch(guest: Machine): void {
    this.#finish();
    guest.watchCalls = undefined;
  }

  #begin(context: Context, process: Process, name: string): void {
    this.answered++;
    const attributes = { "vitrine.syscall.name": name };
    const span = context.tracer.start("gvisor.syscall", context.span, { attributes });
    this.#answer = { span, process };
    if (moving.has(name)) this.#onHost(context, span, "write", () => this.#write());
  }

  /** The sentry has no right to open anything: the gofer does, and hands the descriptor over. */
  #lookUp(context: Context, { span }: Answer, path: string): void {
    span.set({ "vitrine.syscall.detail": path });
    if (inSentry.test(path)) return;
    const attributes = { "vitrine.path": path };
    const gofer = context.tracer.start("gvisor.gofer", span, { attributes });
    this.#onHost(context, gofer, "newfstatat", () => statat(this.#gofer, AT_FDCWD, "/"));
    gofer.end();
  }

  #onHost(context: Context, parent: Span, name: string, call: () => void): void {
    this.passed++;
    const attributes = { "vitrine.syscall.name": name };
    const span = context.tracer.start("gvisor.host", parent, { attributes });
    try {
      call();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      span.fail(thrown.errno, `the host refuses ${name}`);
    }
    span.end();
  }

  #finish(): void {
    this.#answer?.span.end();
    this.#answer = undefined;
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
