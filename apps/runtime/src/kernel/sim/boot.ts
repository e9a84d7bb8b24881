/**
 * A machine that has booted: host root with the usual directories, mounts as a distribution makes them,
 * cgroup hierarchies, pid 1, loopback and uplink. Each area adds its part in a function of its own.
 */
import { adoptProcess, bootCgroups } from "./cgroup/boot-cgroups.ts";
import {
  mountPseudoFileSystems,
  registerPseudoFileSystems,
} from "./fs/boot-pseudo-file-systems.ts";
import { Machine, type MachineOptions } from "./machine.ts";
import { bootProcesses } from "./process/boot-processes.ts";
import { hostFileSystem } from "./vfs/host-root.ts";
import { Mount } from "./vfs/mount.ts";
import { registerStoredFileSystems } from "./vfs/register-file-systems.ts";

export type CgroupLayout = "v1-hybrid" | "v2";

export interface BootOptions extends Partial<MachineOptions> {
  readonly seed: number;
  readonly cgroups?: CgroupLayout;
}

const defaults: MachineOptions = {
  seed: 0,
  hostname: "vitrine-sim",
  release: "6.18.0-vitrine-sim",
  cpuCount: 2,
  memoryTotalBytes: 4 * 1024 ** 3,
};

/** Boots a machine. The same options make the same machine, byte for byte. */
export function boot(options: BootOptions): Machine {
  const { seed, hostname, release, cpuCount, memoryTotalBytes } = { ...defaults, ...options };
  const machine = new Machine({ seed, hostname, release, cpuCount, memoryTotalBytes });
  registerStoredFileSystems(machine);
  registerPseudoFileSystems(machine);
  const disk = hostFileSystem(machine);
  const root = new Mount(machine.nextMount(), disk.root, 0);
  bootCgroups(machine, options.cgroups ?? "v1-hybrid");
  const init = bootProcesses(machine, root);
  adoptProcess(init);
  mountPseudoFileSystems(init);
  return machine;
}
