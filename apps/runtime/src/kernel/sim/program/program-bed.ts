/** For tests: a booted machine with its programs, and a way to run one and see what it wrote. */
import { boot } from "../boot.ts";
import type { Machine } from "../machine.ts";
import type { ExitStatus, Process } from "../process/process.ts";
import { spawnProcess } from "../process/spawn.ts";
import { execve } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { OpenFile, type Stream } from "../vfs/open-file.ts";
import { bootPrograms } from "./boot-programs.ts";
import { bytesOf, joinBytes, textOf } from "./file-text.ts";

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or 128 + signal. */
  readonly code: number;
}

/** An fd that gathers what is written, and gives what it was made with. */
class Sheet implements Stream {
  readonly chunks: Uint8Array[] = [];
  #input: Uint8Array;

  constructor(input = "") {
    this.#input = bytesOf(input);
  }

  // biome-ignore lint/correctness/useYield: it is all there
  *read(length: number): Coroutine<Uint8Array> {
    const part = this.#input.subarray(0, length);
    this.#input = this.#input.subarray(length);
    return part;
  }

  // biome-ignore lint/correctness/useYield: there is always room
  *write(data: Uint8Array): Coroutine<number> {
    this.chunks.push(data.slice());
    return data.length;
  }

  close(): void {}

  get text(): string {
    return textOf(joinBytes(this.chunks));
  }
}

export function programBed(): Machine {
  const machine = boot({ seed: 7 });
  if (machine.programs.size === 0) bootPrograms(machine);
  machine.scheduler.settle();
  return machine;
}

/** Lets virtual time run until the process is over; at most `steps` timers. */
function runToEnd(machine: Machine, process: Process, steps: number): ExitStatus | undefined {
  let status: ExitStatus | undefined;
  for (let step = 0; step < steps; step++) {
    machine.scheduler.settle();
    status = process.exitStatus;
    if (status !== undefined) return status;
    const next = machine.scheduler.nextTimerNs();
    if (next === undefined) return undefined;
    machine.scheduler.advanceTo(next);
  }
  return status;
}

/** Runs a program of the host by its path, as a child of init, with text as standard input. */
export function runProgram(
  machine: Machine,
  argv: readonly string[],
  options: {
    readonly stdin?: string;
    readonly env?: readonly string[];
    readonly steps?: number;
  } = {},
): Ran {
  const [stdin, stdout, stderr] = [new Sheet(options.stdin), new Sheet(), new Sheet()];
  const env = options.env ?? ["PATH=/sbin:/usr/sbin:/bin:/usr/bin", "HOME=/root"];
  const path = argv[0] as string;
  const process = spawnProcess(machine.init, {
    comm: path,
    argv,
    env,
    // biome-ignore lint/correctness/useYield: it becomes the program at once
    *body(self) {
      return execve(self, path.startsWith("/") ? path : `/bin/${path}`, argv, env);
    },
  });
  [stdin, stdout, stderr].forEach((stream, fd) => {
    const file = new OpenFile({ flags: 2, stream, label: `pipe:[${fd}]` });
    file.references++;
    process.fds.set(fd, file);
  });
  const status = runToEnd(machine, process, options.steps ?? 10_000);
  const code =
    status === undefined ? -1 : status.kind === "exited" ? status.code : 128 + status.signal;
  return { stdout: stdout.text, stderr: stderr.text, code };
}

/** sh -c TEXT */
export function runShell(machine: Machine, text: string, ...args: readonly string[]): Ran {
  return runProgram(machine, ["sh", "-c", text, ...args]);
}
