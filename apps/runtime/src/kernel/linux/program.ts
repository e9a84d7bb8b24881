/**
 * Running a program to its end: a CNI plugin. Its stdin is a sealed memfd, its output comes through pipes of
 * which a bounded part is kept, it leads a session of its own, and on timeout or abort everything that it
 * started is killed.
 */
import { closeSync } from "node:fs";
import type { Program, ProgramResult } from "../kernel.ts";
import { CapturedPipe } from "./captured-pipe.ts";
import { exitOf } from "./child-exit.ts";
import { killMarked, newMark } from "./kill-marked.ts";
import { type Spawned, sealedMemfd, spawnProgram } from "./library.ts";

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Everybody in it has ended.
  }
}

function start(
  program: Program,
  mark: string,
  stdout: CapturedPipe,
  stderr: CapturedPipe,
): Spawned {
  const stdin = sealedMemfd(program.stdin);
  try {
    return spawnProgram({
      path: program.path,
      argv: program.argv,
      env: [...program.env, mark],
      fds: [stdin, stdout.writeEnd, stderr.writeEnd],
      setsid: true,
      // The next daemon gives back what it took, which must not happen while it still takes.
      dieWithParent: true,
    });
  } finally {
    closeSync(stdin);
    stdout.closeWriteEnd();
    stderr.closeWriteEnd();
  }
}

/**
 * Waits for the end of `spawned`. On timeout and on abort it is killed with all that it started; when it ends
 * by itself, with what is left in its process group.
 */
async function endOf(
  spawned: Spawned,
  mark: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly exitCode: number; readonly timedOut: boolean }> {
  let timedOut = false;
  const kill = () => {
    killGroup(spawned.pid);
    killMarked(mark);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  signal?.addEventListener("abort", kill, { once: true });
  // It may have aborted while the program was being started.
  if (signal?.aborted) kill();
  const exitCode = await exitOf(spawned);
  signal?.removeEventListener("abort", kill);
  clearTimeout(timer);
  killGroup(spawned.pid);
  return { exitCode, timedOut };
}

/**
 * Runs `program` and waits for it. Children that it leaves behind in its process group are killed with it.
 * @throws KernelError with the errno of execve(2) when it cannot be started; the signal's reason on abort.
 */
export async function runProgram(
  program: Program,
  signal: AbortSignal | undefined,
): Promise<ProgramResult> {
  signal?.throwIfAborted();
  const stdout = new CapturedPipe(program.stdoutBytesMax);
  const stderr = new CapturedPipe(program.stderrBytesMax);
  try {
    const mark = newMark();
    const spawned = start(program, mark, stdout, stderr);
    const end = await endOf(spawned, mark, program.timeoutMs, signal);
    signal?.throwIfAborted();
    return {
      pid: spawned.pid,
      ...end,
      stdout: stdout.take(),
      stderr: stderr.take(),
      truncated: stdout.truncated || stderr.truncated,
    };
  } finally {
    stdout.close();
    stderr.close();
  }
}
