/**
 * Numbers of the Plan's binary form: the TypeScript side of native/include/plan.h. A test reads that
 * header and compares every number with these tables.
 */
import type {
  MountAttr,
  NamespaceType,
  OpenFlag,
  OpName,
  ProcessName,
  Propagation,
  RlimitType,
} from "../op.ts";

export const planMagic = 0x4e4c5056;
export const planVersion = 1;
export const planBytesMax = 4 * 1024 * 1024;
export const planOpsMax = 2048;
export const slotNone = 0xffff;
export const slotFirst = 8;
export const slotsMax = 256;
export const barriersMax = 8;

export const opcodes: Readonly<Record<OpName, number>> = {
  clone3: 1,
  unshare: 2,
  setns: 3,
  pidfdOpen: 4,
  idMap: 5,
  await: 6,
  release: 7,
  awaitStart: 8,
  setsid: 9,
  console: 10,
  closeRange: 11,
  execve: 12,
  open: 20,
  close: 21,
  mkdir: 22,
  mknod: 23,
  symlink: 24,
  writeFile: 25,
  chmod: 26,
  chown: 27,
  unlink: 28,
  rmdir: 29,
  removeTree: 30,
  rename: 31,
  copyTree: 32,
  mount: 40,
  fsmount: 41,
  openTree: 42,
  mountSetattr: 43,
  moveMount: 44,
  propagate: 45,
  pivotRoot: 46,
  umount: 47,
  maskPath: 48,
  readonlyPath: 49,
  chroot: 50,
  sethostname: 60,
  setdomainname: 61,
  sysctl: 62,
  linkUp: 63,
  rlimit: 64,
  oomScoreAdj: 65,
  umask: 66,
  chdir: 67,
  setgroups: 68,
  setresgid: 69,
  setresuid: 70,
  keepCaps: 71,
  capBounding: 72,
  capset: 73,
  noNewPrivs: 74,
  dumpable: 75,
  parentDeathSignal: 76,
  cgroupJoin: 77,
  apparmor: 78,
  selinux: 79,
  seccomp: 80,
  deviceFilter: 81,
};

export const processNames: readonly ProcessName[] = ["host", "oci", "init", "exec"];

/** Slots that mean the same in every Plan; the starter of vitrine-oci passes the last two. */
export const fixedSlots: Readonly<Record<string, number>> = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  start: 3,
  console: 4,
};

export const namespaceBits: Readonly<Record<NamespaceType, number>> = {
  mnt: 0x01,
  pid: 0x02,
  net: 0x04,
  ipc: 0x08,
  uts: 0x10,
  user: 0x20,
  cgroup: 0x40,
  time: 0x80,
};

export const mountAttrBits: Readonly<Record<MountAttr, number>> = {
  rdonly: 0x001,
  nosuid: 0x002,
  nodev: 0x004,
  noexec: 0x008,
  noatime: 0x010,
  relatime: 0x020,
  strictatime: 0x040,
  nodiratime: 0x080,
  nosymfollow: 0x100,
};

export const openFlagBits: Readonly<Record<OpenFlag, number>> = {
  path: 0x001,
  rdonly: 0x002,
  wronly: 0x004,
  rdwr: 0x008,
  creat: 0x010,
  excl: 0x020,
  trunc: 0x040,
  append: 0x080,
  directory: 0x100,
  nofollow: 0x200,
  nonblock: 0x400,
};

export const propagationNumbers: Readonly<Record<Propagation, number>> = {
  private: 1,
  shared: 2,
  slave: 3,
  unbindable: 4,
};

export const nodeTypes = { char: 0, block: 1, fifo: 2, file: 3 } as const;
export const writeHows = { create: 0, existing: 1 } as const;
export const createKinds = { directory: 1, file: 2 } as const;
export const seccompFlagBits = { log: 0x1, specAllow: 0x2, tsync: 0x4 } as const;

/** RLIMIT_ numbers of Linux (asm-generic/resource.h; x86-64 and arm64 share them). */
export const rlimitNumbers: Readonly<Record<RlimitType, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};
