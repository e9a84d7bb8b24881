/**
 * One execution of a CNI plugin (CNI specification 1.1): parameters from the environment, configuration from
 * stdin, result or error object on stdout. What the plugins of the containernetworking project share ("skel").
 */
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { read, write } from "../syscall/file.ts";
import type { Coroutine } from "../task.ts";
import { errnoMessage } from "./errno-message.ts";
import { bytesOf, joinBytes, textOf } from "./file-text.ts";
import type { Program } from "./program.ts";

/** Codes of the specification, section 5. */
export const cniCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfig: 7,
  tryLater: 11,
  notAvailable: 50,
  /** "Internal": whatever the containernetworking plugins have no code for. */
  internal: 999,
} as const;

/** Ends a plugin with an error object. */
export class CniError {
  readonly code: number;
  readonly msg: string;
  readonly details: string;

  constructor(code: number, msg: string, details = "") {
    this.code = code;
    this.msg = msg;
    this.details = details;
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface CniCall {
  readonly self: Process;
  readonly command: string;
  readonly containerId: string;
  readonly netns: string;
  readonly ifName: string;
  readonly args: string;
  /** CNI_PATH. */
  readonly path: readonly string[];
  readonly config: JsonObject;
  /** Text of stdin, for plugins that this one calls. */
  readonly input: string;
  readonly name: string;
  readonly version: string;
}

/** Returns the object to print, or nothing; a plain function when it never waits. */
export type PluginCommand = (
  call: CniCall,
  // biome-ignore lint/suspicious/noConfusingVoidType: a command that prints nothing returns nothing
) => Coroutine<JsonObject | void> | JsonObject | void;

/** Commands of a plugin; ADD returns the result to print. */
export interface PluginCommands {
  readonly add: PluginCommand;
  readonly del: PluginCommand;
  readonly check: PluginCommand;
  readonly status?: PluginCommand;
  readonly gc?: PluginCommand;
}

export const cniVersions: readonly string[] = [
  "0.1.0",
  "0.2.0",
  "0.3.0",
  "0.3.1",
  "0.4.0",
  "1.0.0",
  "1.1.0",
];

/** Whether `version` is `other` or newer; both are among `cniVersions`. */
export function isAtLeast(version: string, other: string): boolean {
  return cniVersions.indexOf(version) >= cniVersions.indexOf(other);
}

export function environmentOf(self: Process, name: string): string {
  const prefix = `${name}=`;
  return self.env.find((entry) => entry.startsWith(prefix))?.slice(prefix.length) ?? "";
}

/** All of stdin. */
export function* readInput(self: Process): Coroutine<string> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = yield* read(self, 0, 65_536);
    if (chunk.length === 0) return textOf(joinBytes(chunks));
    chunks.push(chunk);
  }
}

export function* print(self: Process, fd: number, text: string): Coroutine<void> {
  if (text !== "") yield* write(self, fd, bytesOf(text));
}

const required: Readonly<Record<string, readonly string[]>> = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"],
  STATUS: ["CNI_PATH"],
  GC: ["CNI_PATH"],
};

function checkEnvironment(self: Process, command: string): void {
  const missing = (required[command] ?? []).filter((name) => environmentOf(self, name) === "");
  if (missing.length === 0) return;
  const what = `required env variables [${missing.join(",")}] missing`;
  throw new CniError(cniCode.invalidEnvironment, what);
}

function parseConfig(input: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    const why = input.trim() === "" ? "unexpected end of JSON input" : "it is no JSON";
    throw new CniError(cniCode.decodingFailure, `error unmarshall network config: ${why}`);
  }
  if (isObject(value)) return value;
  throw new CniError(cniCode.decodingFailure, "error unmarshall network config: it is no object");
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const interfaceNameMax = 15;

function nameOf(config: JsonObject): string {
  const name = config["name"];
  if (typeof name !== "string" || name === "") {
    throw new CniError(cniCode.invalidConfig, "missing network name");
  }
  if (namePattern.test(name)) return name;
  throw new CniError(cniCode.invalidConfig, "invalid characters found in network name", name);
}

function checkAttachment(containerId: string, ifName: string): void {
  const wrong = (msg: string, details: string) =>
    new CniError(cniCode.invalidEnvironment, msg, details);
  if (!namePattern.test(containerId)) throw wrong("invalid characters in containerID", containerId);
  if (ifName.length > interfaceNameMax) {
    throw wrong("interface name is too long", "interface name should be less than 16 characters");
  }
  if (ifName === "." || ifName === "..") throw wrong("interface name is . or ..", "");
  if (/[/:\s]/.test(ifName)) {
    throw wrong("interface name contains / or : or whitespace characters", ifName);
  }
}

function versionOf(config: JsonObject): string {
  const version = config["cniVersion"] ?? "0.1.0";
  if (typeof version === "string" && cniVersions.includes(version)) return version;
  const known = cniVersions.map((one) => JSON.stringify(one)).join(" ");
  const details = `config is ${JSON.stringify(version)}, plugin supports [${known}]`;
  throw new CniError(cniCode.incompatibleVersion, "incompatible CNI versions", details);
}

function readCall(self: Process, command: string, input: string): CniCall {
  const containerId = environmentOf(self, "CNI_CONTAINERID");
  const ifName = environmentOf(self, "CNI_IFNAME");
  const config = parseConfig(input);
  const name = nameOf(config);
  if (command !== "STATUS" && command !== "GC") checkAttachment(containerId, ifName);
  return {
    self,
    command,
    containerId,
    netns: environmentOf(self, "CNI_NETNS"),
    ifName,
    args: environmentOf(self, "CNI_ARGS"),
    path: environmentOf(self, "CNI_PATH").split(":"),
    config,
    input,
    name,
    version: versionOf(config),
  };
}

function needVersion(call: CniCall, version: string): void {
  if (isAtLeast(call.version, version)) return;
  const what = `config version does not allow ${call.command}`;
  throw new CniError(cniCode.incompatibleVersion, what);
}

function commandOf({ command }: CniCall, commands: PluginCommands): PluginCommand | undefined {
  switch (command) {
    case "ADD":
      return commands.add;
    case "DEL":
      return commands.del;
    case "CHECK":
      return commands.check;
    case "STATUS":
      return commands.status;
    case "GC":
      return commands.gc;
    default:
      throw new CniError(cniCode.invalidEnvironment, `unknown CNI_COMMAND: ${command}`);
  }
}

const since: Readonly<Record<string, string>> = { CHECK: "0.4.0", STATUS: "1.1.0", GC: "1.1.0" };

function isCoroutine(value: unknown): value is Coroutine<JsonObject | undefined> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** What there is to print; undefined for nothing. */
function* run(call: CniCall, commands: PluginCommands): Coroutine<JsonObject | undefined> {
  const work = commandOf(call, commands);
  needVersion(call, since[call.command] ?? "0.1.0");
  const result = work?.(call);
  if (isCoroutine(result)) return yield* result;
  return (result as JsonObject | undefined) ?? undefined;
}

function pretty(value: JsonObject): string {
  return JSON.stringify(value, undefined, 4);
}

/** The error object of what was thrown; what is neither an error nor a refusal goes on. */
export function errorObject(thrown: unknown, version: string): JsonObject {
  const error = isRefusal(thrown)
    ? new CniError(cniCode.internal, errnoMessage(thrown).toLowerCase())
    : thrown;
  if (!(error instanceof CniError)) throw thrown;
  const { code, msg, details } = error;
  return { cniVersion: version, code, msg, ...(details === "" ? {} : { details }) };
}

/** A plugin as the containernetworking project writes them. */
export function cniPlugin(name: string, commands: PluginCommands): Program {
  return function* (self: Process): Coroutine<number> {
    const command = environmentOf(self, "CNI_COMMAND");
    if (command === "") {
      const versions = cniVersions.join(", ");
      yield* print(
        self,
        2,
        `CNI ${name} plugin (simulated)\nCNI protocol versions supported: ${versions}\n`,
      );
      return 0;
    }
    let version = "1.0.0";
    try {
      checkEnvironment(self, command);
      const input = yield* readInput(self);
      if (command === "VERSION") {
        yield* print(
          self,
          1,
          JSON.stringify({ cniVersion: "1.1.0", supportedVersions: cniVersions }),
        );
        return 0;
      }
      const call = readCall(self, command, input);
      version = call.version;
      const result = yield* run(call, commands);
      if (result !== undefined) yield* print(self, 1, pretty(result));
      return 0;
    } catch (thrown) {
      yield* print(self, 1, pretty(errorObject(thrown, version)));
      return 1;
    }
  };
}
