/** Running a program of the host to its end, a CNI plugin: its own session, bounded output, killed whole on timeout and abort. */

import type { ErrnoName } from "../../errno.ts";
import { errnoText } from "../../errno-text.ts";
import { KernelError } from "../../errors.ts";
import type { Program, ProgramResult } from "../../kernel.ts";
import { SIGKILL } from "../abi.ts";
import { Captured } from "../captured.ts";
import type { CniFault } from "../fault/fault-schedule.ts";
import { startChild } from "../plan/run-plan.ts";
import type { Process } from "../process/process.ts";
import { Refusal } from "../refusal.ts";
import { InputPipe, OutputPipe, pipeFile } from "../shim/output.ts";
import { setParentDeathSignal } from "../syscall/credential.ts";
import { write } from "../syscall/file.ts";
import { deliverSignal, execve, wait4 } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { WaitQueue } from "../task.ts";
import type { DaemonLife } from "./daemon-life.ts";

const exitNotStarted = 127;
const msNs = 1_000_000n;

const encoder = new TextEncoder();
const pluginError = { code: 999, msg: "a fault that was asked for" };

/** What is no result of any version. */
const garbage = encoder.encode("{ no JSON");

/** A plugin that does not do its work. */
function* failing(self: Process, how: "fail" | "hang"): Coroutine<number> {
  if (how === "hang") for (;;) yield { on: [new WaitQueue()] };
  yield* write(self, 1, encoder.encode(JSON.stringify({ cniVersion: "1.0.0", ...pluginError })));
  return 1;
}

interface Started {
  readonly process: Process;
  /** Why execve failed; read when it has ended. */
  readonly refused: () => ErrnoName | undefined;
}

function start(
  life: DaemonLife,
  program: Program,
  outputs: readonly [Captured, Captured],
  fault: CniFault | undefined,
): Started {
  let refused: ErrnoName | undefined;
  function* main(self: Process): Coroutine<number> {
    setParentDeathSignal(self, SIGKILL);
    if (fault === "fail" || fault === "hang") return yield* failing(self, fault);
    try {
      return execve(self, program.path, program.argv, program.env);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      refused = thrown.errno;
      return exitNotStarted;
    }
  }
  const stdio = [
    pipeFile(life.process, new InputPipe(program.stdin), false),
    ...outputs.map((output) => {
      const pipe = new OutputPipe(
        (data) => output.take(data),
        () => undefined,
      );
      return pipeFile(life.process, pipe, true);
    }),
  ];
  const comm = program.path.slice(program.path.lastIndexOf("/") + 1).slice(0, 15);
  const process = startChild(life.process, { comm, argv: program.argv, stdio, main });
  return { process, refused: () => refused };
}

/** The program with all that it started: its session, and the descendants that left it. */
function killAll(root: Process): void {
  const doomed = new Set<Process>();
  const add = (process: Process): void => {
    if (doomed.has(process)) return;
    doomed.add(process);
    for (const child of process.children) add(child);
  };
  add(root);
  // Whose parents have ended is a child of init.
  for (const orphan of root.machine.init.children) {
    if (orphan.session === root.pid) add(orphan);
  }
  for (const process of doomed) if (process.state === "alive") deliverSignal(process, SIGKILL);
}

function startError(path: string, errno: ErrnoName): KernelError {
  return new KernelError({
    errno,
    op: "library",
    detail: `start ${path}`,
    message: `start ${path}: ${errno}, ${errnoText(errno)}`,
  });
}

/**
 * What the kernel's network takes besides, for which programs wait: making a veth, and taking one away, which waits
 * until no processor can still use it (synchronize_net). As traces/real has them.
 */
function networkNs({ env }: Program): bigint {
  if (env.includes("CNI_COMMAND=DEL")) return 45n * msNs;
  return env.includes("CNI_COMMAND=ADD") ? 4n * msNs : 0n;
}

/**
 * Runs `program` and waits for it. Children that it leaves behind in its session are killed with it.
 * @throws KernelError with the errno of execve(2) when it cannot be started; the signal's reason on abort.
 */
export function runProgram(
  life: DaemonLife,
  program: Program,
  signal: AbortSignal | undefined,
  fault: CniFault | undefined,
): Promise<ProgramResult> {
  return life.promise(`program ${program.path}`, (resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const outputs = [
      new Captured(program.stdoutBytesMax),
      new Captured(program.stderrBytesMax),
    ] as const;
    let started: Started;
    try {
      started = start(life, program, outputs, fault);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return reject(startError(program.path, thrown.errno));
    }
    const { process } = started;
    let timedOut = false;
    const kill = () => killAll(process);
    const cancelTimer = life.after(BigInt(program.timeoutMs) * msNs, () => {
      timedOut = true;
      kill();
    });
    signal?.addEventListener("abort", kill, { once: true });
    function* wait(): Coroutine<void> {
      const ended = yield* wait4(life.process, process.pid);
      yield { untilNs: life.machine.scheduler.nowNs + networkNs(program) };
      cancelTimer();
      signal?.removeEventListener("abort", kill);
      killAll(process);
      const errno = started.refused();
      const status = ended?.status;
      if (signal?.aborted) reject(signal.reason);
      else if (errno !== undefined) reject(startError(program.path, errno));
      else
        resolve({
          pid: process.pid,
          exitCode: status?.kind === "signaled" ? 128 + status.signal : (status?.code ?? 0),
          timedOut,
          // It did its work, but its answer is lost: what it made is there, and nobody is told.
          stdout: fault === "garbage" ? garbage : outputs[0].bytes(),
          stderr: outputs[1].bytes(),
          truncated: outputs[0].truncated || outputs[1].truncated,
        });
    }
    life.spawn(`vitrined waits for ${program.path}`, wait(), reject);
  });
}
