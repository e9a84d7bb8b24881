/**
 * Recordings: OTLP JSON Lines, the file format of the OpenTelemetry Collector (specification/protocol/
 * file-exporter.md): each line one TracesData object. Also understood: one JSON document, or an array of
 * them, as other tools save it. Reading is bounded in every direction, because a recording may come
 * from anybody: bytes, line length, nesting, spans, attributes.
 */
import type { OtlpTracesData } from "./otlp-json.ts";
import { spanFromOtlp, spanToOtlp } from "./otlp-span.ts";
import {
  attributesFromOtlp,
  attributesToOtlp,
  boundedString,
  isObject,
  own,
} from "./otlp-value.ts";
import type { ResourceRecord, SpanRecord } from "./span-record.ts";

export interface RecordingLimits {
  /** Whole text, UTF-16 units. */
  readonly charsMax: number;
  /** One line; the Collector writes a batch of spans on one. */
  readonly lineCharsMax: number;
  /** Nesting of objects and arrays. */
  readonly depthMax: number;
  readonly spansMax: number;
}

export const recordingLimits: RecordingLimits = {
  charsMax: 50 << 20,
  lineCharsMax: 16 << 20,
  depthMax: 64,
  spansMax: 200_000,
};

export interface RecordingProblem {
  /** Line number, from 1. */
  readonly line: number;
  readonly message: string;
}

export interface Recording {
  /** By start, parents before children that start at the same time. */
  readonly spans: readonly SpanRecord[];
  readonly resources: readonly ResourceRecord[];
  /** The first problems; reading goes on behind them. */
  readonly problems: readonly RecordingProblem[];
  readonly problemCount: number;
}

const problemsKept = 20;

/** Whether JSON text nests deeper than `max`; brackets in strings do not count. */
export function nestsDeeper(text: string, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > max) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}

class Reader {
  readonly spans: SpanRecord[] = [];
  readonly resources: ResourceRecord[] = [];
  readonly problems: RecordingProblem[] = [];
  readonly limits: RecordingLimits;
  problemCount = 0;

  constructor(limits: RecordingLimits) {
    this.limits = limits;
  }

  problem(line: number, message: string): void {
    this.problemCount++;
    if (this.problems.length < problemsKept) this.problems.push({ line, message });
  }

  /** Parses `text` into a value; undefined, with a problem noted, when it is no JSON within bounds. */
  json(text: string, line: number): unknown {
    if (nestsDeeper(text, this.limits.depthMax)) {
      this.problem(line, `nested deeper than ${this.limits.depthMax}`);
      return undefined;
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      this.problem(
        line,
        `not JSON: ${boundedString(error instanceof Error ? error.message : "", 120)}`,
      );
      return undefined;
    }
  }

  /** Takes what a line or document holds; says so when it holds no traces. */
  take(value: unknown, line: number): void {
    if (Array.isArray(value)) {
      for (const item of value) this.take(item, line);
      return;
    }
    if (!isObject(value)) {
      this.problem(line, "not an OTLP object");
      return;
    }
    const groups = own(value, "resourceSpans", "resource_spans", "batches");
    if (!Array.isArray(groups)) {
      const other = ["resourceLogs", "resourceMetrics"].find((key) => Object.hasOwn(value, key));
      this.problem(line, other ? `holds ${other}, not spans` : "has no resourceSpans");
      return;
    }
    for (const group of groups) if (isObject(group)) this.#group(group, line);
  }

  #group(group: Record<string, unknown>, line: number): void {
    const described = own(group, "resource");
    const resource: ResourceRecord = {
      attributes: attributesFromOtlp(isObject(described) ? own(described, "attributes") : []),
    };
    this.resources.push(resource);
    const scopes = own(group, "scopeSpans", "scope_spans", "instrumentationLibrarySpans");
    for (const scope of Array.isArray(scopes) ? scopes : []) {
      if (!isObject(scope)) continue;
      const named = own(scope, "scope", "instrumentationLibrary");
      const name = isObject(named) ? boundedString(own(named, "name"), 256) : "";
      const spans = own(scope, "spans");
      for (const span of Array.isArray(spans) ? spans : []) this.#span(span, resource, name, line);
    }
  }

  #span(value: unknown, resource: ResourceRecord, scope: string, line: number): void {
    if (this.spans.length >= this.limits.spansMax) {
      this.problem(line, `more than ${this.limits.spansMax} spans; the rest is left out`);
      return;
    }
    const span = spanFromOtlp(value, resource, scope);
    if (typeof span === "string") this.problem(line, span);
    else this.spans.push(span);
  }
}

/** Orders spans by start; a parent comes before its children when the clock cannot tell. */
export function byStart(a: SpanRecord, b: SpanRecord): number {
  if (a.startNs !== b.startNs) return a.startNs < b.startNs ? -1 : 1;
  if (a.parentSpanId === b.spanId) return 1;
  if (b.parentSpanId === a.spanId) return -1;
  const aEnd = a.endNs ?? a.startNs;
  const bEnd = b.endNs ?? b.startNs;
  return aEnd === bEnd ? 0 : aEnd > bEnd ? -1 : 1;
}

/** Reads a recording. Never throws: what is wrong stands in `problems`, with line numbers. */
export function parseRecording(text: string, limits: Partial<RecordingLimits> = {}): Recording {
  const reader = new Reader({ ...recordingLimits, ...limits });
  const source = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (source.length > reader.limits.charsMax) {
    reader.problem(1, `larger than ${reader.limits.charsMax >> 20} MiB`);
  } else if (isOneDocument(source)) {
    const value = reader.json(source, 1);
    if (value !== undefined) reader.take(value, 1);
  } else {
    readLines(reader, source);
  }
  return {
    spans: reader.spans.sort(byStart),
    resources: reader.resources,
    problems: reader.problems,
    problemCount: reader.problemCount,
  };
}

/** A pretty-printed document has a first line that is no JSON by itself. */
function isOneDocument(source: string): boolean {
  const first = source.trimStart().slice(0, 1_000).split("\n", 1)[0]?.trim() ?? "";
  return first === "{" || first === "[" || /^[[{]\s*(?:"[A-Za-z_]+"\s*:\s*[[{]?)?$/.test(first);
}

function readLines(reader: Reader, source: string): void {
  let line = 0;
  for (let from = 0; from < source.length; ) {
    const newline = source.indexOf("\n", from);
    const to = newline < 0 ? source.length : newline;
    line++;
    if (to - from > reader.limits.lineCharsMax) {
      reader.problem(line, `line longer than ${reader.limits.lineCharsMax >> 20} MiB`);
    } else {
      const content = source.slice(from, to).trim();
      const value = content === "" ? undefined : reader.json(content, line);
      if (value !== undefined) reader.take(value, line);
    }
    from = to + 1;
  }
}

/** One TracesData object for spans of one resource, grouped by scope. */
export function toTracesData(spans: readonly SpanRecord[]): OtlpTracesData {
  const byResource = new Map<ResourceRecord, Map<string, SpanRecord[]>>();
  for (const span of spans) {
    const scopes = byResource.get(span.resource) ?? new Map<string, SpanRecord[]>();
    byResource.set(span.resource, scopes);
    const list = scopes.get(span.scope) ?? [];
    scopes.set(span.scope, list);
    list.push(span);
  }
  return {
    resourceSpans: [...byResource].map(([resource, scopes]) => ({
      resource: { attributes: attributesToOtlp(resource.attributes) },
      scopeSpans: [...scopes].map(([name, list]) => ({
        scope: { name },
        spans: list.map(spanToOtlp),
      })),
    })),
  };
}

/** The recording of `spans` as JSON Lines, one line a trace, in order of start. */
export function serialiseRecording(spans: readonly SpanRecord[]): string {
  const traces = new Map<string, SpanRecord[]>();
  for (const span of [...spans].sort(byStart)) {
    const list = traces.get(span.traceId) ?? [];
    traces.set(span.traceId, list);
    list.push(span);
  }
  return [...traces.values()].map((list) => `${JSON.stringify(toTracesData(list))}\n`).join("");
}
