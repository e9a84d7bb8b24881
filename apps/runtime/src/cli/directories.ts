/** The daemon's own directories. */
import { chmodSync, existsSync, lstatSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Settings } from "./config/config-keys.ts";
import { ProgramError } from "./program-error.ts";

/** Root holds image contents and writable layers, so nobody else looks in; state is passed through to sockets. */
const rootMode = 0o700;
const stateMode = 0o711;

function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
    if (!lstatSync(path).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    chmodSync(path, mode);
  } catch (error) {
    throw new ProgramError(
      `cannot make the directory ${path}: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
}

/** Makes root and state with their modes, and where the sockets go if elsewhere; ProgramError when that cannot be. */
export function makeDirectories(settings: Settings): void {
  makeDirectory(settings.root, rootMode);
  makeDirectory(settings.state, stateMode);
  for (const socket of [settings.address, settings.traceAddress]) {
    const directory = dirname(socket);
    // One that exists may be anybody's (/run): its mode is not ours to change.
    if (!existsSync(directory)) makeDirectory(directory, stateMode);
  }
}
