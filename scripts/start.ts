/**
 * `npm start`: builds what is missing, starts a daemon of its own and the page, runs the demo pod through
 * the CRI socket, and keeps running. Ctrl-C removes every trace of it.
 */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runDemoPod } from "../apps/runtime/src/cli/demo-pod.ts";
import { type PrivateDaemon, startPrivateDaemon } from "../apps/runtime/src/cli/private-daemon.ts";
import { ProgramError, runProgram } from "../apps/runtime/src/cli/program-error.ts";
import { oneTraceContext } from "../apps/runtime/src/cli/silent-context.ts";
import { dashboardId } from "../apps/web/server/drop-privileges.ts";
import { type Dashboard, startDashboard } from "./dashboard-process.ts";
import { buildNative, buildWeb, missingForContainers } from "./prepare.ts";

const help = `npm start -- [options]     a container runtime you can see through, in your browser

  --port N     port of the page on 127.0.0.1 (default: any free one)
  --no-demo    start the daemon and the page, and run no pod
  --simulated  no daemon: the page runs the same runtime on a model of the kernel, in the browser
  --help

Needs Linux and root for containers; without them it is simulated, and says so.
`;

interface StartOptions {
  readonly port: number;
  readonly demo: boolean;
  readonly simulated: boolean;
}

function readOptions(): StartOptions | undefined {
  let values: { port?: string; "no-demo"?: boolean; simulated?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: {
        port: { type: "string" },
        "no-demo": { type: "boolean" },
        simulated: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ProgramError(`${why}\nnpm start -- --help lists the options`, 2);
  }
  if (values.help === true) {
    process.stdout.write(help);
    return undefined;
  }
  const text = values.port ?? "0";
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new ProgramError(`--port ${text}: must be a number from 0 to 65535`, 2);
  }
  return { port, demo: values["no-demo"] !== true, simulated: values.simulated === true };
}

const impatientMs = 1000;
const say = (sentence: string) => console.log(`  ${sentence}`);

/** What runs, ended in reverse; a second Ctrl-C does not wait. */
class Running {
  readonly #stops: (() => Promise<void>)[] = [];
  #endingSince: number | undefined;

  get ending(): boolean {
    return this.#endingSince !== undefined;
  }

  add(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  /** Ctrl-C arrives twice, from the terminal and from npm; only one pressed again means "do not wait". */
  async end(code: number): Promise<void> {
    if (this.#endingSince !== undefined) {
      if (performance.now() - this.#endingSince > impatientMs) process.exit(1);
      return;
    }
    this.#endingSince = performance.now();
    console.log("\ntaking everything down ...");
    let complete = true;
    for (const stop of this.#stops.reverse()) {
      try {
        await stop();
      } catch (error) {
        complete = false;
        console.error(error instanceof Error ? error.message : error);
      }
    }
    console.log(complete ? "gone, without a trace" : "not everything could be taken down");
    process.exit(complete ? code : 1);
  }
}

const parentPollMs = 500;

/** Ends in order when bootstrap.mjs is gone, killed perhaps: then nobody is left who would press Ctrl-C. */
function endWithBootstrap(running: Running): void {
  const bootstrap = Number(process.env["VITRINE_BOOTSTRAP_PID"]);
  if (process.ppid !== bootstrap) return;
  const poll = setInterval(() => {
    if (process.ppid === bootstrap) return;
    clearInterval(poll);
    void running.end(1);
  }, parentPollMs);
}

async function runPod(daemon: PrivateDaemon): Promise<void> {
  console.log("running a pod of two containers through the CRI socket:");
  await runDemoPod(daemon.client, oneTraceContext(), {
    name: "demo",
    uid: "demo-1",
    logDirectory: join(daemon.directory, "logs"),
    fetches: 0,
    say,
  });
  say("one container serves HTTP on the pod's address, the other asks it once a second");
}

async function startReal(options: StartOptions, running: Running): Promise<Dashboard> {
  const daemon = await startPrivateDaemon({ traceGid: dashboardId });
  running.add(() => daemon.stop());
  // The page's unprivileged user must reach the trace socket inside; the root directory stays closed to it.
  chmodSync(daemon.directory, 0o711);
  say(`vitrined serves CRI on unix://${daemon.socket}`);
  const dashboard = await startDashboard({ port: options.port, traceSocket: daemon.traceSocket });
  running.add(() => dashboard.stop());
  console.log(`dashboard  ${dashboard.url}`);
  if (options.demo) await runPod(daemon);
  daemon.process.once("exit", (code) => {
    if (running.ending) return;
    console.error(`the daemon ended with ${code}:\n${daemon.log()}`);
    void running.end(1);
  });
  return dashboard;
}

async function startSimulated(
  options: StartOptions,
  running: Running,
  missing: readonly string[],
): Promise<Dashboard> {
  for (const sentence of missing) say(sentence);
  say("SIMULATED: the page runs the same runtime on a model of the kernel, in the browser alone.");
  const dashboard = await startDashboard({ port: options.port, simulated: true });
  running.add(() => dashboard.stop());
  console.log(`dashboard  ${dashboard.url}`);
  return dashboard;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return;
  const missing = options.simulated ? [] : missingForContainers();
  const real = !options.simulated && missing.length === 0;
  if (real) buildNative();
  buildWeb();
  const running = new Running();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void running.end(0));
  }
  endWithBootstrap(running);
  try {
    if (real) await startReal(options, running);
    else await startSimulated(options, running, missing);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    await running.end(1);
  }
  console.log("Ctrl-C takes everything down.");
}

await runProgram("npm start", main);
