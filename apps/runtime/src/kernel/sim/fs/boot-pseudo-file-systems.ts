/** Makes the generated file systems known to the machine, and mounts them where a host has them. */
import { AT_FDCWD, MS_NODEV, MS_NOEXEC, MS_NOSUID } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { mkdirat } from "../syscall/file.ts";
import { mount } from "../syscall/mount.ts";
import { mountCgroup1, mountCgroup2 } from "./cgroup-file-system.ts";
import { registerCharDevices } from "./char-devices.ts";
import { mountDevpts } from "./devpts.ts";
import { mountDevtmpfs } from "./devtmpfs.ts";
import { mountMqueue } from "./mqueue.ts";
import { mountProc } from "./proc-file-system.ts";
import { mountSysfs } from "./sysfs.ts";

/** proc, sysfs, devtmpfs, devpts, mqueue, cgroup, cgroup2, and the drivers of character devices. */
export function registerPseudoFileSystems(machine: Machine): void {
  const { fileSystems } = machine;
  fileSystems.set("proc", mountProc);
  fileSystems.set("sysfs", mountSysfs);
  fileSystems.set("devtmpfs", mountDevtmpfs);
  fileSystems.set("devpts", mountDevpts);
  fileSystems.set("mqueue", mountMqueue);
  fileSystems.set("cgroup", mountCgroup1);
  fileSystems.set("cgroup2", mountCgroup2);
  registerCharDevices();
}

const quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/**
 * Mounts /proc, /sys, /dev with pts, shm and mqueue, and the cgroup hierarchies, as init does. The directories
 * /proc, /sys and /dev are there. Called once init lives and the hierarchies are made.
 */
export function mountPseudoFileSystems(init: Process): void {
  mount(init, "proc", "/proc", "proc", quiet, "");
  mount(init, "sysfs", "/sys", "sysfs", quiet, "");
  mount(init, "devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "");
  mount(init, "devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
  mount(init, "tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  mount(init, "mqueue", "/dev/mqueue", "mqueue", quiet, "");
  mountCgroups(init);
}

/** v2 alone lies at /sys/fs/cgroup itself; beside v1 that is a tmpfs with a directory for each hierarchy. */
function mountCgroups(init: Process): void {
  const base = "/sys/fs/cgroup";
  const { hierarchies } = init.machine;
  const unified = hierarchies.length === 1 && hierarchies[0]?.version === 2;
  if (unified) {
    mount(init, "cgroup2", base, "cgroup2", quiet, "");
    return;
  }
  if (hierarchies.length === 0) return;
  mount(init, "tmpfs", base, "tmpfs", quiet, "mode=755");
  for (const { version, mountpoint, controllers, label } of hierarchies) {
    mkdirat(init, AT_FDCWD, mountpoint, 0o755);
    const options = [...controllers, ...(label === "" ? [] : [`none,name=${label}`])].join(",");
    if (version === 1) mount(init, "cgroup", mountpoint, "cgroup", quiet, options);
    else mount(init, "cgroup2", mountpoint, "cgroup2", quiet, "");
  }
}
