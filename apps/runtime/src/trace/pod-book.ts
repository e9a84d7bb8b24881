/**
 * What the spans say about pods and containers: which there are, and the state each was last seen in.
 * Nothing is asked of the runtime; a recording therefore shows the same list as the live page did.
 */
import { attribute } from "./attribute.ts";
import type { Call } from "./sequence.ts";
import { type AttributeMap, stringAttribute } from "./span-record.ts";
import { type Step, stateOf, stepId } from "./step.ts";

export type PodState =
  | "creating"
  | "ready"
  | "failed"
  | "stopping"
  | "stopped"
  | "removing"
  | "removed"
  | "unknown";

export type ContainerState =
  | "creating"
  | "created"
  | "starting"
  | "running"
  | "failed"
  | "stopping"
  | "exited"
  | "removing"
  | "removed"
  | "unknown";

export interface ContainerView {
  /** CRI id; the provisional key of its CreateContainer span until the id is known. */
  id: string;
  name: string;
  image: string | undefined;
  state: ContainerState;
  exitCode: number | undefined;
}

export interface PodView {
  /** Stable while the page lives: the key of the first call that spoke of the pod. */
  readonly id: string;
  sandboxId: string | undefined;
  name: string;
  namespace: string | undefined;
  uid: string | undefined;
  ip: string | undefined;
  state: PodState;
  readonly containers: ContainerView[];
  /** Start of the first call, Unix nanoseconds. */
  readonly firstNs: bigint;
}

type Outcome<State> = readonly [running: State, done: State, failed: State | undefined];

// Failed stops and removals leave the state as it was before they began: undefined.
const podOutcomes: Readonly<Record<string, Outcome<PodState>>> = {
  "cri.RunPodSandbox": ["creating", "ready", "failed"],
  "pod.pause_exited": ["stopped", "stopped", undefined],
  "cri.StopPodSandbox": ["stopping", "stopped", undefined],
  "cri.RemovePodSandbox": ["removing", "removed", undefined],
};

const containerOutcomes: Readonly<Record<string, Outcome<ContainerState>>> = {
  "cri.CreateContainer": ["creating", "created", "failed"],
  "cri.StartContainer": ["starting", "running", "failed"],
  "container.exited": ["exited", "exited", "exited"],
  "cri.StopContainer": ["stopping", "exited", undefined],
  "cri.RemoveContainer": ["removing", "removed", undefined],
};

/** dockershim's calls mean to a pod what CRI's mean. */
function meaning(step: Step): string {
  return stepId(step).replace(/^dockershim\./, "cri.");
}

/** A pod's name in its namespace; undefined when the step does not say it. */
function nameOf(attributes: AttributeMap): string | undefined {
  const name = stringAttribute(attributes, attribute.podName);
  return name === undefined
    ? undefined
    : `${stringAttribute(attributes, attribute.podNamespace) ?? ""}/${name}`;
}

export class PodBook {
  readonly #pods = new Map<string, PodView>();
  readonly #bySandbox = new Map<string, PodView>();
  readonly #byContainer = new Map<string, PodView>();
  readonly #byCall = new Map<string, PodView>();
  /** The newest pod of a name, for what is said of it before it has a sandbox, and above the runtime. */
  readonly #byName = new Map<string, PodView>();
  readonly #containerOfCall = new Map<string, ContainerView>();
  /** State before a stop or removal that may still fail, by call. */
  readonly #before = new Map<string, PodState | ContainerState>();

  /** Pods by when they were first heard of. */
  list(): PodView[] {
    return [...this.#pods.values()].sort((a, b) =>
      a.firstNs === b.firstNs ? 0 : a.firstNs < b.firstNs ? -1 : 1,
    );
  }

  get(id: string): PodView | undefined {
    return this.#pods.get(id);
  }

  /** Takes note of a step; the id of the pod its call is about, once that is known. */
  note(call: Call, step: Step): string | undefined {
    const attributes = step.span.attributes;
    const pod = this.#podOf(call, step);
    if (!pod) return undefined;
    this.#byCall.set(call.key, pod);
    pod.ip = stringAttribute(attributes, attribute.podIp) ?? pod.ip;
    if (step === call.root) {
      this.#describe(pod, attributes);
      this.#podState(pod, call);
    }
    if (step === call.root || stepId(step) === "container.exited")
      this.#containerState(pod, call, step);
    return pod.id;
  }

  /** Drops what was noted of a call that turned out to be part of another. */
  forget(call: Call): void {
    this.#byCall.delete(call.key);
  }

  #podOf(call: Call, step: Step): PodView | undefined {
    const attributes = step.span.attributes;
    const sandboxId = stringAttribute(attributes, attribute.sandboxId);
    const containerId = stringAttribute(attributes, attribute.containerId);
    const known =
      this.#byCall.get(call.key) ??
      (sandboxId === undefined ? undefined : this.#bySandbox.get(sandboxId)) ??
      (containerId === undefined ? undefined : this.#byContainer.get(containerId));
    const isRun = meaning(call.root) === "cri.RunPodSandbox";
    const ofCluster = stepId(call.root).startsWith("cluster.");
    const pod =
      known ??
      (isRun || ofCluster ? this.#named(call, isRun) : undefined) ??
      (isRun || ofCluster || sandboxId !== undefined ? this.#open(call) : undefined);
    if (pod && sandboxId !== undefined) {
      pod.sandboxId ??= sandboxId;
      if (!this.#bySandbox.has(sandboxId)) this.#bySandbox.set(sandboxId, pod);
    }
    if (pod && containerId !== undefined) this.#byContainer.set(containerId, pod);
    return pod;
  }

  /** The pod that a call names; a sandbox is only joined to one that has none yet. */
  #named(call: Call, isRun: boolean): PodView | undefined {
    const name = nameOf(call.root.span.attributes);
    const pod = name === undefined ? undefined : this.#byName.get(name);
    return isRun && pod?.state !== "unknown" ? undefined : pod;
  }

  #open(call: Call): PodView {
    const pod: PodView = {
      id: call.key,
      sandboxId: undefined,
      name: "",
      namespace: undefined,
      uid: undefined,
      ip: undefined,
      state: "unknown",
      containers: [],
      firstNs: call.root.span.startNs,
    };
    this.#pods.set(pod.id, pod);
    const name = nameOf(call.root.span.attributes);
    if (name !== undefined) this.#byName.set(name, pod);
    return pod;
  }

  #describe(pod: PodView, attributes: AttributeMap): void {
    pod.name = stringAttribute(attributes, attribute.podName) ?? pod.name;
    pod.namespace = stringAttribute(attributes, attribute.podNamespace) ?? pod.namespace;
    pod.uid = stringAttribute(attributes, attribute.podUid) ?? pod.uid;
  }

  #podState(pod: PodView, call: Call): void {
    const outcome = podOutcomes[meaning(call.root)];
    if (!outcome) return;
    const state = this.#outcome(outcome, call.key, pod.state, call.root);
    pod.state = state;
    // Stopping a sandbox stops its containers (CRI: StopPodSandbox).
    if (state === "stopped" || state === "removed") {
      for (const container of pod.containers) {
        if (state === "removed") container.state = "removed";
        else if (container.state === "running") container.state = "exited";
      }
    }
  }

  #containerState(pod: PodView, call: Call, step: Step): void {
    const outcome = containerOutcomes[meaning(step)];
    const attributes = step.span.attributes;
    const containerId = stringAttribute(attributes, attribute.containerId);
    if (!outcome && containerId === undefined) return;
    const container = this.#container(pod, call, containerId);
    container.name = stringAttribute(attributes, attribute.containerName) ?? container.name;
    container.image = stringAttribute(attributes, attribute.imageName) ?? container.image;
    const exitCode = attributes.get(attribute.exitCode);
    if (typeof exitCode === "number" && stepId(step) === "container.exited") {
      container.exitCode = exitCode;
    }
    if (outcome) container.state = this.#outcome(outcome, `${step.key} c`, container.state, step);
  }

  #container(pod: PodView, call: Call, containerId: string | undefined): ContainerView {
    const byId = pod.containers.find((item) => item.id === containerId);
    const found = byId ?? this.#containerOfCall.get(call.key);
    const container = found ?? {
      id: containerId ?? call.key,
      name: "",
      image: undefined,
      state: "unknown" as const,
      exitCode: undefined,
    };
    if (!found) pod.containers.push(container);
    if (containerId !== undefined) container.id = containerId;
    this.#containerOfCall.set(call.key, container);
    return container;
  }

  #outcome<State extends PodState | ContainerState>(
    [running, done, failed]: Outcome<State>,
    key: string,
    current: State,
    step: Step,
  ): State {
    const state = stateOf(step.span);
    if (state === "running") {
      if (!this.#before.has(key)) this.#before.set(key, current);
      return running;
    }
    const before = (this.#before.get(key) as State | undefined) ?? current;
    this.#before.delete(key);
    return state === "done" ? done : (failed ?? before);
  }
}
