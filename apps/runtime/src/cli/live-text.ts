/** The trace stream as text: every call as a small sequence diagram, printed when it has ended. */

import type { Level } from "../trace/catalogue.ts";
import type { Lifeline } from "../trace/lifeline.ts";
import { spanFromOtlp } from "../trace/otlp-span.ts";
import { attributesFromOtlp } from "../trace/otlp-value.ts";
import { type Call, Sequence } from "../trace/sequence.ts";
import { viewCall } from "../trace/sequence-view.ts";
import { emptyResource, type ResourceRecord } from "../trace/span-record.ts";
import type { TraceStreamMessage } from "../trace/stream-event.ts";
import { renderText, renderTextHeader } from "../trace/text.ts";

export interface LiveTextOptions {
  readonly level: Level;
  readonly width: number;
  readonly colour: boolean;
  /** Only calls this accepts are printed. */
  readonly shows: (call: Call, sequence: Sequence) => boolean;
  readonly print: (line: string) => void;
}

/** After this many calls everything is forgotten, so that watching for days costs no memory. */
const callsKept = 500;

/** The same columns every time, so that the lifelines of one picture go on in the next; others join when needed. */
const columns: readonly Lifeline[] = ["client", "runtime", "cni", "shim", "oci", "kernel"];

export class LiveText {
  readonly #options: LiveTextOptions;
  #sequence = new Sequence();
  #resource: ResourceRecord = emptyResource;
  #printed = new Set<string>();
  #titled = false;

  constructor(options: LiveTextOptions) {
    this.#options = options;
  }

  /** Takes the next message of the stream. */
  take(message: TraceStreamMessage): void {
    if (message.type === "hello") {
      this.#resource = { attributes: attributesFromOtlp(message.resource) };
    } else if (message.type === "gap") {
      this.#options.print(
        `(${message.to - message.from + 1} events were lost: this reader was too slow or too late)`,
      );
    } else if (message.type === "start" || message.type === "end") {
      const span = spanFromOtlp(message.span, this.#resource);
      if (typeof span === "string") return;
      const call = this.#sequence.call(this.#sequence.add(span));
      if (call !== undefined) this.#consider(call);
    }
  }

  #consider(call: Call): void {
    if (call.root.span.endNs === undefined || call.openCount > 0 || this.#printed.has(call.key))
      return;
    this.#printed.add(call.key);
    if (!call.poll && this.#options.shows(call, this.#sequence)) this.#print(call);
    if (this.#printed.size >= callsKept) {
      this.#sequence = new Sequence();
      this.#printed = new Set();
    }
  }

  #print(call: Call): void {
    const { level, width, colour, print } = this.#options;
    const view = viewCall(call, level);
    const options = { width, colour, lifelines: columns, header: false };
    if (!this.#titled) {
      const title = renderTextHeader(view, options);
      if (title !== "") print(title);
      this.#titled = true;
    }
    for (const line of renderText(view, options)) print(line);
  }
}
