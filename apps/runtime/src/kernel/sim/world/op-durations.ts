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
  capBounding: 25966,
  capset: 3187,
  cgroupJoin: 14004,
  "cgroupJoin cpu": 65585,
  chdir: 2973,
  chmod: 1831,
  chown: 2070,
  clone3: 721292,
  close: 238,
  closeRange: 16339,
  execve: 12214650,
  "fsmount devpts": 18597,
  "fsmount mqueue": 6625,
  "fsmount overlay": 367271,
  "fsmount proc": 13038,
  "fsmount sysfs": 10242,
  "fsmount tmpfs": 20496,
  linkUp: 73974,
  maskPath: 6260,
  "mkdir cgroup": 45266,
  "mkdir host": 61488,
  "mkdir inside": 2711,
  "mknod host": 35808,
  "mknod inside": 3693,
  mount: 41232,
  mountSetattr: 1267,
  moveMount: 6268,
  noNewPrivs: 694,
  oomScoreAdj: 16459,
  open: 4483,
  openTree: 5086,
  "openTree cgroup": 4713,
  pidfdOpen: 18454,
  pivotRoot: 385797,
  propagate: 5952,
  readonlyPath: 6113,
  removeTree: 3987181,
  "removeTree containers": 1289207,
  "rmdir cgroup": 23687,
  seccomp: 355499,
  setgroups: 35922,
  sethostname: 1307,
  setns: 6711,
  setresgid: 1576,
  setresuid: 1061,
  setsid: 98922,
  symlink: 3181,
  sysctl: 18524,
  umask: 52,
  umount: 949777,
  "unlink host": 232710,
  unshare: 673197,
  "writeFile create": 62670,
  "writeFile existing": 3486,
};

/** Fitted: ns for each unit, of kinds that grow with their data. */
export const fittedUnitNs: Readonly<Record<string, number>> = { "writeFile create": 122 };

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
