/**
 * A step of the story: one span, read through the catalogue. Spans that carry no step of ours (a
 * kubelet's, or another program's altogether) get lifelines from service and scope, so that anybody's
 * OTLP draws as a sequence too.
 */
import { attribute, resourceAttribute } from "./attribute.ts";
import { castOf, recast } from "./cast.ts";
import { type CatalogueEntry, entryOf, type Level } from "./catalogue.ts";
import { type Lifeline, lifelines } from "./lifeline.ts";
import { printable } from "./printable.ts";
import { type AttributeMap, type SpanRecord, spanKey, stringAttribute } from "./span-record.ts";

export type StepState = "running" | "done" | "failed";

export interface Step {
  readonly key: string;
  /** The span as last heard of: its start, then the whole. */
  span: SpanRecord;
  /** Undefined for spans that are not of this catalogue. */
  entry: CatalogueEntry | undefined;
  parent: Step | undefined;
  /** By start. */
  readonly children: Step[];
}

export function makeStep(span: SpanRecord): Step {
  const id = stringAttribute(span.attributes, attribute.step);
  return {
    key: spanKey(span),
    span,
    entry: id === undefined ? undefined : entryOf(id),
    parent: undefined,
    children: [],
  };
}

/** The catalogue id of a step; the span's name when the catalogue has none. */
export function stepId(step: Step): string {
  return stringAttribute(step.span.attributes, attribute.step) ?? step.span.name;
}

export function stateOf(span: SpanRecord): StepState {
  if (span.endNs === undefined) return "running";
  return span.status === "error" ? "failed" : "done";
}

/** Errno or code of a failed step, for people: "ENOENT". */
export function errorOf(span: SpanRecord): string | undefined {
  if (span.status !== "error") return undefined;
  return printable(stringAttribute(span.attributes, attribute.errorType) ?? "error", 40);
}

/** The level a step shows at; foreign steps take one from how deep they lie. */
export function levelOf(step: Step, parentLevel: number): Level {
  if (step.entry) return step.entry.level;
  return Math.min(3, parentLevel + 1) as Level;
}

const byProcess: Readonly<Record<string, Lifeline>> = {
  host: "runtime",
  oci: "oci",
  init: "container",
  exec: "container",
};

/** Lifeline of a foreign span: its service, or its scope where one service is all there is. */
function foreignLifeline(span: SpanRecord): string {
  const service = stringAttribute(span.resource.attributes, resourceAttribute.serviceName);
  return `x:${service ?? (span.scope === "" ? "program" : span.scope)}`;
}

/** Where the arrow of a step starts and ends. */
export function endsOf(step: Step): { readonly from: string; readonly to: string } {
  const ends = ownEnds(step);
  const name = stringAttribute(step.span.resource.attributes, resourceAttribute.cast);
  const cast = step.entry === undefined ? undefined : castOf(name);
  if (cast === undefined) return ends;
  const [from, to] = recast(cast, stepId(step), ends.from, ends.to);
  return { from, to };
}

function ownEnds(step: Step): { readonly from: string; readonly to: string } {
  const entry = step.entry;
  if (!entry) {
    const to = foreignLifeline(step.span);
    if (step.parent) return { from: endsOf(step.parent).to, to };
    const called = step.span.kind === "server" || step.span.kind === "consumer";
    return { from: called ? "client" : to, to };
  }
  // An op belongs to whichever process of its Plan ran it; the catalogue names the usual one.
  const process = stringAttribute(step.span.attributes, attribute.process);
  if (process !== undefined && Object.hasOwn(byProcess, process) && isOp(step)) {
    return { from: byProcess[process] ?? entry.from, to: entry.to };
  }
  return { from: entry.from, to: entry.to };
}

function isOp(step: Step): boolean {
  return stepId(step).startsWith("op.");
}

/** Title of a lifeline id. */
export function lifelineTitle(id: string): string {
  if (Object.hasOwn(lifelines, id)) return lifelines[id as Lifeline].title;
  return printable(id.replace(/^x:/, ""), 40);
}

/** What the lifeline is, for a tooltip; empty for a foreign one. */
export function lifelineWhy(id: string): string {
  return Object.hasOwn(lifelines, id) ? lifelines[id as Lifeline].why : "";
}

// CRI ids and digests are 64 hex digits; twelve are what people read and compare.
const longId = /\b([0-9a-f]{12})[0-9a-f]{52}\b/g;

/** Stands for a value that is not there; never in a recording's text, whose control characters are taken out. */
const missing = "\u0000";

/**
 * Fills the {attribute.name} placeholders of a catalogue label; missing ones leave nothing.
 * {attribute.name|octal} shows a number as file modes are written.
 */
export function fillLabel(template: string, attributes: AttributeMap): string {
  const filled = template.replace(/\{([^{}|]+)(\|octal)?\}/g, (_, key: string, octal?: string) => {
    const value = attributes.get(key);
    if (value === undefined) return missing;
    if (octal !== undefined && typeof value === "number") {
      return value.toString(8).padStart(4, "0");
    }
    return Array.isArray(value) ? value.join(" ") : String(value);
  });
  return filled
    .replaceAll(`${missing}/${missing}`, "")
    .replaceAll(missing, "")
    .replace(/([^:/])\/{2,}/g, "$1/")
    .replace(/(^|\s)\/{2,}/g, "$1/")
    .replace(longId, "$1")
    .replace(/\s+/g, " ")
    .replace(/\s+([,:)])/g, "$1")
    .replace(/[\s,:=→-]+$/u, "")
    .trim();
}

/** Label of the arrow there. */
export function labelOf(step: Step): string {
  const label = step.entry ? fillLabel(step.entry.label, step.span.attributes) : step.span.name;
  return printable(label === "" ? step.span.name : label) || "(unnamed)";
}

/** Label of the arrow back; empty when the catalogue has nothing to say. */
export function replyOf(step: Step): string {
  const template = step.entry?.reply;
  return template === undefined ? "" : printable(fillLabel(template, step.span.attributes));
}
