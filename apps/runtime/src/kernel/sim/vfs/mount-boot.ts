/**
 * What a distribution mounts before anything else runs (systemd's mount-setup.c), in the order and with the propagation
 * of a small virtual machine: everything private. Cgroup hierarchies are bootCgroups's.
 */
import { AT_FDCWD } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { mkdirat, mknodat, symlinkat } from "../syscall/file.ts";
import { mount } from "../syscall/mount.ts";

interface BootMount {
  readonly type: string;
  readonly target: string;
  readonly options: string;
  /** Type to take when the machine does not know the first. */
  readonly otherwise?: string;
}

const mounts: readonly BootMount[] = [
  { type: "proc", target: "/proc", options: "" },
  { type: "sysfs", target: "/sys", options: "" },
  { type: "devtmpfs", target: "/dev", options: "mode=755", otherwise: "tmpfs" },
  { type: "tmpfs", target: "/dev/shm", options: "" },
  { type: "devpts", target: "/dev/pts", options: "mode=600,ptmxmode=000" },
  { type: "mqueue", target: "/dev/mqueue", options: "" },
  { type: "tmpfs", target: "/run", options: "mode=755" },
  { type: "tmpfs", target: "/tmp", options: "" },
];

const devices: readonly (readonly [name: string, major: number, minor: number, mode: number])[] = [
  ["null", 1, 3, 0o666],
  ["zero", 1, 5, 0o666],
  ["full", 1, 7, 0o666],
  ["random", 1, 8, 0o666],
  ["urandom", 1, 9, 0o666],
  ["kmsg", 1, 11, 0o644],
  ["tty", 5, 0, 0o666],
  ["console", 5, 1, 0o600],
  ["ptmx", 5, 2, 0o666],
];

const links: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
];

/** Makes a directory unless it is there. */
function ensureDirectory(init: Process, path: string): void {
  try {
    mkdirat(init, AT_FDCWD, path, 0o755);
  } catch (thrown) {
    if (!isRefusal(thrown, "EEXIST")) throw thrown;
  }
}

function fillDev(init: Process): void {
  const umask = init.umask;
  init.umask = 0;
  for (const [name, major, minor, mode] of devices)
    mknodat(init, AT_FDCWD, `/dev/${name}`, "char", mode, major, minor);
  init.umask = umask;
  for (const [name, target] of links) symlinkat(init, target, AT_FDCWD, `/dev/${name}`);
}

/** Mounts what the machine knows of these, by its init; the types must have been registered. */
export function bootMounts(machine: Machine): void {
  const { init, fileSystems } = machine;
  for (const { type, target, options, otherwise } of mounts) {
    const known = fileSystems.has(type) ? type : otherwise;
    if (known === undefined || !fileSystems.has(known)) continue;
    ensureDirectory(init, target);
    mount(init, type, target, known, 0, options);
    if (target === "/dev") fillDev(init);
  }
}
