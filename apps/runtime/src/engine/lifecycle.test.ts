import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RuntimeError } from "../kernel/errors.ts";
import { containerLifecycle } from "./containers/container-lifecycle.ts";
import {
  allows,
  arrowsOf,
  type Lifecycle,
  lifecycleToMermaid,
  lifecycleToText,
  next,
} from "./lifecycle.ts";
import { podLifecycle } from "./pods/pod-lifecycle.ts";

describe("lifecycle", () => {
  it("follows an arrow of the table", () => {
    expect(next(containerLifecycle, "created", "start", "c1")).toBe("starting");
  });

  it("refuses an arrow that the table has not, naming the thing, its state and the wish", () => {
    const refused = (): unknown => next(containerLifecycle, "running", "start", "c1");
    expect(refused).toThrow(RuntimeError);
    expect(refused).toThrow("container c1 is running: cannot start");
    try {
      refused();
    } catch (error) {
      expect((error as RuntimeError).code).toBe("FAILED_PRECONDITION");
    }
  });

  it("asks without throwing", () => {
    expect(allows(podLifecycle, "ready", "stop")).toBe(true);
    expect(allows(podLifecycle, "ready", "ran")).toBe(false);
  });

  it.each([podLifecycle, containerLifecycle] as readonly Lifecycle[])(
    "reaches every state of a $noun from its first, and the last from every one",
    (lifecycle) => {
      const arrows = arrowsOf(lifecycle);
      const reachable = (from: string): ReadonlySet<string> => {
        const seen = new Set([from]);
        for (const state of seen) {
          for (const arrow of arrows) if (arrow.from === state) seen.add(arrow.to);
        }
        return seen;
      };
      const states = Object.keys(lifecycle.states);
      expect([...reachable(lifecycle.initial)].sort()).toEqual([...states].sort());
      for (const state of states) expect(reachable(state)).toContain(lifecycle.final);
    },
  );

  it("can always be removed: no state is a dead end for the client", () => {
    for (const state of Object.keys(podLifecycle.states) as (keyof typeof podLifecycle.states)[]) {
      expect(allows(podLifecycle, state, "remove")).toBe(true);
      expect(allows(podLifecycle, state, "stop")).toBe(true);
    }
    for (const state of Object.keys(
      containerLifecycle.states,
    ) as (keyof typeof containerLifecycle.states)[]) {
      expect(allows(containerLifecycle, state, "remove")).toBe(true);
    }
  });

  it.each([podLifecycle, containerLifecycle] as readonly Lifecycle[])(
    "is drawn in the docs as it is: $noun",
    (lifecycle) => {
      const path = join(import.meta.dirname, "../../../../docs/lifecycles.md");
      const docs = readFileSync(path, "utf8");
      expect(docs).toContain(lifecycleToMermaid(lifecycle));
      for (const [state, truth] of Object.entries(lifecycle.states)) {
        expect(docs).toContain(`| \`${state}\` | ${truth} |`);
      }
    },
  );

  it("draws itself", () => {
    expect(lifecycleToText(podLifecycle)).toMatchInlineSnapshot(`
      "creating -> ready     ran
      creating -> notReady  abandon
      creating -> notReady  stop
      creating -> removing  remove
      ready    -> notReady  pauseExited
      ready    -> notReady  stop
      ready    -> removing  remove
      notReady -> notReady  abandon
      notReady -> notReady  pauseExited
      notReady -> notReady  stop
      notReady -> stopped   released
      notReady -> removing  remove
      stopped  -> stopped   pauseExited
      stopped  -> stopped   stop
      stopped  -> removing  remove
      removing -> removing  pauseExited
      removing -> removing  released
      removing -> removing  stop
      removing -> removing  remove
      "
    `);
    expect(lifecycleToMermaid(containerLifecycle)).toMatchInlineSnapshot(`
      "stateDiagram-v2
        [*] --> creating
        creating --> created: created
        creating --> unknown: lost
        creating --> removing: remove
        created --> starting: start
        created --> exited: exited
        created --> unknown: lost
        created --> removing: remove
        starting --> created: created
        starting --> running: started
        starting --> exited: startFailed
        starting --> exited: exited
        starting --> unknown: lost
        starting --> removing: remove
        running --> exited: exited
        running --> unknown: lost
        running --> removing: remove
        exited --> exited: exited
        exited --> removing: remove
        unknown --> created: created
        unknown --> running: started
        unknown --> exited: exited
        unknown --> unknown: lost
        unknown --> removing: remove
        removing --> removing: exited
        removing --> removing: lost
        removing --> removing: remove
        removing --> [*]
      "
    `);
  });
});
