/**
 * Level 0: the story of a pod in five arrows, told from its spans and from nothing else. An arrow that
 * has not happened is not drawn; one that is under way is drawn as running; one that failed says why.
 */
import { attribute, resourceAttribute } from "./attribute.ts";
import { castOf, recast } from "./cast.ts";
import type { PodView } from "./pod-book.ts";
import { printable } from "./printable.ts";
import { type Call, subtree } from "./sequence.ts";
import { orderLifelines, type Row, type SequenceView } from "./sequence-view.ts";
import { later, stringAttribute } from "./span-record.ts";
import { endsOf, errorOf, type Step, type StepState, stateOf, stepId } from "./step.ts";

interface Chapter {
  readonly from: string;
  readonly to: string;
  readonly kind?: Row["kind"];
  readonly label: string;
  /** The spans that prove the arrow, by start; at least one. */
  readonly steps: readonly Step[];
}

function stateOfAll(steps: readonly Step[]): StepState {
  const states = steps.map((step) => stateOf(step.span));
  if (states.includes("failed")) return "failed";
  return states.includes("running") ? "running" : "done";
}

function rowOf(chapter: Chapter): Row {
  const first = chapter.steps[0] as Step;
  const state = stateOfAll(chapter.steps);
  const failed = chapter.steps.find((step) => step.span.status === "error");
  const ends = chapter.steps.map((step) => step.span.endNs);
  const last = ends.reduce((a, b) =>
    a === undefined || b === undefined ? undefined : later(a, b),
  );
  const isReply = chapter.kind === "reply";
  const cast = castOf(stringAttribute(first.span.resource.attributes, resourceAttribute.cast));
  const [from, to] =
    cast === undefined
      ? [chapter.from, chapter.to]
      : recast(cast, "story.", chapter.from, chapter.to);
  return {
    kind: chapter.kind ?? "message",
    key: failed?.key ?? first.key,
    from,
    to,
    label: printable(chapter.label),
    state,
    error: failed ? errorOf(failed.span) : undefined,
    level: 0,
    depth: 0,
    atNs: isReply && last !== undefined ? last : first.span.startNs,
    durationNs: last === undefined ? undefined : last - first.span.startNs,
    shownCount: 0,
    foldedCount: 0,
    foldedFailed: 0,
    hasReply: false,
  };
}

function named(calls: readonly Call[], id: string): Step[] {
  return calls
    .filter((call) => stepId(call.root).replace(/^dockershim\./, "cri.") === id)
    .map((call) => call.root);
}

/** "2 containers: web, fetch". */
function list(steps: readonly Step[], one: string, many: string): string {
  const names = steps
    .map((step) => stringAttribute(step.span.attributes, attribute.containerName))
    .filter((name) => name !== undefined);
  const count = steps.length === 1 ? one : `${steps.length} ${many}`;
  return names.length === 0 ? count : `${count}: ${names.join(", ")}`;
}

/** Steps of the catalogue inside `roots` that talk to a lifeline, outermost only. */
function talking(roots: readonly Step[], lifeline: string): Step[] {
  const found: Step[] = [];
  for (const root of roots) {
    for (const step of subtree(root)) {
      if (step !== root && step.entry && endsOf(step).to === lifeline) found.push(step);
    }
  }
  return found.filter((step) => !found.includes(step.parent as Step));
}

function birth(pod: PodView, calls: readonly Call[]): Chapter[] {
  const runs = named(calls, "cri.RunPodSandbox");
  const creates = named(calls, "cri.CreateContainer");
  const starts = named(calls, "cri.StartContainer");
  const chapters: Chapter[] = [];
  const name = pod.namespace ? `${pod.namespace}/${pod.name}` : pod.name;
  if (runs.length > 0) {
    chapters.push({ from: "client", to: "runtime", label: `asks for pod ${name}`, steps: runs });
  }
  const wiring = talking(runs, "cni");
  if (wiring.length > 0) {
    const address = pod.ip === undefined ? "" : `: ${pod.ip}`;
    chapters.push({
      from: "runtime",
      to: "cni",
      label: `wires the network${address}`,
      steps: wiring,
    });
  }
  if (creates.length > 0) {
    const label = `creates ${list(creates, "a container", "containers")}`;
    chapters.push({ from: "runtime", to: "shim", label, steps: creates });
  }
  if (starts.length > 0) {
    const label = `runs ${list(starts, "its process", "processes")}`;
    chapters.push({ from: "shim", to: "container", label, steps: starts });
  }
  const all = [...runs, ...creates, ...starts];
  const ready = runs.length > 0 && starts.length > 0 && starts.length >= creates.length;
  if (ready && stateOfAll(all) === "done") {
    chapters.push({ from: "runtime", to: "client", kind: "reply", label: "ready", steps: all });
  }
  return chapters;
}

function end(calls: readonly Call[]): Chapter[] {
  const stops = [...named(calls, "cri.StopContainer"), ...named(calls, "cri.StopPodSandbox")];
  const removals = [
    ...named(calls, "cri.RemoveContainer"),
    ...named(calls, "cri.RemovePodSandbox"),
  ];
  const chapters: Chapter[] = [];
  if (stops.length > 0) {
    chapters.push({ from: "client", to: "runtime", label: "stops the pod", steps: stops });
  }
  if (removals.length > 0) {
    chapters.push({ from: "client", to: "runtime", label: "removes the pod", steps: removals });
  }
  return chapters;
}

/** The story of `pod` from its calls (by start). Empty when none of them is a CRI call of ours. */
export function viewStory(pod: PodView, calls: readonly Call[]): SequenceView {
  const rows = [...birth(pod, calls), ...end(calls)].map(rowOf);
  return { lifelines: orderLifelines(rows.flatMap((row) => [row.from, row.to])), rows };
}
