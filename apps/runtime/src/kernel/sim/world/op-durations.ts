/**
 * How long ops take, virtual nanoseconds. The numbers are fitted to the recordings in traces/real: for each kind
 * of op the median, for those whose work grows with their data a part for each unit of it. The test beside
 * recomputes them and says how well they fit (docs/simulator.md has the figures).
 */
import type { Op, OpName } from "../../op.ts";

/** Ops of one name that do different work on Linux are told apart: a cgroup's file is no file on a disk. */
export function durationKind(op: Op): string {
  switch (op.op) {
    case "mkdir":
    case "rmdir":
    case "mknod":
    case "unlink":
      return `${op.op} ${placeOf(op)}`;
    case "writeFile":
      return `${op.op} ${op.how}`;
    case "fsmount":
      return `fsmount ${op.fstype}`;
    case "openTree":
      return op.path.startsWith("/sys/fs/cgroup/") ? "openTree cgroup" : "openTree";
    case "cgroupJoin":
      // The first hierarchy that is joined waits for a grace period of the whole machine.
      return op.path.includes("/cpu/") ? "cgroupJoin cpu" : "cgroupJoin";
    case "removeTree":
      return op.path.includes("/containers/") ? "removeTree containers" : "removeTree";
    default:
      return op.op;
  }
}

function placeOf(op: { readonly path: string; readonly at?: string }): string {
  if (op.at !== undefined) return "inside";
  return op.path.startsWith("/sys/fs/cgroup/") ? "cgroup" : "host";
}

/** Units of data that an op's work grows with. */
export function durationUnits(op: Op): number {
  return op.op === "writeFile" ? op.data.length : 0;
}

/** Fitted: median of a kind, ns, without the part that grows. */
export const fittedMedianNs: Readonly<Record<string, number>> = {
  capBounding: 50047,
  capset: 2079,
  cgroupJoin: 22425,
  "cgroupJoin cpu": 4554539,
  chdir: 2404,
  chmod: 2178,
  clone3: 306781,
  close: 280,
  closeRange: 18882,
  execve: 1746292,
  "fsmount devpts": 17033,
  "fsmount mqueue": 7904,
  "fsmount overlay": 363182,
  "fsmount proc": 14443,
  "fsmount sysfs": 11260,
  "fsmount tmpfs": 32005,
  linkUp: 2369052,
  maskPath: 5361,
  "mkdir cgroup": 33374,
  "mkdir host": 90972,
  "mkdir inside": 3202,
  "mknod host": 23248,
  "mknod inside": 3685,
  mount: 49158,
  mountSetattr: 1211,
  moveMount: 6606,
  noNewPrivs: 757,
  oomScoreAdj: 30606,
  open: 6001,
  openTree: 4502,
  "openTree cgroup": 7416,
  pidfdOpen: 39910,
  pivotRoot: 281566,
  propagate: 18194,
  readonlyPath: 6190,
  removeTree: 1540492,
  "removeTree containers": 2307468,
  "rmdir cgroup": 27276,
  seccomp: 491002,
  setgroups: 6533,
  sethostname: 1589,
  setns: 9463,
  setresgid: 807,
  setresuid: 561,
  setsid: 13613,
  symlink: 3102,
  sysctl: 31355,
  umask: 54,
  umount: 1923503,
  "unlink host": 167850,
  unshare: 428264,
  "writeFile create": 40715,
  "writeFile existing": 4925,
};

/** Fitted: ns for each unit, of kinds that grow with their data. */
export const fittedUnitNs: Readonly<Record<string, number>> = { "writeFile create": 198 };

/** Where no recording has an op of that kind: taken from the nearest that one has. */
const assumedNs: Readonly<Record<OpName, number>> = {
  clone3: 306781,
  unshare: 428264,
  setns: 9463,
  pidfdOpen: 39910,
  idMap: 40000,
  await: 1000,
  release: 1500,
  awaitStart: 1000,
  setsid: 13613,
  console: 60000,
  closeRange: 18882,
  execve: 1746292,
  open: 6001,
  close: 280,
  mkdir: 90972,
  mknod: 23248,
  symlink: 3102,
  writeFile: 4925,
  chmod: 2178,
  chown: 2500,
  unlink: 167850,
  rmdir: 27276,
  removeTree: 1540492,
  rename: 25000,
  copyTree: 1500000,
  mount: 49158,
  fsmount: 32005,
  openTree: 4502,
  mountSetattr: 1211,
  moveMount: 6606,
  propagate: 18194,
  pivotRoot: 281566,
  chroot: 4000,
  umount: 1923503,
  maskPath: 5361,
  readonlyPath: 6190,
  sethostname: 1589,
  setdomainname: 1589,
  sysctl: 31355,
  linkUp: 2369052,
  rlimit: 800,
  oomScoreAdj: 30606,
  umask: 54,
  chdir: 2404,
  setgroups: 6533,
  setresgid: 807,
  setresuid: 561,
  keepCaps: 600,
  capBounding: 50047,
  capset: 2079,
  noNewPrivs: 757,
  dumpable: 600,
  parentDeathSignal: 900,
  cgroupJoin: 22425,
  deviceFilter: 90000,
  apparmor: 30000,
  selinux: 30000,
  seccomp: 491002,
};

/** Every op there is. */
export const opNames = Object.keys(assumedNs) as readonly OpName[];

/** What the op takes, ns, without what makes one run differ from the next. */
export function durationNs(op: Op): number {
  const kind = durationKind(op);
  const fitted = fittedMedianNs[kind];
  if (fitted === undefined) return assumedNs[op.op];
  const perUnit = fittedUnitNs[kind];
  return perUnit === undefined ? fitted : fitted + perUnit * durationUnits(op);
}
