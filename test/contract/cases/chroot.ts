/** chroot(2): what it is and what it is not. */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { type CaseRun, type ContractCase, sandbox } from "../contract-case.ts";
import { attach, dirs, file, mkdir, open, setuid, tmpfs } from "../op-words.ts";

/** A root at ~/r with the programs, a proc and a directory outside of it. */
const rootTree = (run: CaseRun): Op[] => [
  ...dirs("~/r", "~/r/bin", "~/r/proc", "~/r/tmp", "~/outside"),
  { op: "openTree", path: run.bed.programs, clone: true, recursive: true, as: "programs" },
  attach("programs", "~/r/bin"),
  { op: "fsmount", fstype: "proc", source: "proc", options: [], attrs: [], as: "proc" },
  attach("proc", "~/r/proc"),
  open("~/r", ["path", "directory"], "r"),
];

const chroot: Op = { op: "chroot", root: "r" };

const probeInside = (...argv: readonly string[]): Op => ({
  op: "execve",
  path: "/bin/probe",
  argv: ["probe", ...argv],
  env: [],
});

export const chrootCases: readonly ContractCase[] = [
  {
    name: "chroot: the new root is /",
    run: sandbox((run) => [...rootTree(run), chroot, probeInside("ls", "/", "+", "cwd")], [], {
      pivots: true,
    }),
    expect: ["entry / bin", "entry / proc", "entry / tmp", "cwd /"],
  },
  {
    name: "chroot: only mounts inside can be seen, the others are still there",
    run: sandbox((run) => [...rootTree(run), tmpfs("~/r/tmp"), chroot, probeInside("mounts")], [], {
      pivots: true,
    }),
    expect: [
      "mount 1 on - /proc proc fs1 / rw,relatime",
      "mount 2 on - /tmp tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "chroot needs CAP_SYS_CHROOT",
    run: sandbox(
      (run) => [
        ...rootTree(run),
        setuid(1000),
        chroot,
        { op: "chdir", path: "/" },
        { op: "execve", path: "~/r/bin/probe", argv: ["probe", "cwd"], env: [] },
      ],
      [],
      { pivots: true },
    ),
    expect: ["chroot <r>: EPERM", "cwd /"],
  },
  {
    name: "chroot to a file is ENOTDIR",
    run: sandbox(
      (run) => [
        ...rootTree(run),
        file("~/f"),
        open("~/f", ["path"], "f"),
        { op: "chroot", root: "f" },
        chroot,
        probeInside("cwd"),
      ],
      [],
      { pivots: true },
    ),
    expect: ["chroot <f>: ENOTDIR", "cwd /"],
  },
  {
    name: "chroot of an empty slot is EBADF",
    run: sandbox(
      (run) => [...rootTree(run), { op: "chroot", root: "none" }, chroot, probeInside("cwd")],
      [],
      { pivots: true },
    ),
    expect: ["chroot <none>: EBADF", "cwd /"],
  },
  {
    name: "chroot: dot-dot stays inside",
    run: sandbox(
      (run) => [...rootTree(run), chroot, mkdir("/../../made"), probeInside("ls", "/")],
      [],
      { pivots: true },
    ),
    expect: ["entry / bin", "entry / made", "entry / proc", "entry / tmp"],
  },
  {
    name: "chroot: pivot_root from inside is EINVAL: the root is no mount point",
    run: sandbox(
      (run) => [
        ...rootTree(run),
        ...dirs("~/r/new"),
        tmpfs("~/r/new"),
        chroot,
        open("/new", ["path", "directory"], "n"),
        { op: "pivotRoot", root: "n" },
        { op: "chdir", path: "/" },
        probeInside("ls", "/"),
      ],
      [],
      { pivots: true },
    ),
    expect: ["pivotRoot <n>: EINVAL", "entry / bin", "entry / new", "entry / proc", "entry / tmp"],
  },
  {
    name: "chroot twice goes deeper",
    run: sandbox(
      (run) => [
        ...rootTree(run),
        ...dirs("~/r/in", "~/r/in/bin"),
        { op: "openTree", path: run.bed.programs, clone: true, recursive: true, as: "p2" },
        attach("p2", "~/r/in/bin"),
        chroot,
        open("/in", ["path", "directory"], "in"),
        { op: "chroot", root: "in" },
        probeInside("ls", "/"),
      ],
      [],
      { pivots: true },
    ),
    expect: ["entry / bin"],
  },
  {
    name: "chroot: a user namespace cannot be made inside",
    run: sandbox(
      (run) => [
        ...rootTree(run),
        chroot,
        { op: "unshare", namespaces: ["user"] },
        probeInside("id"),
      ],
      [],
      { pivots: true },
    ),
    expect: [
      "unshare user: EPERM",
      "uid 0 0 0, gid 0 0 0, groups, pid (host), ppid (host), sid (host)",
    ],
  },
];
