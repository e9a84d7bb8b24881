/**
 * One execution of one CNI plugin (CNI specification 1.1, sections 2 and 4): parameters in the
 * environment, configuration on stdin, result or error as JSON on stdout.
 */
import { KernelError, RuntimeError } from "../../kernel/errors.ts";
import type { Kernel, Program, ProgramResult } from "../../kernel/kernel.ts";
import { traceparentOf } from "../../trace/trace-context.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { parseJson } from "./cni-config.ts";
import { addressesOf, type CniResult, checkResult } from "./cni-result.ts";

export type CniCommand = "ADD" | "DEL" | "CHECK" | "STATUS";

export interface PluginCall {
  readonly command: CniCommand;
  readonly type: string;
  readonly network: string;
  /** The attachment; a call of STATUS is about none. */
  readonly containerId?: string;
  readonly netns?: string;
  readonly ifName?: string;
  readonly args?: string;
  readonly binDirs: readonly string[];
  readonly timeoutMs: number;
  /** The execution configuration. */
  readonly config: object;
}

const stdoutBytesMax = 1 << 20;
const stderrBytesMax = 64 << 10;
/** As much of a plugin's own words as an error message repeats. */
const quoteMax = 400;

/** The plugin did not run, so it has done nothing and nothing of it is to be undone. */
export class PluginNotStarted extends RuntimeError {
  constructor(message: string, options?: ErrorOptions) {
    super("UNAVAILABLE", message, options);
  }
}

/** Path of a plugin's program. @throws PluginNotStarted when it is in none of the directories. */
export async function findPlugin(
  kernel: Kernel,
  type: string,
  binDirs: readonly string[],
): Promise<string> {
  for (const directory of binDirs) {
    const path = `${directory}/${type}`;
    const stat = await kernel.files.stat(path, true);
    if (stat?.type === "file" && (stat.mode & 0o111) !== 0) return path;
  }
  throw new PluginNotStarted(`CNI plugin ${type} is in none of ${binDirs.join(", ")}`);
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function environmentOf(context: Context, call: PluginCall): readonly string[] {
  const variables = {
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_IFNAME: call.ifName,
    CNI_ARGS: call.args,
    CNI_PATH: call.binDirs.join(":"),
    PATH: searchPath,
    TRACEPARENT: context.span === undefined ? undefined : traceparentOf(context.span),
  };
  return Object.entries(variables)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
}

/** The message and code of a CNI error object; undefined when the output is none. */
function pluginError(stdout: string): string | undefined {
  try {
    const value = parseJson(stdout) as { code?: unknown; msg?: unknown; details?: unknown };
    if (typeof value?.msg !== "string") return undefined;
    const details =
      typeof value.details === "string" && value.details !== "" ? `; ${value.details}` : "";
    const code = typeof value.code === "number" ? ` (code ${value.code})` : "";
    return `${value.msg}${details}${code}`;
  } catch {
    return undefined;
  }
}

/** On one line and without what a terminal would obey. */
function plain(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, " ")
    .replace(/\p{Cc}/gu, "?");
}

function failureOf(call: PluginCall, result: ProgramResult): RuntimeError {
  const what = `CNI ${call.command} by plugin ${call.type} of network ${call.network}`;
  if (result.timedOut) {
    return new RuntimeError("DEADLINE_EXCEEDED", `${what} did not end within ${call.timeoutMs} ms`);
  }
  const decoder = new TextDecoder();
  const stdout = decoder.decode(result.stdout);
  const said = plain(pluginError(stdout) ?? (decoder.decode(result.stderr) || stdout));
  const words = said === "" ? " and printed nothing" : `: ${said.slice(0, quoteMax)}`;
  return new RuntimeError(
    "UNAVAILABLE",
    `${what} failed with exit code ${result.exitCode}${words}`,
  );
}

function resultOf(call: PluginCall, result: ProgramResult): CniResult {
  const what = `CNI ${call.command} by plugin ${call.type} of network ${call.network}`;
  // What was cut may be its chatter on stderr only.
  if (result.truncated && result.stdout.length >= stdoutBytesMax) {
    throw new RuntimeError("UNAVAILABLE", `${what} printed more than ${stdoutBytesMax} bytes`);
  }
  const text = new TextDecoder().decode(result.stdout);
  if (text.trim() === "") {
    throw new RuntimeError("UNAVAILABLE", `${what} printed no result`);
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    const quote = JSON.stringify(text.slice(0, 80));
    throw new RuntimeError("UNAVAILABLE", `${what} printed no JSON but ${quote}`);
  }
  const checked = checkResult(value);
  if (typeof checked !== "string") return checked;
  throw new RuntimeError("UNAVAILABLE", `${what} printed ${checked}`);
}

/** Runs the program; that it cannot be started becomes the plugin's failure. */
async function execute(
  kernel: Kernel,
  context: Context,
  call: PluginCall,
  program: Program,
): Promise<ProgramResult> {
  try {
    return await kernel.exec(context, program);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new PluginNotStarted(`CNI plugin ${call.type} cannot be started: ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Executes the plugin; ADD resolves with its result, the others with undefined.
 * @throws RuntimeError UNAVAILABLE with the plugin's own words, DEADLINE_EXCEEDED on timeout, PluginNotStarted.
 */
export function callPlugin(
  kernel: Kernel,
  context: Context,
  call: PluginCall,
): Promise<CniResult | undefined> {
  const attributes = {
    "vitrine.cni.command": call.command,
    "vitrine.cni.plugin": call.type,
    "vitrine.cni.network": call.network,
    "vitrine.cni.ifname": call.ifName,
  };
  return step(context, "cni.plugin", attributes, async (stepContext, span) => {
    const path = await findPlugin(kernel, call.type, call.binDirs);
    const result = await execute(kernel, stepContext, call, {
      path,
      argv: [path],
      env: environmentOf(stepContext, call),
      stdin: new TextEncoder().encode(JSON.stringify(call.config)),
      stdoutBytesMax,
      stderrBytesMax,
      timeoutMs: call.timeoutMs,
    });
    span.set({
      "process.executable.path": path,
      "process.pid": result.pid,
      "process.exit.code": result.exitCode,
    });
    if (result.exitCode !== 0 || result.timedOut) throw failureOf(call, result);
    if (call.command !== "ADD") return undefined;
    const answer = resultOf(call, result);
    span.set({ "vitrine.cni.ips": addressesOf(answer, "cni") });
    return answer;
  });
}
