/**
 * The sequence model. Spans go in as they become known (started, then ended; or whole, from a recording)
 * and come out as calls: trees of steps that are drawn one block each. Only the call a span belongs
 * to changes, so a settled picture stays as it is.
 *
 * A span of catalogue level 1 (a CRI call) begins a call wherever it hangs; any other span belongs to the
 * call of its parent, and one whose parent is unknown begins a call until the parent turns up. Spans
 * may arrive in any order and may lie about their parents: cycles and self-parents are cut.
 */
import { attribute } from "./attribute.ts";
import { byStart } from "./otlp.ts";
import { PodBook } from "./pod-book.ts";
import { type SpanRecord, spanKey } from "./span-record.ts";
import { makeStep, type Step, stateOf } from "./step.ts";

/** One tree of steps, drawn as one block. */
export interface Call {
  readonly key: string;
  readonly root: Step;
  /** Steps in the tree, the root included. */
  stepCount: number;
  /** Steps that have not ended. */
  openCount: number;
  /** Grows with every change; a picture made at this version is still true. */
  version: number;
  /** Pod the call is about; undefined for calls about the node, such as image pulls. */
  podId: string | undefined;
  /** Whether it polls (List, Status, Version); diagrams leave those out. */
  poll: boolean;
}

/** Longest chain of parents kept; what lies deeper hangs on the deepest kept step. */
const depthMax = 256;

export class Sequence {
  readonly #steps = new Map<string, Step>();
  readonly #calls = new Map<string, Call>();
  readonly #callOf = new Map<Step, Call>();
  /** Roots of calls that wait for a parent that is not known yet, by the parent's key. */
  readonly #orphans = new Map<string, Set<Step>>();
  readonly #pods = new PodBook();
  #version = 0;

  /** Grows with every change of anything. */
  get version(): number {
    return this.#version;
  }

  get pods(): PodBook {
    return this.#pods;
  }

  /** Every step, in the order it became known. */
  get steps(): ReadonlyMap<string, Step> {
    return this.#steps;
  }

  /** Calls by start. */
  calls(): Call[] {
    return [...this.#calls.values()].sort((a, b) => byStart(a.root.span, b.root.span));
  }

  call(step: Step): Call | undefined {
    return this.#callOf.get(step);
  }

  /** Takes spans of a recording, in any order. */
  addAll(spans: readonly SpanRecord[]): void {
    for (const span of [...spans].sort(byStart)) this.add(span);
  }

  /** Takes a span: new, or with more known of it. An open span never replaces an ended one. */
  add(span: SpanRecord): Step {
    const known = this.#steps.get(spanKey(span));
    const step = known ? this.#update(known, span) : this.#insert(span);
    const call = this.#callOf.get(step);
    if (call) {
      call.version++;
      call.poll = call.root.span.attributes.get(attribute.poll) === true;
      call.podId = this.#pods.note(call, step) ?? call.podId;
    }
    this.#version++;
    return step;
  }

  #update(step: Step, span: SpanRecord): Step {
    if (span.endNs === undefined && step.span.endNs !== undefined) return step;
    const call = this.#callOf.get(step);
    const wasOpen = stateOf(step.span) === "running";
    const fresh = makeStep(span);
    step.span = span;
    step.entry = fresh.entry;
    if (call && wasOpen && span.endNs !== undefined) call.openCount--;
    return step;
  }

  #insert(span: SpanRecord): Step {
    const step = makeStep(span);
    this.#steps.set(step.key, step);
    const parentKey =
      span.parentSpanId === ""
        ? undefined
        : spanKey({ traceId: span.traceId, spanId: span.parentSpanId });
    const parent = parentKey === undefined ? undefined : this.#steps.get(parentKey);
    if (step.entry?.level === 1 || parent === undefined) {
      this.#begin(step);
      if (parentKey !== undefined && step.entry?.level !== 1) this.#await(parentKey, step);
    } else {
      this.#attach(step, parent);
    }
    for (const orphan of this.#orphans.get(step.key) ?? []) this.#adopt(orphan, step);
    this.#orphans.delete(step.key);
    return step;
  }

  #begin(root: Step): void {
    const call: Call = {
      key: root.key,
      root,
      stepCount: 1,
      openCount: stateOf(root.span) === "running" ? 1 : 0,
      version: 0,
      podId: undefined,
      poll: false,
    };
    this.#calls.set(call.key, call);
    this.#callOf.set(root, call);
  }

  #await(parentKey: string, root: Step): void {
    const waiting = this.#orphans.get(parentKey) ?? new Set();
    waiting.add(root);
    this.#orphans.set(parentKey, waiting);
  }

  #attach(step: Step, parent: Step): void {
    const call = this.#callOf.get(parent);
    if (!call) {
      this.#begin(step);
      return;
    }
    const above = depthOf(parent) >= depthMax && parent.parent ? parent.parent : parent;
    step.parent = above;
    insertByStart(above.children, step);
    this.#callOf.set(step, call);
    call.stepCount++;
    if (stateOf(step.span) === "running") call.openCount++;
  }

  /** Moves the call of `root` below `parent`, which turned up late. */
  #adopt(root: Step, parent: Step): void {
    const from = this.#callOf.get(root);
    const to = this.#callOf.get(parent);
    // The parent itself lies inside that call: they name each other as parents.
    if (!from || !to || from === to || from.root !== root) return;
    root.parent = parent;
    insertByStart(parent.children, root);
    for (const step of subtree(root)) this.#callOf.set(step, to);
    to.stepCount += from.stepCount;
    to.openCount += from.openCount;
    to.podId ??= from.podId;
    this.#pods.forget(from);
    this.#calls.delete(from.key);
  }
}

function depthOf(step: Step): number {
  let depth = 0;
  for (let above = step.parent; above; above = above.parent) depth++;
  return depth;
}

function insertByStart(list: Step[], step: Step): void {
  let index = list.length;
  while (index > 0) {
    const before = list[index - 1];
    if (!before || byStart(before.span, step.span) <= 0) break;
    index--;
  }
  list.splice(index, 0, step);
}

/** A step and everything below it, parents first, children by start. */
export function* subtree(root: Step): Generator<Step> {
  const stack = [root];
  for (let step = stack.pop(); step; step = stack.pop()) {
    yield step;
    for (let index = step.children.length - 1; index >= 0; index--) {
      const child = step.children[index];
      if (child) stack.push(child);
    }
  }
}
