/** The simulated kernel as the rest of the runtime uses it. */
export { AT_FDCWD, SIGKILL } from "./abi.ts";
export { type BootOptions, boot, type CgroupLayout } from "./boot.ts";
export { type DrawOptions, drawFaults } from "./fault/draw-faults.ts";
export type { Fault } from "./fault/fault.ts";
export { faultText, parseFault } from "./fault/grammar.ts";
export { type KernelEvent, Machine } from "./machine.ts";
export { runHostPlan, startOci } from "./plan/run-plan.ts";
export type { Process } from "./process/process.ts";
export { spawnProcess } from "./process/spawn.ts";
export { isRefusal, Refusal } from "./refusal.ts";
export { type SupportRow, supportTable } from "./support.ts";
export { seccomp, setNoNewPrivs } from "./syscall/credential.ts";
export { close, lseek, openat2, renameat, statat, writeNow } from "./syscall/file.ts";
export { deliverSignal, exitProcess } from "./syscall/process.ts";
export { fromHostId, toHostId, type UserNamespace } from "./user/user-namespace.ts";
export { type CowDriver, CowPool, cowGeometry } from "./vfs/cow-file-system.ts";
export type { Mount, PathPoint } from "./vfs/mount.ts";
export { OverlayFileSystem } from "./vfs/overlay.ts";
export { putFile } from "./vfs/put-file.ts";
export { DaemonCrash } from "./world/daemon-life.ts";
export type { SimulationHost } from "./world/host.ts";
export { durationNs, opNames } from "./world/op-durations.ts";
export {
  difference,
  type Residue,
  residueBetween,
  type Snapshot,
  snapshot,
} from "./world/residue.ts";
export { Simulation, type SimulationOptions } from "./world/simulation.ts";
