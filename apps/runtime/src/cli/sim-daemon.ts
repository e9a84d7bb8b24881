/**
 * `vitrined --kernel=sim`: the same engine and the same CRI socket, over a simulated machine. Needs no Linux and
 * no root; only the sockets are real, everything else is in memory and gone with the process.
 */
import type { CallLog, CallSurroundings } from "../cri/handle.ts";
import { startServer } from "../cri/server.ts";
import type { Runtime } from "../cri/service/runtime.ts";
import { bindSocket } from "../cri/socket.ts";
import { Engine } from "../engine/engine.ts";
import { defaultEngineOptions } from "../engine/engine-options.ts";
import { Simulation } from "../kernel/sim/index.ts";
import { simulatedNetwork } from "../simulation/stage.ts";
import { startTelemetry } from "../telemetry/telemetry.ts";
import { resourceAttribute } from "../trace/attribute.ts";
import type { Context } from "../trace/tracer.ts";
import type { Settings } from "./config/config-keys.ts";
import type { Logger } from "./logger.ts";
import { LiveHost } from "./simulation-host.ts";
import { programVersion } from "./version.ts";

const callsGraceMs = 5000;
const telemetryGraceMs = 2000;

export interface SimDaemon {
  flushNow(): void;
  close(): Promise<void>;
}

/** Wakes the machine at every call: while nobody asks, it sleeps. */
function waking(engine: Engine, host: LiveHost): Runtime {
  return new Proxy({} as Runtime, {
    get: (_target, name: keyof Runtime) => (context: Context, request: never) => {
      const answer = engine[name](context, request);
      host.poke();
      return answer;
    },
  });
}

/** Boots a machine from `seed` and serves CRI for it on the settings' socket, traces on the settings' trace socket. */
export async function startSimDaemon(
  settings: Settings,
  seed: number,
  log: Logger & CallLog,
): Promise<SimDaemon> {
  const host = new LiveHost();
  const simulation = new Simulation({ seed, host });
  const world = simulation.startDaemon();
  const { release, architecture, hostname } = world.kernel.facts;
  const telemetry = await startTelemetry({
    enabled: settings.tracingEnabled,
    pollRatio: settings.pollRatio,
    ringEvents: settings.ringEvents,
    recordPath: settings.recordPath || undefined,
    version: programVersion(),
    mode: "sim",
    kernelRelease: release,
    architecture,
    hostname,
    nowNs: () => simulation.machine.unixNs(),
    env: process.env,
    warn: (message) => log.warn(message),
    resource: { [resourceAttribute.seed]: seed },
  });
  const traceSocket = await bindSocket(settings.traceAddress, 0o660, (temporary) => {
    const { server } = telemetry.traceServer;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(temporary, () => resolve());
    });
  });
  const engine = new Engine(world, {
    ...defaultEngineOptions,
    network: simulatedNetwork,
    runtimeVersion: programVersion(),
  });
  const context: Context = { tracer: telemetry.tracer, span: undefined, signal: undefined };
  await simulation.drive(engine.start(context));
  let ended = () => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const driving = simulation.drive(end);
  let ending = false;
  const around: CallSurroundings = {
    runtime: waking(engine, host),
    tracer: telemetry.tracer,
    log,
    notReady: () => (ending ? "the runtime is shutting down" : undefined),
  };
  const server = await startServer(settings.address, around);
  return {
    flushNow: () => telemetry.flushNow(),
    async close() {
      ending = true;
      await server.close(callsGraceMs);
      ended();
      host.poke();
      await driving;
      traceSocket.remove();
      await telemetry.close(telemetryGraceMs);
    },
  };
}
