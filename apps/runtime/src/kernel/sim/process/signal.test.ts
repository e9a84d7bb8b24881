import { beforeEach, describe, expect, test } from "vitest";
import { SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1 } from "../abi.ts";
import {
  clone3,
  kill,
  nanosleep,
  pause,
  pidfdOpen,
  pidfdSendSignal,
  sigaction,
  wait4,
} from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import type { Process } from "./process.ts";
import { becomeUser, once, outcome, type ProcessBed, processBed } from "./process-bed.ts";

let bed: ProcessBed;
beforeEach(() => {
  bed = processBed();
});

function* sleeps(self: Process): Coroutine<number> {
  for (;;) yield* pause(self);
}

/** An init of a new pid namespace that waits; and what its parent does. */
function withInit(
  body: (self: Process, init: Process) => Coroutine<void>,
  initBody: (me: Process) => Coroutine<number> = sleeps,
): void {
  bed.run(function* (self) {
    const init = clone3(self, { namespaces: ["pid"], body: initBody });
    yield* nanosleep(self, 1000n);
    yield* body(self, init);
  });
}

describe("the init of a pid namespace", () => {
  test("is immune to SIGTERM and SIGKILL from inside, and to SIGTERM from above", () => {
    withInit(
      function* (self, init) {
        yield* nanosleep(self, 1_000_000n);
        expect(init.state).toBe("alive");
        kill(self, init.pid, SIGTERM);
        expect(init.state).toBe("alive");
        kill(self, init.pid, SIGKILL);
        const waited = yield* wait4(self, init.pid);
        expect(waited?.status).toEqual({ kind: "signaled", signal: SIGKILL });
      },
      function* (me) {
        clone3(me, {
          namespaces: [],
          body: once((inside) => {
            kill(inside, 1, SIGTERM);
            kill(inside, 1, SIGKILL);
            kill(inside, 1, SIGSTOP);
          }),
        });
        return yield* sleeps(me);
      },
    );
  });

  test("gets from inside what it handles", () => {
    const caught: number[] = [];
    withInit(
      function* (self, init) {
        yield* nanosleep(self, 1000n);
        expect(caught).toEqual([SIGTERM]);
        expect(init.state).toBe("alive");
      },
      function* (me) {
        sigaction(me, SIGTERM, (signal) => caught.push(signal));
        clone3(me, {
          namespaces: [],
          body: once((inside) => kill(inside, 1, SIGTERM)),
        });
        return yield* sleeps(me);
      },
    );
  });

  test("takes everybody along, and nobody is born there again: ENOMEM", () => {
    const born: Process[] = [];
    withInit(
      function* (self, init) {
        kill(self, init.pid, SIGKILL);
        expect(born.map((one) => one.state)).toEqual(["dead", "dead"]);
        expect(born.every((one) => one.exitStatus?.kind === "signaled")).toBe(true);
        yield* wait4(self, init.pid);
        self.namespaces = { ...self.namespaces, pidForChildren: init.namespaces.pid };
        expect(outcome(() => clone3(self, { namespaces: [], body: sleeps }))).toBe("ENOMEM");
      },
      function* (me) {
        born.push(clone3(me, { namespaces: [], body: sleeps }));
        born.push(clone3(me, { namespaces: ["pid"], body: sleeps }));
        return yield* sleeps(me);
      },
    );
  });
});

describe("stop and continue", () => {
  test("a stopped process does not run; what came meanwhile is delivered afterwards", () => {
    bed.run(function* (self) {
      let turns = 0;
      const caught: number[] = [];
      const child = clone3(self, {
        namespaces: [],
        body: function* (me) {
          sigaction(me, SIGUSR1, (signal) => caught.push(signal));
          for (;;) {
            yield { untilNs: me.machine.scheduler.nowNs + 1000n };
            turns++;
          }
        },
      });
      yield* nanosleep(self, 10_000n);
      kill(self, child.pid, SIGSTOP);
      const before = turns;
      kill(self, child.pid, SIGUSR1);
      yield* nanosleep(self, 10_000n);
      expect([turns, caught.length]).toEqual([before, 0]);
      kill(self, child.pid, SIGCONT);
      expect(caught).toEqual([SIGUSR1]);
      kill(self, child.pid, SIGSTOP);
      kill(self, child.pid, SIGKILL);
      expect(child.state).toBe("zombie");
    });
  });
});

describe("permission", () => {
  test("by uid; CAP_KILL over the target's user namespace; EPERM, ESRCH, EINVAL", () => {
    bed.run(function* (self) {
      const start = (id: number) =>
        clone3(self, {
          namespaces: [],
          body: function* (me) {
            becomeUser(me, id);
            return yield* sleeps(me);
          },
        });
      const [mine, other] = [start(1000), start(1001)];
      yield* nanosleep(self, 1000n);
      becomeUser(self, 1000);
      expect(outcome(() => kill(self, mine.pid, 0))).toBe("ok");
      expect(outcome(() => kill(self, other.pid, 0))).toBe("EPERM");
      expect(outcome(() => kill(self, other.pid, SIGCONT))).toBe("ok");
      expect(outcome(() => kill(self, 99_999, 0))).toBe("ESRCH");
      expect(outcome(() => kill(self, -99_999, 9))).toBe("ESRCH");
      expect(outcome(() => kill(self, mine.pid, 65))).toBe("EINVAL");
      expect(outcome(() => kill(self, -1, SIGKILL))).toBe("ok");
      expect([mine.state, other.state]).toEqual(["zombie", "alive"]);
    });
  });

  test("pidfds: EINVAL for no pid, ESRCH after the end, EINVAL for who is outside", () => {
    bed.run(function* (self) {
      expect(outcome(() => pidfdOpen(self, 0))).toBe("EINVAL");
      expect(outcome(() => pidfdOpen(self, 99_999))).toBe("ESRCH");
      const child = clone3(self, { namespaces: [], body: sleeps });
      const fd = pidfdOpen(self, child.pid);
      expect(self.closeOnExec.has(fd)).toBe(true);
      const own = pidfdOpen(self, self.pid);
      clone3(self, {
        namespaces: ["pid"],
        body: once((me) => {
          expect(outcome(() => pidfdSendSignal(me, own, 0))).toBe("EINVAL");
        }),
      });
      yield* nanosleep(self, 1000n);
      pidfdSendSignal(self, fd, SIGKILL);
      yield* wait4(self, child.pid);
      expect(outcome(() => pidfdSendSignal(self, fd, 0))).toBe("ESRCH");
      expect(outcome(() => pidfdSendSignal(self, 99, 0))).toBe("EBADF");
    });
  });
});
