/**
 * `npm run demo`: a daemon of its own, the demo pod through the CRI socket, the sequence of every call as
 * text while it happens, and nothing left behind.
 *
 *   node demo.ts [--level N] [--record FILE]
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { PodClient } from "../actors/pod-client.ts";
import { messageOf } from "../kernel/errors.ts";
import { linuxClock } from "../kernel/linux/clock.ts";
import { readTrace } from "../telemetry/trace-reader.ts";
import type { Level } from "../trace/catalogue.ts";
import { runDemoPod, waitForFetches } from "./demo-pod.ts";
import { LiveText } from "./live-text.ts";
import { checkMachine } from "./machine.ts";
import { optionError } from "./option-error.ts";
import { type PrivateDaemon, startPrivateDaemon } from "./private-daemon.ts";
import { ProgramError, runProgram } from "./program-error.ts";
import { oneTraceContext } from "./silent-context.ts";

const widthDefault = 120;
const fetchTimeoutMs = 30_000;
/** The stream gathers events for 10 ms; after this long quiet there is nothing more to draw. */
const quietMs = 150;

export interface DemoOptions {
  readonly level: Level;
  readonly recordPath?: string;
  readonly print: (line: string) => void;
}

/** Draws the calls while `work` runs and until the stream is quiet. */
async function drawing(
  daemon: PrivateDaemon,
  options: DemoOptions,
  work: () => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const text = new LiveText({
    level: options.level,
    width: process.stdout.columns ?? widthDefault,
    colour: process.stdout.isTTY === true,
    shows: () => true,
    print: options.print,
  });
  let last = performance.now();
  const reading = (async () => {
    for await (const message of readTrace({
      path: daemon.traceSocket,
      signal: controller.signal,
    })) {
      text.take(message);
      last = performance.now();
    }
  })();
  try {
    await work();
    while (performance.now() - last < quietMs) await linuxClock().sleep(quietMs);
  } finally {
    controller.abort();
    await reading;
  }
}

async function runOnce(daemon: PrivateDaemon, print: (line: string) => void): Promise<void> {
  const { client } = daemon;
  const context = oneTraceContext();
  const say = (sentence: string) => print(`* ${sentence}`);
  const logDirectory = join(daemon.directory, "logs");
  const pod = await runDemoPod(client, context, {
    name: "demo",
    uid: "demo-1",
    logDirectory,
    fetches: 1,
    say,
  });
  const status = await waitForFetches(client, context, pod, fetchTimeoutMs);
  const lines = readFileSync(status.logPath, "utf8").trimEnd().split("\n");
  for (const line of lines) say(`fetch wrote: ${line.split(" ").slice(3).join(" ")}`);
  if (status.exitCode !== 0)
    throw new ProgramError(
      `the fetching container ended with ${status.exitCode}: ${status.message}`,
    );
  say("the fetching container has ended; now the pod is taken down");
  const pods = new PodClient(client, linuxClock());
  await pods.stopPod(context, pod.sandboxId, 2);
  await pods.removePod(context, pod.sandboxId);
}

/** The whole demo; rejects with what went wrong, and leaves nothing either way. */
export async function runDemo(options: DemoOptions): Promise<void> {
  checkMachine(process.platform, process.getuid?.());
  const { recordPath } = options;
  const daemon = await startPrivateDaemon(recordPath === undefined ? {} : { recordPath });
  const interrupted = () => void daemon.stop().finally(() => process.exit(130));
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  const failures: string[] = [];
  const note = (error: unknown) => void failures.push(messageOf(error));
  await drawing(daemon, options, () => runOnce(daemon, options.print)).catch(note);
  if (failures.length > 0) failures.push(`the daemon's log:\n${daemon.log()}`);
  await daemon.stop().catch(note);
  process.removeListener("SIGINT", interrupted);
  process.removeListener("SIGTERM", interrupted);
  if (failures.length > 0) throw new ProgramError(failures.join("\n"));
}

/** The command line of the demo. */
export async function demoMain(argv: readonly string[]): Promise<void> {
  const options = {
    level: { type: "string" },
    record: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  let values: { level?: string; record?: string; help?: boolean };
  try {
    ({ values } = parseArgs({ args: [...argv], options }));
  } catch (error) {
    throw optionError(
      error,
      argv,
      Object.keys(options),
      "usage: npm run demo -- [--level N] [--record FILE]",
    );
  }
  if (values.help === true) {
    process.stdout.write(
      "npm run demo -- [--level N] [--record FILE]\n\n  --level N      1 calls, 2 steps (default), 3 system calls\n  --record FILE  append the spans to FILE, as OTLP JSON Lines\n",
    );
    return;
  }
  const level = Number(values.level ?? 2);
  if (![1, 2, 3].includes(level))
    throw new ProgramError(`--level ${values.level}: must be 1, 2 or 3`, 2);
  await runDemo({
    level: level as Level,
    ...(values.record === undefined ? {} : { recordPath: resolve(values.record) }),
    print: (line) => process.stdout.write(`${line}\n`),
  });
}

if (import.meta.main) await runProgram("demo", () => demoMain(process.argv.slice(2)));
