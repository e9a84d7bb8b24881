/** The Shim of the kernel seam, over a connection to a vitrine-shim. */
import type { Context } from "../../trace/tracer.ts";
import { KernelError } from "../errors.ts";
import type {
  ContainerExit,
  ContainerIo,
  CreateOptions,
  ExecOptions,
  ExecResult,
  Shim,
  ShimContainer,
  ShimListener,
} from "../kernel.ts";
import type { Plan } from "../plan.ts";
import type { Clock } from "../world.ts";
import { encodePlan } from "./encode.ts";
import {
  type Exchange,
  type ShimConnection,
  type ShimHello,
  ShimRefusal,
} from "./shim-connection.ts";
import { ExitBook } from "./shim-exits.ts";
import { cloneIndexOf, PlanRun, shimError } from "./shim-plan-run.ts";
import { type OutputSink, ShimStream } from "./shim-stream.ts";
import {
  BodyReader,
  BodyWriter,
  readContainer,
  readExit,
  type ShimContainerState,
  type ShimFrame,
  shimIo,
  shimMessage,
  shimRequest,
} from "./shim-wire.ts";

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout?: OutputSink;
  readonly stderr?: OutputSink;
}

export interface ExecStreamOptions extends AttachOptions {
  readonly terminal: boolean;
  /** 0 means none. */
  readonly timeoutMs: number;
  /** See ExecOptions. */
  readonly drainMs: number;
}

export interface LinuxShim extends Shim {
  /** Resolves when the connection has ended, in whichever way. */
  readonly over: Promise<void>;
  list(): Promise<readonly ShimContainerState[]>;
  /** Joins the streams of a container that runs or waits to be started. `terminal`: stderr is part of stdout. */
  attach(
    containerId: string,
    options: AttachOptions,
  ): Promise<{ readonly terminal: boolean; readonly stream: ShimStream }>;
  /** Runs a Plan with processes `oci` and `exec`, its streams live; resolves once the command runs. */
  execStream(
    context: Context,
    containerId: string,
    plan: Plan,
    options: ExecStreamOptions,
  ): Promise<{ readonly pid: number; readonly stream: ShimStream }>;
}

const empty = new Uint8Array();
const noLimit = 0xffff_ffff_ffff_ffffn;

function named(containerId: string): Uint8Array {
  return new BodyWriter().string(containerId).bytes();
}

function ioFlags(io: ContainerIo): number {
  return (
    (io.terminal ? shimIo.terminal : 0) |
    (io.stdin ? shimIo.stdin : 0) |
    (io.stdinOnce ? shimIo.stdinOnce : 0)
  );
}

export class ShimClient implements LinuxShim {
  readonly podId: string;
  readonly pid: number;
  readonly #connection: ShimConnection;
  readonly #clock: Clock;
  readonly #exits: ExitBook;
  /** Plans of containers that are created and not started, for the spans of what happens after the release. */
  readonly #plans = new Map<string, Plan>();

  constructor(connection: ShimConnection, hello: ShimHello, clock: Clock, exits: ExitBook) {
    this.#connection = connection;
    this.podId = hello.podId;
    this.pid = hello.pid;
    this.#clock = clock;
    this.#exits = exits;
  }

  get over(): Promise<void> {
    return this.#exits.over;
  }

  /** Start time of the shim (field 22 of /proc/pid/stat) is in `hello`; `what` begins the message of an error. */
  async #ask(
    kind: number,
    body: Uint8Array,
    what: string,
    exchange?: Exchange,
  ): Promise<BodyReader> {
    try {
      return await this.#connection.request(kind, body, exchange).reply;
    } catch (error) {
      throw error instanceof ShimRefusal ? shimError(error, what) : error;
    }
  }

  async create(context: Context, options: CreateOptions): Promise<ShimContainer> {
    const { containerId, plan, io, cgroupPaths } = options;
    const body = new BodyWriter().string(containerId).u32(ioFlags(io)).u16(cloneIndexOf(plan));
    body
      .u32(io.logLineBytesMax)
      .string(io.logPath ?? "")
      .u16(cgroupPaths.length);
    for (const path of cgroupPaths) body.string(path);
    const run = new PlanRun(context, plan, this.#clock);
    const reply = await this.#run(
      context,
      run,
      shimRequest.create,
      body.bytes(),
      plan,
      containerId,
    );
    this.#plans.set(containerId, plan);
    return readContainer(reply);
  }

  async start(context: Context, containerId: string): Promise<ShimContainer> {
    const run = new PlanRun(context, this.#plans.get(containerId), this.#clock);
    const body = named(containerId);
    this.#plans.delete(containerId);
    const reply = await this.#run(context, run, shimRequest.start, body, undefined, containerId);
    const container = readContainer(reply);
    run.ended(reply.u64());
    return container;
  }

  /** A request whose Plan reports while it is under way. An abort kills what was started, then rejects. */
  async #run(
    context: Context,
    run: PlanRun,
    kind: number,
    body: Uint8Array,
    plan: Plan | undefined,
    containerId: string,
  ): Promise<BodyReader> {
    context.signal?.throwIfAborted();
    const frame = ({ kind, body }: ShimFrame): void => {
      if (kind === shimMessage.report) run.report(body);
    };
    const blob = plan === undefined ? undefined : encodePlan(plan);
    const { id, reply } = this.#connection.request(kind, body, { frame }, blob);
    const cancel = (): void => this.#connection.send(shimRequest.cancel, id, empty);
    context.signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await reply;
    } catch (error) {
      throw run.errorOf(error, `container ${containerId}`);
    } finally {
      context.signal?.removeEventListener("abort", cancel);
    }
  }

  async kill(containerId: string, signal: number, all: boolean): Promise<void> {
    const body = new BodyWriter()
      .string(containerId)
      .i32(signal)
      .u8(all ? 1 : 0)
      .bytes();
    await this.#ask(shimRequest.kill, body, `kill container ${containerId}`);
  }

  async wait(containerId: string, signal?: AbortSignal): Promise<ContainerExit> {
    const exit = this.#exits.get(containerId);
    if (exit !== undefined) return exit;
    const waited = this.#exits.wait(containerId, signal);
    waited.catch(() => undefined);
    // It may have exited before this connection, or never have been here.
    const known = await this.list();
    if (this.#exits.get(containerId) === undefined) {
      if (!known.some((container) => container.containerId === containerId)) {
        throw new KernelError({
          errno: "ENOENT",
          op: "shim",
          detail: containerId,
          message: `wait for container ${containerId}: no such container`,
        });
      }
    }
    return await waited;
  }

  async exec(
    context: Context,
    containerId: string,
    plan: Plan,
    options: ExecOptions,
  ): Promise<ExecResult> {
    const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    const sink = (list: Uint8Array[]) => (bytes: Uint8Array) =>
      void list.push(new Uint8Array(bytes));
    const result = (exitCode: number, timedOut: boolean): ExecResult => ({
      exitCode,
      stdout: new Uint8Array(Buffer.concat(chunks.stdout)),
      stderr: new Uint8Array(Buffer.concat(chunks.stderr)),
      timedOut,
    });
    try {
      const { stream } = await this.#exec(context, containerId, plan, {
        ...options,
        terminal: false,
        stdin: false,
        stdout: sink(chunks.stdout),
        stderr: sink(chunks.stderr),
      });
      const cancel = (): void => stream.cancel();
      context.signal?.addEventListener("abort", cancel, { once: true });
      if (context.signal?.aborted) cancel();
      const end = await stream.ended.finally(() =>
        context.signal?.removeEventListener("abort", cancel),
      );
      context.signal?.throwIfAborted();
      return result(end.exitCode, end.timedOut);
    } catch (error) {
      // The executor itself was not done when the time was over.
      const late =
        error instanceof KernelError && error.errno === "ETIMEDOUT" && error.op === "shim";
      if (late && options.timeoutMs > 0) return result(128 + 9, true);
      throw error;
    }
  }

  execStream(
    context: Context,
    containerId: string,
    plan: Plan,
    options: ExecStreamOptions,
  ): Promise<{ readonly pid: number; readonly stream: ShimStream }> {
    return this.#exec(context, containerId, plan, options);
  }

  async #exec(
    context: Context,
    containerId: string,
    plan: Plan,
    options: ExecStreamOptions & { stdoutBytesMax?: number; stderrBytesMax?: number },
  ): Promise<{ readonly pid: number; readonly stream: ShimStream }> {
    context.signal?.throwIfAborted();
    const flags =
      (options.terminal ? shimIo.terminal : 0) |
      (options.stdin ? shimIo.stdin : 0) |
      (options.stdout ? shimIo.stdout : 0) |
      (options.stderr ? shimIo.stderr : 0);
    const most = (bytes: number | undefined) => (bytes === undefined ? noLimit : BigInt(bytes));
    const body = new BodyWriter().string(containerId).u32(flags).u16(cloneIndexOf(plan));
    body.u64(most(options.stdoutBytesMax)).u64(most(options.stderrBytesMax));
    body.u32(options.timeoutMs).u32(options.drainMs);
    const run = new PlanRun(context, plan, this.#clock);
    const stream = new ShimStream(this.#connection, options.stdout, options.stderr);
    stream.onReport = (bytes) => run.report(bytes);
    const request = this.#connection.request(
      shimRequest.exec,
      body.bytes(),
      stream,
      encodePlan(plan),
    );
    stream.open(request.id);
    const cancel = (): void => stream.cancel();
    context.signal?.addEventListener("abort", cancel, { once: true });
    try {
      const reply = await request.reply;
      const pid = reply.i32();
      run.ended(reply.u64());
      return { pid, stream };
    } catch (error) {
      throw run.errorOf(error, `exec in container ${containerId}`);
    } finally {
      context.signal?.removeEventListener("abort", cancel);
    }
  }

  async attach(
    containerId: string,
    options: AttachOptions,
  ): Promise<{ readonly terminal: boolean; readonly stream: ShimStream }> {
    const flags =
      (options.stdin ? shimIo.stdin : 0) |
      (options.stdout ? shimIo.stdout : 0) |
      (options.stderr ? shimIo.stderr : 0);
    const body = new BodyWriter().string(containerId).u32(flags).bytes();
    const stream = new ShimStream(this.#connection, options.stdout, options.stderr);
    const { id, reply } = this.#connection.request(shimRequest.attach, body, stream);
    stream.open(id);
    try {
      return { terminal: (await reply).u8() === 1, stream };
    } catch (error) {
      throw error instanceof ShimRefusal ? shimError(error, `attach to ${containerId}`) : error;
    }
  }

  async reopenLog(containerId: string): Promise<void> {
    await this.#ask(shimRequest.reopenLog, named(containerId), `log of container ${containerId}`);
  }

  async remove(containerId: string): Promise<void> {
    await this.#ask(shimRequest.remove, named(containerId), `remove container ${containerId}`);
    this.#plans.delete(containerId);
    this.#exits.forget(containerId);
  }

  async list(): Promise<readonly ShimContainerState[]> {
    const containers: ShimContainerState[] = [];
    const frame = ({ kind, body }: ShimFrame): void => {
      if (kind === shimMessage.container) containers.push(readContainer(new BodyReader(body)));
    };
    await this.#ask(shimRequest.list, empty, "list containers", { frame });
    for (const { exit } of containers) if (exit !== undefined) this.#exits.put(exit);
    return containers;
  }

  async shutdown(): Promise<void> {
    await this.#ask(shimRequest.shutdown, empty, "shut the shim down");
    // Its directory is its own until the process has ended.
    await this.#connection.untilEnd();
    this.#exits.fail("the shim was shut down");
  }

  disconnect(): void {
    this.#connection.close();
    this.#exits.fail("the connection was closed");
  }
}

/** Greets the shim at the other end of a connection. Tells `listener` of exits and of the loss of the shim. */
export async function greetShim(
  connect: (events: ConstructorParameters<typeof ShimConnection>[1]) => ShimConnection,
  podId: string,
  clock: Clock,
  listener: () => readonly ShimListener[],
): Promise<ShimClient> {
  const exits = new ExitBook();
  let greeted = false;
  const connection = connect({
    event({ kind, body }) {
      if (kind !== shimMessage.exited) return;
      const exit = readExit(new BodyReader(body));
      exits.put(exit);
      for (const { exited } of listener()) exited(podId, exit);
    },
    lost(error) {
      exits.fail(error.detail);
      if (!greeted) return;
      for (const { lost } of listener()) lost(podId);
    },
  });
  const hello = await connection.hello;
  greeted = hello.podId === podId;
  if (greeted) return new ShimClient(connection, hello, clock, exits);
  connection.close();
  throw new KernelError({
    errno: "EEXIST",
    op: "shim",
    detail: hello.podId,
    message: `the shim of pod ${podId} says that it is the shim of pod ${hello.podId}`,
  });
}
