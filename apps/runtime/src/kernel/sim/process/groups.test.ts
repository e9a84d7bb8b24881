import { beforeEach, expect, test } from "vitest";
import { SIGHUP, SIGTERM } from "../abi.ts";
import { setresuid } from "../syscall/credential.ts";
import {
  clone3,
  getpid,
  kill,
  nanosleep,
  pause,
  prlimit,
  setpgid,
  setsid,
  wait4,
} from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { OpenFile } from "../vfs/open-file.ts";
import type { Process } from "./process.ts";
import { once, outcome, type ProcessBed, processBed } from "./process-bed.ts";

let bed: ProcessBed;
beforeEach(() => {
  bed = processBed();
});

function* sleeps(self: Process): Coroutine<number> {
  for (;;) yield* pause(self);
}

test("setsid: once; a group's leader cannot: EPERM", () => {
  bed.run((self) => {
    expect(setsid(self)).toBe(getpid(self));
    expect([self.session, self.processGroup]).toEqual([self.pid, self.pid]);
    expect(outcome(() => setsid(self))).toBe("EPERM");
    expect(outcome(() => setpgid(self, 0, 0))).toBe("EPERM");
  });
  bed.run((self) => {
    setpgid(self, 0, 0);
    expect(outcome(() => setsid(self))).toBe("EPERM");
    expect(outcome(() => setpgid(self, 0, -1))).toBe("EINVAL");
    expect(outcome(() => setpgid(self, 99_999, 0))).toBe("ESRCH");
    expect(outcome(() => setpgid(self, 1, 0))).toBe("ESRCH");
    expect(outcome(() => setpgid(self, 0, 99_999))).toBe("EPERM");
  });
});

test("a group gets a signal together, and is waited for together", () => {
  bed.run(function* (self) {
    setsid(self);
    const first = clone3(self, { namespaces: [], body: sleeps });
    const second = clone3(self, { namespaces: [], body: sleeps });
    const other = clone3(self, { namespaces: [], body: sleeps });
    setpgid(self, first.pid, 0);
    setpgid(self, second.pid, first.pid);
    kill(self, -first.pid, SIGTERM);
    expect([first, second, other].map((one) => one.state)).toEqual(["zombie", "zombie", "alive"]);
    const waited = [yield* wait4(self, -first.pid), yield* wait4(self, -first.pid)];
    expect(waited.map((one) => one?.process)).toEqual([first, second]);
    expect(outcome(() => wait4(self, 0).next())).toBe("ok");
  });
});

test("the end of a session's leader hangs its terminal up", () => {
  const child = { process: undefined as Process | undefined };
  bed.run(function* (self) {
    clone3(self, {
      namespaces: [],
      body: function* (leader) {
        setsid(leader);
        leader.tty = new OpenFile({ flags: 0 });
        child.process = clone3(leader, { namespaces: [], body: sleeps });
        yield* nanosleep(leader, 1000n);
        return 0;
      },
    });
    yield* wait4(self, -1);
  });
  expect(child.process?.exitStatus).toEqual({ kind: "signaled", signal: SIGHUP });
});

test("prlimit: EINVAL for soft above hard, EPERM beyond nr_open, and beyond the old one without CAP_SYS_RESOURCE", () => {
  bed.run(function* (self) {
    const set = (type: "nofile" | "core" | "nproc", soft: number, hard: number) =>
      outcome(() => prlimit(self, type, { soft, hard }));
    expect(set("core", 2, 1)).toBe("EINVAL");
    expect(set("core", -1, 1)).toBe("EINVAL");
    expect(set("nofile", 1, -1)).toBe("EPERM");
    expect(set("nofile", 1, 1_048_577)).toBe("EPERM");
    expect(set("nofile", 10, 100)).toBe("ok");
    expect(set("nofile", 10, 200)).toBe("ok");
    expect(set("nproc", 2, 2)).toBe("ok");
    setresuid(self, 1000, 1000, 1000);
    expect(set("nofile", 10, 201)).toBe("EPERM");
    expect(set("nofile", -1, 200)).toBe("EINVAL");
    const fork = () => clone3(self, { namespaces: [], body: once(() => undefined) });
    expect([outcome(fork), outcome(fork)]).toEqual(["ok", "EAGAIN"]);
    yield* wait4(self, -1);
    expect(outcome(fork)).toBe("ok");
  });
});

test("a network namespace is told to be left when its last process has gone", () => {
  const left: unknown[] = [];
  bed.machine.leftNetwork = (namespace) => left.push(namespace);
  bed.run(function* (self) {
    const child = clone3(self, { namespaces: ["net"], body: once(() => undefined) });
    const { net } = child.namespaces;
    expect(left).toEqual([]);
    yield* wait4(self, -1);
    expect(left).toEqual([net]);
  });
});
