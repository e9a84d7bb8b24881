/** The simulated kernel as a place for contract cases: needs no root and no Linux. */
import { setImmediate as turn } from "node:timers/promises";
import { Simulation } from "../../apps/runtime/src/kernel/sim/world/simulation.ts";
import type { ContractPlace } from "./contract-bed.ts";

export interface SimulatedPlaceOptions {
  readonly seed?: number;
}

/** A machine that has just booted, with hierarchies of cgroup v1 as the real one of the suite has. */
export function simulatedPlace(options: SimulatedPlaceOptions = {}): ContractPlace {
  const simulation = new Simulation({
    seed: options.seed ?? 1,
    cgroups: "v1-hybrid",
    host: { turn: () => turn() },
    // A case that waits for longer waits for ever.
    driveLimitMs: 600_000,
  });
  const world = simulation.startDaemon();
  return {
    name: "simulated",
    kernel: world.kernel,
    directory: "/tmp/vt-contract-1",
    probe: "/usr/libexec/vitrine/vitrine-probe",
    busybox: "/bin/busybox",
    libraries: [],
    cniPlugin: "/opt/cni/bin/vitrine-bridge",
    drive: (work) => simulation.drive(work),
    sleep: (ms) => world.clock.sleep(ms),
    close: async () => simulation.crashDaemon(),
  };
}
