/** Starting a shim, and finding one that a daemon before us started. */
import { closeSync, constants, openSync, readSync } from "node:fs";
import { connect, Socket } from "node:net";
import { join } from "node:path";
import type { Context } from "../../trace/tracer.ts";
import { KernelError, messageOf } from "../errors.ts";
import type { ShimListener } from "../kernel.ts";
import type { Clock } from "../world.ts";
import { exitOf } from "./child-exit.ts";
import { executorFd } from "./executor.ts";
import {
  boundedMemfd,
  fileOffset,
  type Spawned,
  signalPidfd,
  socketPair,
  spawnProgram,
} from "./library.ts";
import { nativePath } from "./native-path.ts";
import { greetShim, type LinuxShim } from "./shim-client.ts";
import { type ConnectionEvents, ShimConnection } from "./shim-connection.ts";

const socketName = "s";
/** sun_path of unix(7) has 108 bytes, the last of them a NUL. */
const socketPathBytesMax = 107;
const lastWordsBytesMax = 4096;
const socketSlot = 3;
const executorSlot = 4;
/** A shim that has no container and that nobody talks to ends by itself after this time. */
const idleMs = 30_000;
const sigkill = 9;
const greetMs = 5_000;

export interface ShimStartOptions {
  readonly clock: Clock;
  /** Whoever hears of exits and lost shims; asked anew each time. */
  readonly listeners: () => readonly ShimListener[];
}

/** What the shim wrote to its standard error before it died. */
function lastWords(memfd: number): string {
  const bytes = Buffer.alloc(lastWordsBytesMax);
  const length = Math.min(fileOffset(memfd), bytes.length);
  return bytes.toString("utf8", 0, readSync(memfd, bytes, 0, length, 0)).trim();
}

function startError(podId: string, said: string, cause: unknown): KernelError {
  const error = new KernelError({
    errno: cause instanceof KernelError ? cause.errno : "ECONNRESET",
    op: "shim",
    detail: said,
    message: `the shim of pod ${podId} cannot start: ${said}`,
  });
  error.cause = cause;
  return error;
}

/** Spawns the program with `theirs` as its first connection. */
function spawnShim(podId: string, directory: string, theirs: number, words: number): Spawned {
  const nothing = openSync("/dev/null", constants.O_RDWR);
  try {
    return spawnProgram({
      path: nativePath("vitrine-shim"),
      argv: ["vitrine-shim", podId, String(socketSlot), String(idleMs), String(executorSlot)],
      env: [],
      cwd: directory,
      fds: [nothing, nothing, words, theirs, executorFd()],
      setsid: true,
    });
  } finally {
    closeSync(nothing);
  }
}

/**
 * Starts vitrine-shim in `directory`, which exists and is empty. It is born with a connection, so its first word on
 * it is all that is waited for. Rejects with a KernelError that has the shim's own sentence when it cannot run.
 */
export async function startShim(
  _context: Context,
  podId: string,
  directory: string,
  options: ShimStartOptions,
): Promise<LinuxShim> {
  const words = boundedMemfd(lastWordsBytesMax);
  try {
    const [ours, theirs] = socketPair();
    let spawned: Spawned;
    try {
      spawned = spawnShim(podId, directory, theirs, words);
    } catch (error) {
      closeSync(ours);
      throw error;
    } finally {
      // That end must live in the shim alone, or its death would not close the connection.
      closeSync(theirs);
    }
    const end = { code: undefined as number | undefined };
    const exited = exitOf(spawned).then((code) => {
      end.code = code;
    });
    const open = (events: ConnectionEvents) =>
      new ShimConnection(new Socket({ fd: ours, readable: true, writable: true }), events);
    try {
      return await greetShim(open, podId, options.clock, options.listeners);
    } catch (error) {
      if (end.code === undefined) signalPidfd(spawned.pidfd, sigkill);
      await exited;
      throw startError(podId, lastWords(words) || `it ended with ${end.code}`, error);
    }
  } finally {
    closeSync(words);
  }
}

/** Connects to the socket in `directory`, by a short way when its path is too long for a socket address. */
function connectTo(directory: string): Promise<Socket> {
  const path = join(directory, socketName);
  const long = Buffer.byteLength(path) > socketPathBytesMax;
  const fd = long ? openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY) : -1;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ path: long ? `/proc/self/fd/${fd}/${socketName}` : path });
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.off("error", reject);
    resolve(socket);
  });
  return promise.finally(() => {
    if (fd >= 0) closeSync(fd);
  });
}

/** Nobody listens there. */
function isAbsence(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTDIR";
}

/**
 * Connects to the shim that lives in `directory`; undefined when none does. A shim that does not answer
 * within `greetMs` rejects with ETIMEDOUT, so that one that hangs does not hold up a starting daemon.
 */
export async function findShim(
  podId: string,
  directory: string,
  options: ShimStartOptions,
): Promise<LinuxShim | undefined> {
  let socket: Socket;
  try {
    socket = await connectTo(directory);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw startError(podId, `its socket: ${messageOf(error)}`, error);
  }
  const late = setTimeout(() => socket.destroy(new Error("it does not answer")), greetMs);
  try {
    const open = (events: ConnectionEvents) => new ShimConnection(socket, events);
    return await greetShim(open, podId, options.clock, options.listeners);
  } finally {
    clearTimeout(late);
  }
}
