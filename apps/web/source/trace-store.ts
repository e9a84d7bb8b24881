/**
 * What the page shows: one sequence model, where it comes from, and a version that React listens to.
 * Live stream and opened file fill the same store, so live equals replay.
 */
import {
  type Call,
  type Cast,
  castOf,
  type Level,
  type ResourceRecord,
  resourceAttribute,
  Sequence,
  type SequenceView,
  type SpanRecord,
  stringAttribute,
  viewCall,
} from "@vitrine/runtime/trace";

export type Provenance = "live" | "recorded" | "simulated" | "imported";

export interface Origin {
  readonly provenance: Provenance;
  /** File name of a recording; empty for the live stream. */
  readonly name: string;
  /** Kernel release and the like, for the banner. */
  readonly facts: readonly string[];
  /** Whose parts the runtime plays in it; undefined when it plays itself. */
  readonly cast?: Cast | undefined;
}

/** Pictures and lists follow the stream at this pace; faster is not readable. */
const notifyEveryMs = 100;

export class TraceStore {
  sequence = new Sequence();
  origin: Origin;
  /** Events of the live stream that were lost, for the gap indicator. */
  missed = 0;
  #version = 0;
  #calls: { readonly version: number; readonly list: readonly Call[] } | undefined;
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(origin: Origin) {
    this.origin = origin;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly version = (): number => this.#version;

  add(span: SpanRecord): void {
    this.sequence.add(span);
    this.changed();
  }

  /** Forgets everything: the stream begins anew. */
  reset(): void {
    this.sequence = new Sequence();
    this.missed = 0;
    this.changed();
  }

  changed(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#version++;
      for (const listener of this.#listeners) listener();
    }, notifyEveryMs);
  }

  /** Calls worth drawing (no polls), by start. */
  calls(): readonly Call[] {
    if (this.#calls?.version !== this.sequence.version) {
      const list = this.sequence.calls().filter((call) => !call.poll);
      this.#calls = { version: this.sequence.version, list };
    }
    return this.#calls.list;
  }
}

const views = new WeakMap<Call, { version: number; level: Level; view: SequenceView }>();

/** The rows of a call, computed again only when the call or the level changed. */
export function cachedView(call: Call, level: Level): SequenceView {
  const known = views.get(call);
  if (known && known.version === call.version && known.level === level) return known.view;
  const view = viewCall(call, level);
  views.set(call, { version: call.version, level, view });
  return view;
}

function factsOf(resources: readonly ResourceRecord[]): string[] {
  const facts: string[] = [];
  const kernel = resources
    .map((resource) => stringAttribute(resource.attributes, resourceAttribute.kernelRelease))
    .find((release) => release !== undefined);
  if (kernel !== undefined) facts.push(`Linux ${kernel}`);
  const seed = resources
    .map((resource) => resource.attributes.get(resourceAttribute.seed))
    .find((value) => value !== undefined);
  if (seed !== undefined) facts.push(`seed ${String(seed)}`);
  return facts;
}

/** What a recording is, from its resource attributes: ours and real, ours and simulated, or anybody's. */
export function originOf(resources: readonly ResourceRecord[], name: string): Origin {
  const modes = new Set(
    resources.map((resource) => stringAttribute(resource.attributes, resourceAttribute.mode)),
  );
  const provenance: Provenance = modes.has("sim")
    ? "simulated"
    : modes.has("real")
      ? "recorded"
      : "imported";
  const cast = resources
    .map((resource) => castOf(stringAttribute(resource.attributes, resourceAttribute.cast)))
    .find((found) => found !== undefined);
  return { provenance, name, facts: factsOf(resources), cast };
}
