/**
 * A stage: a simulated machine with a daemon on it, a client in front and a list of spans behind. What
 * `vitrined` is on Linux, put together for a simulation; scenarios, tests and the page play on it.
 */
import { ApiServer } from "../actors/api-server.ts";
import { Kubelet } from "../actors/kubelet.ts";
import { PodClient } from "../actors/pod-client.ts";
import { Scheduler } from "../actors/scheduler.ts";
import type { Runtime } from "../cri/service/runtime.ts";
import { Engine } from "../engine/engine.ts";
import { defaultEngineOptions, type EngineOptions } from "../engine/engine-options.ts";
import type { NetworkOptions } from "../engine/network/network-options.ts";
import { RuntimeError } from "../kernel/errors.ts";
import { Simulation, type SimulationHost, type SimulationOptions } from "../kernel/sim/index.ts";
import type { World } from "../kernel/world.ts";
import { resourceAttribute } from "../trace/attribute.ts";
import type { CastName } from "../trace/cast.ts";
import { type ListSpan, ListTracer } from "../trace/list-tracer.ts";
import type { AttributeMap } from "../trace/span-record.ts";
import type { Context } from "../trace/tracer.ts";
import { StubbornRuntime } from "./crash-machine/stubborn-runtime.ts";
import { type LocalCri, localCri } from "./local-cri.ts";

export interface StageOptions {
  readonly seed: number;
  readonly host: SimulationHost;
  readonly scenario?: string;
  readonly cast?: CastName;
  /** What the simulation is told besides: faults, cgroup layout, hooks. */
  readonly simulation?: Omit<SimulationOptions, "seed" | "host">;
  readonly engine?: Partial<EngineOptions>;
  /** Told of every start and end of a span, for a live picture. */
  readonly changed?: (span: ListSpan) => void;
  /** A client that does not give up stands between the callers and the daemon (crash-machine/). */
  readonly stubborn?: boolean;
  /** Keeps no spans: for long runs that only look at the end. */
  readonly forgetSpans?: boolean;
}

/** A gRPC message over a unix socket, one way: half of what Version takes on a quiet machine. */
const messageNs = 150_000;

/** A supervisor gives up at some point, and so does a run. */
const startsMax = 50;

/** Name of the one node. */
export const nodeName = "node-1";

/** As a daemon has it on a machine that nobody has configured: Vitrine's own bridge. */
export const simulatedNetwork: NetworkOptions = {
  ...defaultEngineOptions.network,
  builtin: {
    binDir: "/usr/libexec/vitrine",
    bridge: "vitrine0",
    subnet: "10.187.0.0/24",
    dataDir: "/var/lib/vitrine/cni/leases",
  },
};

function resourceOf(options: StageOptions, release: string): AttributeMap {
  return new Map<string, string | number>([
    [resourceAttribute.serviceName, "vitrine"],
    [resourceAttribute.serviceVersion, defaultEngineOptions.runtimeVersion],
    [resourceAttribute.mode, "sim"],
    [resourceAttribute.kernelRelease, release],
    [resourceAttribute.seed, options.seed],
    ...(options.scenario === undefined
      ? []
      : [[resourceAttribute.scenario, options.scenario] as const]),
    ...(options.cast === undefined ? [] : [[resourceAttribute.cast, options.cast] as const]),
  ]);
}

export class Stage {
  readonly options: StageOptions;
  readonly simulation: Simulation;
  readonly tracer: ListTracer;
  /** The CRI service, as a kubelet has it; goes on working over a restart of the daemon. */
  readonly cri: LocalCri;
  /** What callers call: the engine itself, or a client that does not give up in front of it. */
  readonly runtime: Runtime;
  /** The client that does not give up, for what it has to report. */
  readonly stubborn: StubbornRuntime | undefined;
  /** Told after every start of a daemon, when it has recovered what it found. */
  recovered: (() => void) | undefined;
  #world: World;
  #engine: Engine;

  private constructor(options: StageOptions, guestOf?: Stage) {
    this.options = options;
    this.simulation = new Simulation({
      ...options.simulation,
      seed: options.seed,
      host: options.host,
      ...(guestOf === undefined ? {} : { guestOf: guestOf.simulation }),
    });
    const { machine } = this.simulation;
    this.tracer = new ListTracer({
      resource: { attributes: resourceOf(options, machine.options.release) },
      nowNs: () => this.simulation.stampNs(),
      seed: options.seed,
      ...(options.changed === undefined ? {} : { changed: options.changed }),
      ...(options.forgetSpans === undefined ? {} : { forget: options.forgetSpans }),
    });
    this.stubborn = options.stubborn === true ? this.#stubborn() : undefined;
    this.runtime = this.stubborn?.asRuntime() ?? forwarding(() => this.#engine);
    this.cri = localCri(
      () => this.runtime,
      () => machine.scheduler.charge(messageNs),
    );
    this.#world = this.simulation.startDaemon();
    this.#engine = new Engine(this.#world, this.#engineOptions());
  }

  #stubborn(): StubbornRuntime {
    return new StubbornRuntime({
      runtime: () => this.#engine,
      crashed: () => this.simulation.crashed(),
      restart: () => this.#restartUntilItServes(),
      clock: this.simulation.clock,
    });
  }

  /** A daemon may die while it recovers; whoever supervises it starts it again. */
  async #restartUntilItServes(): Promise<void> {
    for (let starts = 0; starts < startsMax; starts++) {
      if (await this.#serves(this.startDaemon())) return;
    }
    throw new RuntimeError("UNAVAILABLE", `the daemon died in each of ${startsMax} starts`);
  }

  /** Whether the daemon comes through its start. */
  #serves(start: Promise<void>): Promise<boolean> {
    const started = start.then(
      () => true,
      () => false,
    );
    return Promise.race([this.simulation.crashed().then(() => false), started]);
  }

  #engineOptions(): EngineOptions {
    return { ...defaultEngineOptions, network: simulatedNetwork, ...this.options.engine };
  }

  /** Boots the machine and starts the daemon. */
  static async open(options: StageOptions): Promise<Stage> {
    const stage = new Stage(options);
    // That our own daemon finds nothing at its start is no part of another stack's story.
    const context = options.cast === undefined ? stage.context : stage.silent();
    const start = stage.#engine.start(context);
    if (options.stubborn !== true) await stage.play(start);
    else if (!(await stage.play(stage.#serves(start)))) {
      await stage.play(stage.#restartUntilItServes());
    }
    return stage;
  }

  /** A machine inside another stage's machine; what happens in it stands in the same recording. */
  static async openGuest(host: Stage, options: StageOptions): Promise<Stage> {
    const guest = new Stage({ ...options, changed: (span) => host.adopt(span) }, host);
    // That the guest's daemon finds nothing at its start is no part of the story.
    await guest.#engine.start(guest.silent());
    return guest;
  }

  /** Takes a span of a guest into the recording. */
  adopt(span: ListSpan): void {
    if (this.options.forgetSpans !== true && span.endNs === undefined) this.tracer.spans.push(span);
    this.options.changed?.(span);
  }

  /** A context without a span and without a deadline. */
  get context(): Context {
    return { tracer: this.tracer, span: undefined, signal: undefined };
  }

  /** Of the daemon that runs now. */
  get engine(): Engine {
    return this.#engine;
  }

  get world(): World {
    return this.#world;
  }

  /** Runs until `work` is settled. */
  play<T>(work: Promise<T>): Promise<T> {
    return this.simulation.drive(work);
  }

  pods(): PodClient {
    return new PodClient(this.cri, this.simulation.clock);
  }

  /** A cluster of one node above the runtime. */
  cluster(): { readonly api: ApiServer; readonly kubelet: Kubelet } {
    const api = new ApiServer();
    const memoryBytes = this.simulation.machine.options.memoryTotalBytes;
    new Scheduler(api, [{ name: nodeName, memoryBytes }]);
    return { api, kubelet: new Kubelet(nodeName, this.cri, this.simulation.clock, api) };
  }

  /** kill -9 of the daemon, and a new one over what it left. Calls under way never return. */
  async restartDaemon(): Promise<void> {
    this.simulation.crashDaemon();
    if (this.stubborn === undefined) await this.startDaemon();
    else await this.#restartUntilItServes();
  }

  /** Ends the daemon in order; it takes what it made for itself along. */
  async close(): Promise<void> {
    await this.play(this.#engine.close(this.silent()));
  }

  /** For work that is no part of the story. */
  silent(): Context {
    const { resource, nowNs, seed } = this.tracer.options;
    const tracer = new ListTracer({ resource, nowNs, seed, forget: true });
    return { ...this.context, tracer };
  }

  /** A new daemon; the former one is dead. */
  async startDaemon(): Promise<void> {
    this.#world = this.simulation.startDaemon();
    this.#engine = new Engine(this.#world, this.#engineOptions());
    await this.#engine.start(this.context);
    this.recovered?.();
  }
}

/** Calls go to whatever engine there is when they are made. */
function forwarding(engine: () => Engine): Runtime {
  return new Proxy({} as Runtime, {
    get: (_target, name: keyof Runtime) => (context: Context, request: never) =>
      engine()[name](context, request),
  });
}
