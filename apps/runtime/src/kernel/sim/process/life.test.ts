import { beforeEach, describe, expect, test } from "vitest";
import { SIGCHLD, SIGKILL, SIGTERM, SIGUSR1, WNOHANG } from "../abi.ts";
import { setParentDeathSignal, setSubreaper } from "../syscall/credential.ts";
import {
  clone3,
  getpid,
  getppid,
  kill,
  nanosleep,
  pause,
  sigaction,
  wait4,
} from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import type { Process } from "./process.ts";
import { attempt, once, outcome, type ProcessBed, processBed } from "./process-bed.ts";

let bed: ProcessBed;
beforeEach(() => {
  bed = processBed();
});

function* sleeps(self: Process): Coroutine<number> {
  for (;;) yield* pause(self);
}

const fork = (parent: Process, body: (self: Process) => Coroutine<number>) =>
  clone3(parent, { namespaces: [], body });

describe("wait4", () => {
  test("waits for the child's exit code and reaps it", () => {
    const result = bed.run(function* (self) {
      const child = fork(self, function* (me) {
        yield* nanosleep(me, 5_000_000n);
        return 7;
      });
      const before = self.machine.scheduler.nowNs;
      const waited = yield* wait4(self, -1);
      const took = self.machine.scheduler.nowNs - before;
      return {
        waited: waited?.status,
        pid: waited?.pid === child.pid,
        took: took >= 5_000_000n,
        state: child.state,
      };
    });
    expect(result).toEqual({
      waited: { kind: "exited", code: 7 },
      pid: true,
      took: true,
      state: "dead",
    });
  });

  test("ECHILD without children and for somebody else's; WNOHANG does not wait", () => {
    bed.run(function* (self) {
      expect(outcome(() => wait4(self, -1).next())).toBe("ECHILD");
      expect(outcome(() => wait4(self, 1).next())).toBe("ECHILD");
      const child = fork(self, sleeps);
      expect(wait4(self, child.pid, WNOHANG).next()).toEqual({ done: true, value: undefined });
      kill(self, child.pid, SIGKILL);
      const waited = yield* wait4(self, child.pid);
      expect(waited?.status).toEqual({ kind: "signaled", signal: SIGKILL });
      expect(outcome(() => wait4(self, child.pid).next())).toBe("ECHILD");
    });
  });

  test("a parent that ignores SIGCHLD has no zombies", () => {
    const result = bed.run(function* (self) {
      sigaction(self, SIGCHLD, "ignore");
      const child = fork(
        self,
        once(() => undefined),
      );
      const answer = yield* (function* () {
        try {
          yield* wait4(self, -1);
          return "waited";
        } catch {
          return "ECHILD";
        }
      })();
      return `${answer} ${child.state}`;
    });
    expect(result).toBe("ECHILD dead");
  });
});

describe("orphans", () => {
  test("go to the nearest subreaper, else to init, which reaps them", () => {
    let grandchild: Process | undefined;
    bed.run(function* (self) {
      setSubreaper(self, true);
      fork(self, function* (me) {
        const makes = once((inner) => {
          grandchild = fork(inner, sleeps);
        });
        fork(me, makes);
        yield* wait4(me, -1);
        expect(getppid(grandchild as Process)).toBe(getpid(self));
        return 0;
      });
      yield* wait4(self, -1);
    });
    expect(grandchild?.parent).toBe(bed.init);
    kill(bed.init, (grandchild as Process).pid, SIGKILL);
    bed.drive();
    expect(grandchild?.state).toBe("dead");
    expect([...bed.machine.processes.keys()]).toEqual([1]);
  });

  test("get their parent-death signal", () => {
    let child: Process | undefined;
    bed.run(function* (self) {
      child = fork(self, function* (me) {
        setParentDeathSignal(me, SIGTERM);
        return yield* sleeps(me);
      });
      yield* nanosleep(self, 1000n);
    });
    expect(child?.exitStatus).toEqual({ kind: "signaled", signal: SIGTERM });
  });
});

describe("handled signals", () => {
  test("run the handler and interrupt the wait with EINTR", () => {
    const caught: number[] = [];
    const result = bed.run(function* (self) {
      sigaction(self, SIGUSR1, (signal) => caught.push(signal));
      const me = getpid(self);
      fork(
        self,
        once((child) => kill(child, me, SIGUSR1)),
      );
      try {
        yield* nanosleep(self, 1_000_000_000n);
        return "slept";
      } catch {
        return "interrupted";
      }
    });
    expect([result, caught]).toEqual(["interrupted", [SIGUSR1]]);
  });

  test("are default again after spawn, and the finally blocks of a killed process run", () => {
    const seen: string[] = [];
    bed.run(function* (self) {
      const child = fork(self, function* (me) {
        try {
          return yield* sleeps(me);
        } finally {
          seen.push(me.state);
        }
      });
      yield* nanosleep(self, 1000n);
      kill(self, child.pid, SIGTERM);
      yield* wait4(self, -1);
    });
    expect(seen).toEqual(["alive"]);
  });
});

test("a process that kills itself never comes back from the call", () => {
  let after = false;
  let child: Process | undefined;
  bed.run(function* (self) {
    child = fork(
      self,
      once((me) => {
        kill(me, getpid(me), SIGTERM);
        after = true;
      }),
    );
    yield* wait4(self, -1);
  });
  expect([child?.exitStatus, after]).toEqual([{ kind: "signaled", signal: SIGTERM }, false]);
});

test("fork copies fds and shares nothing afterwards", () => {
  bed.run(function* (self) {
    const child = fork(
      self,
      once(() => undefined),
    );
    expect(child.fds).not.toBe(self.fds);
    expect(attempt(() => child.pidIn(self.namespaces.pid))).toBe(child.pid);
    yield* wait4(self, -1);
  });
});
