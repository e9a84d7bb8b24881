/** For tests: a booted machine without services, and bodies that run in processes of it until nobody has anything to do. */
import type { Machine } from "../machine.ts";
import { executableContent, type Program } from "../program/program.ts";
import { isRefusal } from "../refusal.ts";
import { setgroups, setresgid, setresuid } from "../syscall/credential.ts";
import type { Coroutine } from "../task.ts";
import { fileBed } from "../vfs/file-bed.ts";
import { putFile } from "../vfs/put-file.ts";
import type { Process } from "./process.ts";
import { spawnProcess } from "./spawn.ts";

export interface ProcessBed {
  readonly machine: Machine;
  readonly init: Process;
  /** Starts a process that runs `body`; it has not run yet. */
  readonly start: (body: Program, parent?: Process) => Process;
  /** Runs what is ready and lets time pass until nobody waits for it. */
  readonly drive: () => void;
  /** Runs `body` in a process of its own to its end: what it returned, or the errno it was refused with. */
  readonly run: <T>(body: (self: Process) => Coroutine<T> | T) => T | string;
  /** A program, and an executable file of it. */
  readonly program: (path: string, mode: number, program: Program) => void;
  readonly file: (path: string, mode: number, text: string) => void;
}

function isCoroutine<T>(value: Coroutine<T> | T): value is Coroutine<T> {
  return typeof value === "object" && value !== null && "next" in value && "throw" in value;
}

/** What `call` returns, or the errno it is refused with. */
export function attempt<T>(call: () => T): T | string {
  try {
    return call();
  } catch (thrown) {
    if (isRefusal(thrown)) return thrown.errno;
    throw thrown;
  }
}

/** "ok", or the errno. */
export function outcome(call: () => unknown): string {
  const result = attempt(() => {
    call();
    return "ok";
  });
  return result;
}

/** Makes the caller an ordinary user with one group. */
export function becomeUser(self: Process, id: number): void {
  setgroups(self, [id]);
  setresgid(self, id, id, id);
  setresuid(self, id, id, id);
  // As an execve would do: it owns its /proc files again.
  self.dumpable = true;
}

export function processBed(): ProcessBed {
  const { machine, root: init } = fileBed();
  const { fileSystem } = init.root.dentry;
  const { scheduler } = machine;
  const drive = () => {
    for (;;) {
      while (scheduler.settle());
      const next = scheduler.nextTimerNs();
      if (next === undefined) return;
      scheduler.advanceTo(next);
    }
  };
  const start = (body: Program, parent = init) =>
    spawnProcess(parent, { comm: "test", argv: ["test"], env: [], body });
  const file = (path: string, mode: number, text: string) => {
    putFile(fileSystem, path, new TextEncoder().encode(text), mode);
  };
  return {
    machine,
    init,
    start,
    drive,
    run: (body) => {
      let result: ReturnType<ProcessBed["run"]> = "never ended";
      start(function* (self) {
        try {
          const value = body(self);
          result = isCoroutine(value) ? yield* value : value;
        } catch (thrown) {
          if (!isRefusal(thrown)) throw thrown;
          result = thrown.errno;
        }
        return 0;
      });
      drive();
      return result as never;
    },
    program: (path, mode, program) => {
      machine.programs.set(path, program);
      file(path, mode, new TextDecoder().decode(executableContent(path)));
    },
    file,
  };
}

/** A body that does one thing and ends. */
export function once(action: (self: Process) => void, code = 0): Program {
  return function* (self) {
    action(self);
    yield {};
    return code;
  };
}
