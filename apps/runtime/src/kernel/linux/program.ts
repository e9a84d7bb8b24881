/**
 * Running a program to its end: a CNI plugin. Its stdin is a sealed memfd, its output goes into memfds that
 * cannot grow, it leads a session of its own, and on timeout or abort the whole process group is killed.
 */
import { closeSync, readSync } from "node:fs";
import type { Program, ProgramResult } from "../kernel.ts";
import { exitOf } from "./child-exit.ts";
import { boundedMemfd, fileOffset, sealedMemfd, spawnProgram } from "./library.ts";

/** What was written so far; the offset is shared with the program. */
function written(fd: number): Uint8Array {
  const bytes = new Uint8Array(fileOffset(fd));
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Everybody in it has ended.
  }
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
  const fds = [sealedMemfd(program.stdin)];
  let timer: NodeJS.Timeout | undefined;
  let timedOut = false;
  try {
    fds.push(boundedMemfd(program.stdoutBytesMax), boundedMemfd(program.stderrBytesMax));
    const spawned = spawnProgram({
      path: program.path,
      argv: program.argv,
      env: program.env,
      fds,
      setsid: true,
    });
    const kill = () => killGroup(spawned.pid);
    signal?.addEventListener("abort", kill, { once: true });
    timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, program.timeoutMs);
    const exitCode = await exitOf(spawned);
    signal?.removeEventListener("abort", kill);
    kill();
    signal?.throwIfAborted();
    const [, stdoutFd = -1, stderrFd = -1] = fds;
    const stdout = written(stdoutFd);
    const stderr = written(stderrFd);
    const truncated =
      stdout.length >= program.stdoutBytesMax || stderr.length >= program.stderrBytesMax;
    return { pid: spawned.pid, exitCode, stdout, stderr, truncated, timedOut };
  } finally {
    clearTimeout(timer);
    for (const fd of fds) closeSync(fd);
  }
}
