/**
 * The trace stream: what the daemon writes on its trace socket, as line-delimited JSON (UTF-8, "\n").
 *
 *   reader -> daemon   one TraceStreamRequest line, within 5 seconds of connecting
 *   daemon -> reader   one `hello`, then `start` and `end` in the order of their sequence numbers
 *
 * Sequence numbers start at 1 in each session and have no holes but those a `gap` names. The daemon
 * keeps a ring of the latest events; a reader that comes back names its session and the last number
 * it saw and gets what followed. `end` carries the whole span, so a reader that missed the `start`
 * still shows the truth. A reader that is too slow loses events, never delays the runtime: it gets a
 * `gap` in their place. Spans have the OTLP JSON form of otlp.ts, with an `endTimeUnixNano` only in `end`.
 */
import type { OtlpKeyValue, OtlpSpan } from "./otlp-json.ts";

export const traceStreamVersion = 1;

/** Longest line either side accepts, in bytes; a longer one ends the connection. */
export const traceStreamLineBytesMax = 1 << 20;

export interface TraceStreamRequest {
  readonly type: "resume";
  /** Session of the last hello; unset or unknown means from the oldest event of the ring. */
  readonly session?: string;
  /** Last sequence number seen; 0 for none. */
  readonly after?: number;
}

export interface TraceStreamHello {
  readonly type: "hello";
  readonly version: typeof traceStreamVersion;
  /** Random hex, new with every start of the daemon. */
  readonly session: string;
  /** Attributes of the OTLP resource: service.name, vitrine.mode, vitrine.kernel.release ... */
  readonly resource: readonly OtlpKeyValue[];
  /** Sequence number of the first event that will follow. */
  readonly nextSeq: number;
}

export interface TraceStreamStart {
  readonly type: "start";
  readonly seq: number;
  /** Name, ids, kind, start and the attributes known so far. */
  readonly span: OtlpSpan;
}

export interface TraceStreamEnd {
  readonly type: "end";
  readonly seq: number;
  /** The whole span. */
  readonly span: OtlpSpan;
}

/** Events `from` to `to` (both included) are lost to this reader. */
export interface TraceStreamGap {
  readonly type: "gap";
  readonly from: number;
  readonly to: number;
}

/** Sent every 5 seconds while nothing else is: the reader knows the daemon lives and how far it is. */
export interface TraceStreamBeat {
  readonly type: "beat";
  /** Last sequence number given out. */
  readonly seq: number;
  readonly timeUnixNano: string;
}

export type TraceStreamEvent = TraceStreamStart | TraceStreamEnd;
export type TraceStreamMessage =
  | TraceStreamHello
  | TraceStreamEvent
  | TraceStreamGap
  | TraceStreamBeat;
