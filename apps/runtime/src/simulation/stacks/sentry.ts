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
import { attribute } from "../../trace/attribute.ts";
import type { StepId } from "../../trace/catalogue.ts";
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
  readonly #stage: Stage;
  #sentry!: Process;
  #gofer!: Process;
  #output = -1;
  #answer: Answer | undefined;
  /** Of the whole run; opened by the first call. */
  #summary: Span | undefined;
  /** Paths that it has asked the gofer for: it remembers what they are. */
  readonly #known = new Set<string>();
  /** Calls answered, and calls of the host that were made for them. */
  answered = 0;
  passed = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Starts the two, and locks the sentry in. */
  start(): void {
    const { machine } = this.#stage.simulation;
    const spawn = (comm: string) => spawnProcess(machine.init, { comm, argv: [comm], env: [] });
    this.#gofer = spawn("runsc-gofer");
    this.#sentry = spawn("runsc-sandbox");
    this.#output = openat2(this.#sentry, AT_FDCWD, "/dev/null", { flags: 1 });
    setNoNewPrivs(this.#sentry);
    const filter = this.#stage.world.kernel.compileSeccomp({
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

  /** From now on every call of the container `init` on `guest` is drawn, below one summary. */
  watch(context: Context, guest: Machine, init: Process, name: string): void {
    const inside = init.namespaces.pid;
    guest.watchCalls = {
      call: (process, call) => {
        this.#finish();
        // The executor's own last calls before it becomes the program are not the container's.
        if (process.namespaces.pid !== inside || process.comm.startsWith("vitrine:")) return;
        this.#begin(context, process, call, name);
      },
      path: (process, path) => {
        if (this.#answer?.process === process) this.#lookUp(context, this.#answer, path);
      },
    };
  }

  unwatch(guest: Machine): void {
    this.#finish();
    guest.watchCalls = undefined;
    const { answered, passed } = this;
    this.#summary?.set({ "vitrine.syscall.answered": answered, "vitrine.syscall.passed": passed });
    this.#summary?.end();
  }

  #begin(context: Context, process: Process, call: string, container: string): void {
    this.#summary ??= context.tracer.start("gvisor.summary", context.span, {
      attributes: { [attribute.containerName]: container },
    });
    this.answered++;
    const attributes = { "vitrine.syscall.name": call };
    const span = context.tracer.start("gvisor.syscall", this.#summary, { attributes });
    this.#answer = { span, process };
    if (moving.has(call)) this.#onHost(context, "gvisor.host", span, "write", () => this.#write());
  }

  /** The sentry has no right to open anything: the gofer does, and hands the descriptor over. */
  #lookUp(context: Context, { span }: Answer, path: string): void {
    span.set({ "vitrine.syscall.detail": path });
    if (inSentry.test(path) || this.#known.has(path)) return;
    this.#known.add(path);
    const attributes = { "vitrine.path": path };
    const gofer = context.tracer.start("gvisor.gofer", span, { attributes });
    const look = () => statat(this.#gofer, AT_FDCWD, "/");
    this.#onHost(context, "gvisor.file", gofer, "newfstatat", look);
    gofer.end();
  }

  #onHost(context: Context, id: StepId, parent: Span, name: string, call: () => void): void {
    this.passed++;
    const attributes = { "vitrine.syscall.name": name };
    const span = context.tracer.start(id, parent, { attributes });
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
