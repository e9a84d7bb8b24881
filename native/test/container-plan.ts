/** A complete container as a Plan, with places where a test puts ops of its own. */
import { type Op, type Plan, PlanBuilder } from "../../apps/runtime/src/kernel/index.ts";

export interface ContainerPlanOptions {
  readonly root: string;
  /** Commands of the probe, "+" between them. */
  readonly probe: readonly string[];
  /** Ops of oci before clone3. */
  readonly first?: readonly Op[];
  /** Ops of init before the root is attached anywhere. */
  readonly early?: readonly Op[];
  /** Ops of init before pivot_root, with the slot "rootfs". */
  readonly mounts?: readonly Op[];
  /** Ops of init after pivot_root. */
  readonly inside?: readonly Op[];
  /** Ops of init right before execve. */
  readonly last?: readonly Op[];
  /** Leaves proc, sys and dev out. */
  readonly bare?: boolean;
  readonly cwd?: string;
  readonly path?: string;
  readonly env?: readonly string[];
}

const devices: readonly (readonly [string, number, number])[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
];

const nowhere = ["nosuid", "noexec", "nodev"] as const;

/** The usual file systems: proc, sysfs, and a /dev with devices, pts and shm. */
export function standardMounts(): Op[] {
  const ops: Op[] = [
    { op: "fsmount", fstype: "proc", source: "proc", options: [], attrs: nowhere, as: "proc" },
    {
      op: "moveMount",
      fd: "proc",
      at: "rootfs",
      path: "/proc",
      create: "directory",
      ordinary: true,
    },
    {
      op: "fsmount",
      fstype: "sysfs",
      source: "sysfs",
      options: [],
      attrs: ["rdonly", ...nowhere],
      as: "sys",
    },
    { op: "moveMount", fd: "sys", at: "rootfs", path: "/sys", create: "directory", ordinary: true },
    {
      op: "fsmount",
      fstype: "tmpfs",
      source: "tmpfs",
      options: [
        ["mode", "755"],
        ["size", "65536k"],
      ],
      attrs: ["nosuid", "strictatime"],
      as: "dev",
    },
  ];
  for (const [path, major, minor] of devices) {
    ops.push({ op: "mknod", at: "dev", path, type: "char", major, minor, mode: 0o666 });
  }
  for (const [path, target] of [
    ["fd", "/proc/self/fd"],
    ["stdin", "/proc/self/fd/0"],
    ["ptmx", "pts/ptmx"],
  ] as const) {
    ops.push({ op: "symlink", at: "dev", path, target });
  }
  ops.push(
    { op: "moveMount", fd: "dev", at: "rootfs", path: "/dev", create: "directory" },
    {
      op: "fsmount",
      fstype: "devpts",
      source: "devpts",
      options: [
        ["ptmxmode", "0666"],
        ["mode", "0620"],
        ["gid", "5"],
      ],
      attrs: ["nosuid", "noexec"],
      as: "pts",
    },
    { op: "moveMount", fd: "pts", at: "rootfs", path: "/dev/pts", create: "directory" },
  );
  return ops;
}

/** The Plan of a container whose program is the probe. */
export function containerPlan(options: ContainerPlanOptions): Plan {
  const builder = new PlanBuilder("test container");
  for (const op of options.first ?? []) builder.add("oci", op);
  builder.add("oci", {
    op: "clone3",
    child: "init",
    namespaces: ["mnt", "pid", "net", "ipc", "uts", "cgroup"],
  });
  const init = (ops: readonly Op[]) => {
    for (const op of ops) builder.add("init", op);
  };
  init(options.early ?? []);
  init([
    { op: "setsid" },
    { op: "propagate", path: "/", propagation: "private", recursive: true },
    { op: "openTree", path: options.root, clone: true, recursive: true, as: "rootfs" },
    { op: "moveMount", fd: "rootfs", path: options.root },
  ]);
  if (options.bare !== true) init(standardMounts());
  init(options.mounts ?? []);
  init([{ op: "pivotRoot", root: "rootfs" }]);
  init(options.inside ?? []);
  init([{ op: "chdir", path: options.cwd ?? "/" }, { op: "awaitStart" }]);
  init(options.last ?? []);
  init([
    { op: "closeRange", from: 3, keep: [] },
    {
      op: "execve",
      path: options.path ?? "/bin/probe",
      argv: ["probe", ...options.probe],
      env: options.env ?? ["PATH=/bin"],
    },
  ]);
  return builder.build();
}
