/**
 * A client that does not give up, as a kubelet does not: when the daemon dies in the middle of a call, or the
 * call fails, it looks at what there is, tidies up what is half-made, and asks again. Scenarios run on it
 * unchanged; that is how each of them can be crashed at every op.
 */
import type { CreateContainerRequest, RunPodSandboxRequest } from "../../api/index.ts";
import type { Runtime } from "../../cri/service/runtime.ts";
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { Clock } from "../../kernel/world.ts";
import type { Context } from "../../trace/tracer.ts";

/** What the client needs of the place the runtime lives in. */
export interface Surroundings {
  /** Of the daemon that runs now. */
  readonly runtime: () => Runtime;
  /** Resolves when the daemon that runs now dies. */
  readonly crashed: () => Promise<void>;
  /** Starts a new daemon after a crash, and resolves when it serves. */
  readonly restart: () => Promise<void>;
  readonly clock: Pick<Clock, "sleep">;
}

/** Tries of one call; the wait before each try is longer, as a kubelet's is. */
const triesMax = 12;
const firstWaitMs = 100;

/** Errors that asking again does not mend. */
const final: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "UNIMPLEMENTED",
  "UNAUTHENTICATED",
]);

type Attempt<T> = { readonly value: T } | { readonly error: unknown } | "crashed";

export class StubbornRuntime {
  readonly #around: Surroundings;
  /** What a container was made of, to make it again. */
  readonly #recipes = new Map<string, CreateContainerRequest>();
  /** Containers that had to be made again: the id the caller knows to the id there is. */
  readonly #renamed = new Map<string, string>();
  /** Calls that were repeated, for the report. */
  repeated = 0;
  restarts = 0;
  #restarting: Promise<void> | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async #attempt<T>(call: (runtime: Runtime) => Promise<T>): Promise<Attempt<T>> {
    const answered: Promise<Attempt<T>> = (async () => call(this.#around.runtime()))().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const crashed = this.#around.crashed().then(() => "crashed" as const);
    return Promise.race([crashed, answered]);
  }

  /** Calls that were under way together see the same crash: one restart is for all of them. */
  #restart(): Promise<void> {
    this.#restarting ??= (async () => {
      this.restarts++;
      await this.#around.restart();
      this.#restarting = undefined;
    })();
    return this.#restarting;
  }

  /** Asks until there is an answer; `mend` is called before every further try. */
  async #insist<T>(
    call: (runtime: Runtime, attempt: number) => Promise<T>,
    mend?: (attempt: number) => Promise<{ readonly value: T } | undefined>,
  ): Promise<T> {
    let last: unknown;
    for (let attempt = 0; attempt < triesMax; attempt++) {
      const outcome = await this.#attempt((runtime) => call(runtime, attempt));
      if (outcome === "crashed") {
        await this.#restart();
      } else if ("value" in outcome) {
        return outcome.value;
      } else {
        last = outcome.error;
        if (last instanceof RuntimeError && final.has(last.code)) throw last;
        await this.#around.clock.sleep(firstWaitMs * 2 ** attempt);
      }
      this.repeated++;
      const mended = await mend?.(attempt);
      if (mended !== undefined) return mended.value;
    }
    throw last ?? new RuntimeError("UNAVAILABLE", `the daemon died ${triesMax} times in one call`);
  }

  #id(given: string): string {
    return this.#renamed.get(given) ?? given;
  }

  /** Takes away every sandbox of the pod that an earlier try has left. */
  async #tidyPod(context: Context, { config }: RunPodSandboxRequest): Promise<void> {
    const uid = config?.metadata?.uid;
    const { items } = await this.#insist((runtime) => runtime.listPodSandbox(context, {}));
    for (const { id, metadata } of items) {
      if (metadata?.uid !== uid) continue;
      await this.#insist((runtime) => runtime.stopPodSandbox(context, { podSandboxId: id }));
      await this.#insist((runtime) => runtime.removePodSandbox(context, { podSandboxId: id }));
    }
  }

  async #tidyContainer(context: Context, request: CreateContainerRequest): Promise<void> {
    const { containers } = await this.#insist((runtime) => runtime.listContainers(context, {}));
    for (const { id, podSandboxId, metadata } of containers) {
      const same = metadata?.name === request.config?.metadata?.name;
      if (podSandboxId !== request.podSandboxId || !same) continue;
      if (metadata?.attempt !== request.config?.metadata?.attempt) continue;
      await this.#insist((runtime) => runtime.removeContainer(context, { containerId: id }));
    }
  }

  async #create(context: Context, request: CreateContainerRequest): Promise<string> {
    const { containerId } = await this.#insist(
      (runtime) => runtime.createContainer(context, request),
      async () => {
        await this.#tidyContainer(context, request);
        return undefined;
      },
    );
    this.#recipes.set(containerId, request);
    return containerId;
  }

  /** Whether a container that may or may not have been started was. A lost one is made again. */
  async #startedAfterAll(context: Context, given: string): Promise<boolean> {
    const status = await this.#insist((runtime) =>
      runtime
        .containerStatus(context, { containerId: this.#id(given), verbose: false })
        .then((answer) => answer.status, ignoreNotFound),
    );
    if (status?.state === "CONTAINER_RUNNING") return true;
    if (status?.state === "CONTAINER_EXITED" && status.startedAt > 0) return true;
    if (status?.state === "CONTAINER_CREATED") return false;
    const recipe = this.#recipes.get(this.#id(given));
    if (recipe === undefined) throw new RuntimeError("NOT_FOUND", `container ${given} is gone`);
    await this.#insist((runtime) =>
      runtime.removeContainer(context, { containerId: this.#id(given) }),
    );
    this.#renamed.set(given, await this.#create(context, recipe));
    return false;
  }

  async #start(context: Context, given: string): Promise<object> {
    return this.#insist(
      (runtime) => runtime.startContainer(context, { containerId: this.#id(given) }),
      async () => ((await this.#startedAfterAll(context, given)) ? { value: {} } : undefined),
    );
  }

  async #runPod(
    context: Context,
    request: RunPodSandboxRequest,
  ): Promise<{ readonly podSandboxId: string }> {
    const first = request.config?.metadata?.attempt ?? 0;
    return this.#insist(
      (runtime, attempt) => {
        const { config } = request;
        const metadata = config?.metadata;
        if (config === undefined || metadata === undefined) {
          return runtime.runPodSandbox(context, request);
        }
        const again = { ...config, metadata: { ...metadata, attempt: first + attempt } };
        return runtime.runPodSandbox(context, { ...request, config: again });
      },
      async () => {
        await this.#tidyPod(context, request);
        return undefined;
      },
    );
  }

  /** The runtime as its callers see it. */
  asRuntime(): Runtime {
    const plain = new Proxy({} as Runtime, {
      get:
        (_target, name: keyof Runtime) =>
        (context: Context, request: object): Promise<unknown> => {
          const mapped =
            "containerId" in request
              ? { ...request, containerId: this.#id(String(request.containerId)) }
              : request;
          return this.#insist((runtime) =>
            (runtime[name] as (context: Context, request: object) => Promise<unknown>)(
              context,
              mapped,
            ),
          );
        },
    });
    const special: Pick<Runtime, "runPodSandbox" | "createContainer" | "startContainer"> = {
      runPodSandbox: (context, request) => this.#runPod(context, request),
      createContainer: async (context, request) => ({
        containerId: await this.#create(context, request),
      }),
      startContainer: (context, { containerId }) => this.#start(context, containerId),
    };
    return new Proxy(plain, {
      get: (target, name: keyof Runtime) =>
        name in special ? special[name as keyof typeof special] : target[name],
    });
  }
}

function ignoreNotFound(error: unknown): undefined {
  if (error instanceof RuntimeError && error.code === "NOT_FOUND") return undefined;
  throw error instanceof Error ? error : new Error(messageOf(error));
}
