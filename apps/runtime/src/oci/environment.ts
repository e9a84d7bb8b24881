/**
 * The command line, environment and working directory of a container: the image's defaults, changed
 * by the CRI config (image-spec config.md; Kubernetes: command replaces Entrypoint, args replace Cmd).
 */
import type { KeyValue } from "../api/index.ts";
import { RuntimeError } from "../kernel/index.ts";
import type { ImageConfig } from "./image-config.ts";

/** PATH_MAX without the NUL at the end. */
const pathMax = 4095;
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The argv of the container. A given command drops both Entrypoint and Cmd of the image; given args
 * alone drop only Cmd. INVALID_ARGUMENT when nothing is left to run.
 */
export function resolveArgs(
  config: { readonly command: readonly string[]; readonly args: readonly string[] },
  image: ImageConfig,
): readonly string[] {
  const entrypoint = config.command.length > 0 ? config.command : (image.Entrypoint ?? []);
  const useCmd = config.command.length === 0 && config.args.length === 0;
  const args = [...entrypoint, ...(useCmd ? (image.Cmd ?? []) : config.args)];
  if (args.length === 0 || args[0] === "") {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      "no command: neither the config nor the image has one",
    );
  }
  for (const argument of args) checkText(argument, "argument");
  return args;
}

export interface EnvironmentRequest {
  readonly image: ImageConfig;
  readonly envs: readonly KeyValue[];
  readonly hostname: string | undefined;
  readonly home: string;
  readonly tty: boolean;
}

/** NAME=value strings, each name once, later sources winning: defaults, image, HOSTNAME, config. */
export function resolveEnvironment(request: EnvironmentRequest): readonly string[] {
  const values = new Map<string, string>([["PATH", defaultPath]]);
  if (request.tty) values.set("TERM", "xterm");
  for (const entry of request.image.Env ?? []) {
    const equals = entry.indexOf("=");
    const name = equals < 0 ? entry : entry.slice(0, equals);
    setVariable(values, name, equals < 0 ? "" : entry.slice(equals + 1));
  }
  if (request.hostname !== undefined) values.set("HOSTNAME", request.hostname);
  for (const { key, value } of request.envs) setVariable(values, key, decode(key, value));
  if (!values.has("HOME")) values.set("HOME", homeOf(request.home));
  return [...values].map(([name, value]) => `${name}=${value}`);
}

/** The absolute working directory; the executor makes it when the image has not got it. */
export function resolveWorkingDir(fromConfig: string, image: ImageConfig): string {
  const cwd = fromConfig || image.WorkingDir || "/";
  checkText(cwd, "working directory");
  if (cwd.length > pathMax) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `working directory is longer than ${pathMax} characters: ${cwd.slice(0, 80)}...`,
    );
  }
  if (!cwd.startsWith("/")) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `working directory ${JSON.stringify(cwd)} is not an absolute path`,
    );
  }
  return cwd;
}

function setVariable(values: Map<string, string>, name: string, value: string): void {
  if (name === "" || name.includes("=") || name.includes("\0")) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(name)} is no name for an environment variable`,
    );
  }
  checkText(value, `value of environment variable ${name}`);
  values.set(name, value);
}

/** The home directory comes from the image's /etc/passwd, so it may be anything but a line break or a NUL. */
function homeOf(home: string): string {
  return /[\0\n]/.test(home) ? "/" : home;
}

function decode(name: string, value: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch (error) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `the value of environment variable ${name} is not UTF-8`,
      { cause: error },
    );
  }
}

function checkText(text: string, what: string): void {
  if (text.includes("\0")) throw new RuntimeError("INVALID_ARGUMENT", `${what} contains a NUL`);
}
