/**
 * A machine that has booted: host root with the usual directories, mounts as a distribution makes them,
 * cgroup hierarchies, pid 1, loopback and uplink. Each area adds its part in a function of its own.
 */
import { MS_NODEV, MS_NOSUID } from "./abi.ts";
import { adoptProcess, bootCgroups } from "./cgroup/boot-cgroups.ts";
import {
  mountPseudoFileSystems,
  registerPseudoFileSystems,
} from "./fs/boot-pseudo-file-systems.ts";
import { Machine, type MachineOptions } from "./machine.ts";
import { bootNetwork } from "./net/boot-network.ts";
import { bootProcesses } from "./process/boot-processes.ts";
import type { Process } from "./process/process.ts";
import { bootPrograms } from "./program/boot-programs.ts";
import { mount } from "./syscall/mount.ts";
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

/** What is in memory on every host and vanishes with a reboot. */
function mountTemporary(init: Process): void {
  const flags = MS_NOSUID | MS_NODEV;
  mount(init, "tmpfs", "/run", "tmpfs", flags, "mode=755");
  mount(init, "tmpfs", "/tmp", "tmpfs", flags, "mode=1777");
}

/** Boots a machine. The same options make the same machine, byte for byte. */
export function boot(options: BootOptions): Machine {
  const machine = new Machine({ ...defaults, ...options });
  registerStoredFileSystems(machine);
  registerPseudoFileSystems(machine);
  bootCgroups(machine, options.cgroups ?? "v2");
  const disk = hostFileSystem(machine);
  const root = new Mount(machine.nextMount(), disk.root, 0);
  const init = bootProcesses(machine, root);
  adoptProcess(init);
  mountPseudoFileSystems(init);
  mountTemporary(init);
  bootNetwork(machine);
  bootPrograms(machine);
  return machine;
}
