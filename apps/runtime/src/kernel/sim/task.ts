/**
 * Who runs when. A task is a generator that yields what it waits for; the scheduler runs the ready ones
 * in the order in which they became ready, so that one seed has one order. Virtual time moves only when
 * an op or a call charges its cost, or when everybody waits: then it jumps to the next timer.
 */
import type { Refusal } from "./refusal.ts";

/** What a task waits for: the first of these. An empty Wait lets the others run and goes on at once. */
export interface Wait {
  /** Virtual CLOCK_MONOTONIC, ns. */
  readonly untilNs?: bigint;
  readonly on?: readonly WaitQueue[];
}

/** Runs until its next wait; the return value is what the owner makes of it (an exit code, for a program). */
export type Coroutine<T> = Generator<Wait, T, void>;

/** Tasks that wait for one event: data in a pipe, a child that exits, a barrier. */
export class WaitQueue {
  readonly #waiting = new Set<Task>();

  add(task: Task): void {
    this.#waiting.add(task);
  }

  remove(task: Task): void {
    this.#waiting.delete(task);
  }

  /** Makes every waiting task ready, in the order in which they came. */
  wake(): void {
    for (const task of [...this.#waiting]) task.ready();
  }
}

export interface TaskEnd {
  /** What the coroutine returned; undefined when it threw or was stopped. */
  readonly value?: unknown;
  /** What it threw: a bug of the model, or a Refusal nobody caught. */
  readonly thrown?: unknown;
}

/** One coroutine under the scheduler. */
export class Task {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #coroutine: Coroutine<unknown>;
  readonly #ended: (end: TaskEnd) => void;
  #waits: readonly WaitQueue[] = [];
  #timer: Timer | undefined;
  #queued = false;
  #interruption: Refusal | undefined;
  #over = false;
  #running = false;
  #started = false;
  /** A frozen cgroup or a stopped process: ready, but not run until thawed. */
  #held = false;

  constructor(
    scheduler: Scheduler,
    name: string,
    coroutine: Coroutine<unknown>,
    ended: (end: TaskEnd) => void,
  ) {
    this.#scheduler = scheduler;
    this.name = name;
    this.#coroutine = coroutine;
    this.#ended = ended;
    this.ready();
  }

  get over(): boolean {
    return this.#over;
  }

  /** Suspended at a wait, so that `interrupt` ends that wait and nothing else. */
  get suspended(): boolean {
    return this.#started && !this.#over && !this.#running;
  }

  ready(): void {
    if (this.#over || this.#queued) return;
    this.#queued = true;
    this.#scheduler.enqueue(this);
  }

  hold(held: boolean): void {
    this.#held = held;
    if (!held && this.#queued) this.#scheduler.enqueue(this);
  }

  /** Ends the wait with a thrown Refusal (EINTR of a caught signal). Without effect on a task that is over. */
  interrupt(refusal: Refusal): void {
    this.#interruption = refusal;
    this.ready();
  }

  /** Ends the task where it waits; its `finally` blocks run, `ended` is not called. A running task ends at its next wait. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    if (!this.#running) this.#coroutine.return(undefined);
  }

  /** Called by the scheduler. */
  run(): void {
    if (this.#over) return;
    if (this.#held) return;
    this.#queued = false;
    this.#leave();
    const interruption = this.#interruption;
    this.#interruption = undefined;
    this.#running = true;
    this.#started = true;
    try {
      const step =
        interruption === undefined ? this.#coroutine.next() : this.#coroutine.throw(interruption);
      this.#running = false;
      if (this.#over) {
        if (step.done !== true) this.#coroutine.return(undefined);
        return;
      }
      if (step.done === true) this.#end({ value: step.value });
      else this.#wait(step.value);
    } catch (thrown) {
      this.#running = false;
      if (!this.#over) this.#end({ thrown });
    }
  }

  #end(end: TaskEnd): void {
    this.#over = true;
    this.#ended(end);
  }

  #wait(wait: Wait): void {
    this.#waits = wait.on ?? [];
    for (const queue of this.#waits) queue.add(this);
    if (wait.untilNs !== undefined) {
      this.#timer = this.#scheduler.at(wait.untilNs, () => this.ready());
    } else if (this.#waits.length === 0) {
      this.ready();
    }
  }

  #leave(): void {
    for (const queue of this.#waits) queue.remove(this);
    this.#waits = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

export interface Timer {
  cancel(): void;
}

interface TimerEntry {
  readonly atNs: bigint;
  readonly order: number;
  fire: () => void;
  cancelled: boolean;
}

/** What a cancelled timer does, so that it keeps nothing alive until its time comes. */
const nothing = (): void => undefined;
/** Cancelled timers that may lie in the heap besides as many living ones. */
const cancelledMax = 256;

/** Ready tasks, timers and the virtual clock of one machine. */
export class Scheduler {
  /** Which of so many ready tasks is next, from 0; unset is first come, first served. */
  drawn: ((count: number) => number) | undefined;
  /** CLOCK_MONOTONIC, ns, without what was charged since somebody asked for it. */
  #nowNs: bigint;
  #chargedNs = 0;
  #ready: Task[] = [];
  /** A binary heap by time, then order. */
  #timers: TimerEntry[] = [];
  #cancelled = 0;
  #order = 0;

  constructor(startNs: bigint) {
    this.#nowNs = startNs;
  }

  get nowNs(): bigint {
    if (this.#chargedNs > 0) {
      this.#nowNs += BigInt(this.#chargedNs);
      this.#chargedNs = 0;
    }
    return this.#nowNs;
  }

  /** Nobody is ready to run. */
  get idle(): boolean {
    return this.#ready.length === 0;
  }

  /** Time passes because somebody worked. */
  charge(ns: number): void {
    if (ns > 0) this.#chargedNs += Math.round(ns);
  }

  enqueue(task: Task): void {
    this.#ready.push(task);
  }

  spawn(name: string, coroutine: Coroutine<unknown>, ended: (end: TaskEnd) => void): Task {
    return new Task(this, name, coroutine, ended);
  }

  /** Calls `fire` when virtual time has reached `atNs`. */
  at(atNs: bigint, fire: () => void): Timer {
    const entry: TimerEntry = { atNs, order: this.#order++, fire, cancelled: false };
    push(this.#timers, entry);
    return {
      cancel: () => {
        if (entry.cancelled) return;
        entry.cancelled = true;
        entry.fire = nothing;
        this.#cancelled++;
        if (this.#cancelled > cancelledMax + this.#timers.length / 2) this.#sweep();
      },
    };
  }

  /** Takes cancelled timers out: most are cancelled long before their time. */
  #sweep(): void {
    const living = this.#timers.filter(({ cancelled }) => !cancelled);
    this.#timers = [];
    this.#cancelled = 0;
    for (const entry of living) push(this.#timers, entry);
  }

  /**
   * Runs what is ready, and timers that are due, until everybody waits; at most `turns` task turns, so that a
   * program that never waits leaves room for the others. Returns whether something is still ready. `enough` is
   * asked between turns: true ends it.
   */
  settle(turns = 100_000, enough?: () => boolean): boolean {
    for (;;) {
      this.#fireDue();
      if (this.#ready.length === 0) return false;
      const ready = this.#ready;
      this.#ready = [];
      for (let index = 0; index < ready.length; index++) {
        if (turns-- <= 0 || enough?.() === true) {
          this.#ready = [...ready.slice(index), ...this.#ready];
          return true;
        }
        this.#draw(ready, index);
        ready[index]?.run();
      }
    }
  }

  /** Puts the task that is drawn from those from `index` on in its place. */
  #draw(ready: Task[], index: number): void {
    const drawn = this.drawn === undefined ? 0 : this.drawn(ready.length - index);
    const task = ready[index + drawn];
    if (drawn === 0 || task === undefined) return;
    ready[index + drawn] = ready[index] as Task;
    ready[index] = task;
  }

  /** When the next timer fires; undefined when there is none. */
  nextTimerNs(): bigint | undefined {
    while (this.#timers[0]?.cancelled === true) {
      pop(this.#timers);
      this.#cancelled--;
    }
    return this.#timers[0]?.atNs;
  }

  /** Moves time forward to `ns` (never back) and fires what is due. */
  advanceTo(ns: bigint): void {
    if (ns > this.nowNs) this.#nowNs = ns;
    this.#fireDue();
  }

  #fireDue(): void {
    for (;;) {
      const next = this.nextTimerNs();
      if (next === undefined || next > this.nowNs) return;
      pop(this.#timers)?.fire();
    }
  }
}

function before(a: TimerEntry, b: TimerEntry): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order);
}

function push(heap: TimerEntry[], entry: TimerEntry): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above] as TimerEntry;
    if (!before(entry, parent)) break;
    heap[index] = parent;
    index = above;
  }
  heap[index] = entry;
}

function pop(heap: TimerEntry[]): TimerEntry | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as TimerEntry, heap[child] as TimerEntry))
      child++;
    if (!before(heap[child] as TimerEntry, last)) break;
    heap[index] = heap[child] as TimerEntry;
    index = child;
  }
  heap[index] = last;
  return top;
}
