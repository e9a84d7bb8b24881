/**
 * The daemon: everything put together, in the order in which it is needed, and taken apart in the opposite
 * one. Ending it ends no container.
 */
import { chownSync } from "node:fs";
import { arch, hostname, release } from "node:os";
import type { CallSurroundings } from "../cri/handle.ts";
import { type CriServer, startServer } from "../cri/server.ts";
import { type BoundSocket, bindSocket } from "../cri/socket.ts";
import { Engine } from "../engine/engine.ts";
import { linuxClock } from "../kernel/linux/clock.ts";
import type { Clock } from "../kernel/world.ts";
import { silentTracer } from "../telemetry/live-tracer.ts";
import { startTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import type { Context } from "../trace/tracer.ts";
import type { Settings } from "./config/config-keys.ts";
import { type DaemonLock, lockDirectory } from "./daemon-lock.ts";
import { makeDirectories } from "./directories.ts";
import { engineOptions } from "./engine-settings.ts";
import type { Logger } from "./logger.ts";
import { programVersion } from "./version.ts";
import { nativeDirectory, openWorld, type RealWorld } from "./world.ts";

/** How long calls that run may take to end when the daemon shall, and how long telemetry may flush. */
const callsGraceMs = 5000;
const telemetryGraceMs = 2000;

export interface Daemon {
  /** Stops and removes every pod. Rejects with what is in the way; the other pods are gone all the same. */
  removePods(): Promise<void>;
  /** Saves the last spans of a process about to die. */
  flushNow(): void;
  close(): Promise<void>;
}

function openTelemetry(settings: Settings, clock: Clock, log: Logger): Promise<Telemetry> {
  return startTelemetry({
    enabled: settings.tracingEnabled,
    pollRatio: settings.pollRatio,
    ringEvents: settings.ringEvents,
    recordPath: settings.recordPath || undefined,
    version: programVersion(),
    mode: "real",
    kernelRelease: release(),
    architecture: arch() === "x64" ? "amd64" : arch(),
    hostname: hostname(),
    nowNs: clock.nowNs,
    env: process.env,
    warn: (message) => log.warn(message),
  });
}

/** The trace socket: root's alone, unless a group was named. */
function openTraceSocket(settings: Settings, telemetry: Telemetry): Promise<BoundSocket> {
  const { traceAddress, traceGid } = settings;
  return bindSocket(traceAddress, traceGid === 0 ? 0o600 : 0o660, (temporary) => {
    const { server } = telemetry.traceServer;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(temporary, () => {
        chownSync(temporary, 0, traceGid);
        resolve();
      });
    });
  });
}

function logProblems(log: Logger, opened: RealWorld): void {
  for (const problem of opened.records.quarantined) log.warn({ problem }, "records were set aside");
}

/** What has been opened so far, closed in reverse when a start fails half-way or the daemon ends. */
class Undoing {
  readonly #undo: (() => void | Promise<void>)[] = [];

  add(undo: () => void | Promise<void>): void {
    this.#undo.push(undo);
  }

  async run(log: Logger): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        log.error(error, "while ending");
      }
    }
  }
}

async function removePods(engine: Engine, context: Context): Promise<void> {
  const { items } = await engine.listPodSandbox(context, {});
  const removals = items.map(({ id }) => engine.removePodSandbox(context, { podSandboxId: id }));
  const failed = (await Promise.allSettled(removals)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

type Started = Pick<Daemon, "removePods" | "flushNow">;

async function start(settings: Settings, log: Logger, undoing: Undoing): Promise<Started> {
  makeDirectories(settings);
  for (const directory of new Set([settings.root, settings.state])) {
    const lock: DaemonLock = lockDirectory(directory);
    undoing.add(() => lock.release());
  }
  const clock = linuxClock();
  const telemetry = await openTelemetry(settings, clock, log);
  undoing.add(() => telemetry.close(telemetryGraceMs));
  const traceSocket = await openTraceSocket(settings, telemetry);
  undoing.add(() => traceSocket.remove());
  const crashAt = process.env["VITRINE_CRASH_AT"];
  const options = engineOptions(settings, programVersion(), nativeDirectory(), crashAt);
  const opened = openWorld(settings, clock, options.crashPoint);
  undoing.add(() => opened.close());
  logProblems(log, opened);
  const engine = new Engine(opened.world, options);
  const context: Context = { tracer: telemetry.tracer, span: undefined, signal: undefined };
  // Ending is no call anybody made, so it leaves no spans.
  const silent: Context = { ...context, tracer: silentTracer };
  undoing.add(() => engine.close(silent));
  await engine.start(context);
  let ending = false;
  const around: CallSurroundings = {
    runtime: engine,
    tracer: telemetry.tracer,
    log,
    notReady: () => (ending ? "the runtime is shutting down" : undefined),
  };
  const server: CriServer = await startServer(settings.address, around);
  chownSync(settings.address, 0, settings.gid);
  undoing.add(() => {
    ending = true;
    return server.close(callsGraceMs);
  });
  return {
    removePods: () => removePods(engine, silent),
    flushNow: () => telemetry.flushNow(),
  };
}

/** Starts the daemon: finds again what an earlier one left, then serves. ProgramError when it cannot. */
export async function startDaemon(settings: Settings, log: Logger): Promise<Daemon> {
  const undoing = new Undoing();
  try {
    const started = await start(settings, log, undoing);
    return { ...started, close: () => undoing.run(log) };
  } catch (error) {
    await undoing.run(log);
    throw error;
  }
}
