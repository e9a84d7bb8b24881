/**
 * The end of a private daemon whose starter is gone, killed perhaps: nobody would ever take down what it
 * left. The kernel closes the starter's end of a pipe however it dies; that pipe is our standard input.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import type { Settings } from "./config/config-keys.ts";
import { ProgramError } from "./program-error.ts";

/** ProgramError, exit code 2, unless everything the daemon keeps lies in `directory`, which is to be removed. */
export function checkPrivate(directory: string, settings: Settings): void {
  if (!/^\/[^/]+\/./.test(directory) || directory.split("/").includes("..")) {
    throw new ProgramError(`--private ${directory}: must be an absolute path below a directory`, 2);
  }
  const { root, state, netnsDirectory } = settings;
  for (const path of [root, state, netnsDirectory]) {
    if (path.startsWith(`${directory}/`) && !path.split("/").includes("..")) continue;
    throw new ProgramError(`--private ${directory}: ${path} does not lie in it`, 2);
  }
}

/** Calls `gone` once, when standard input has come to its end. */
export function whenStarterIsGone(gone: () => void): void {
  let told = false;
  const tell = () => {
    if (!told) gone();
    told = true;
  };
  for (const event of ["end", "close", "error"]) process.stdin.once(event, tell);
  process.stdin.resume();
}

/**
 * Removes the directory of a private daemon, and its bridge, which outlives its last pod because
 * making one takes longer than the rest of a pod's network.
 */
export function removePrivateFiles(directory: string, bridge: string): void {
  if (existsSync(`/sys/class/net/${bridge}`)) spawnSync("ip", ["link", "delete", bridge]);
  rmSync(directory, { recursive: true, force: true });
}
