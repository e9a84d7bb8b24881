/**
 * A unix socket that appears under its name complete: bound under a temporary one, given its mode,
 * then renamed. A socket that nobody answers on is a left-over and is replaced; one that answers is
 * another daemon, and anything that is no socket is left alone.
 */
import { chmodSync, lstatSync, renameSync, type Stats, unlinkSync } from "node:fs";
import { createConnection } from "node:net";
import { RuntimeError } from "../kernel/errors.ts";

/** sun_path of unix(7) has 108 bytes, the last one zero. */
const pathBytesMax = 107;

export interface BoundSocket {
  /** Unlinks the socket if it is still the one bound here. */
  remove(): void;
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Whether somebody accepts connections at `path`. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

async function refuseOccupied(path: string): Promise<void> {
  const there = statOf(path);
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `${path} exists and is no socket; remove it or choose another path`,
    );
  }
  if (await answers(path)) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `another daemon answers on ${path}; stop it or choose another socket`,
    );
  }
}

/**
 * Has `listen` bind a temporary name beside `path`, sets `mode` and puts it in place.
 * FAILED_PRECONDITION when another daemon answers there; INVALID_ARGUMENT when the path is too long.
 */
export async function bindSocket(
  path: string,
  mode: number,
  listen: (temporary: string) => Promise<void>,
): Promise<BoundSocket> {
  const temporary = `${path}.${process.pid}`;
  if (Buffer.byteLength(temporary) > pathBytesMax) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `socket path ${path} is too long: ${pathBytesMax - String(process.pid).length - 1} bytes at most`,
    );
  }
  await refuseOccupied(path);
  if (statOf(temporary)?.isSocket() === true) unlinkSync(temporary);
  await listen(temporary);
  chmodSync(temporary, mode);
  const { ino } = lstatSync(temporary);
  renameSync(temporary, path);
  return {
    remove() {
      if (statOf(path)?.ino === ino) unlinkSync(path);
    },
  };
}
