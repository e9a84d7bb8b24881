/** Generated cases about mounts: binds, propagation, moves, attributes, pivot_root, a second user namespace. */
import fc from "fast-check";
import type { Op, Propagation } from "../../apps/runtime/src/kernel/index.ts";
import { sandbox } from "./contract-case.ts";
import { one, sequences, type Theme } from "./generated-theme.ts";
import {
  attach,
  bind,
  clone,
  dirs,
  file,
  move,
  open,
  propagate,
  rbind,
  setattr,
  tmpfs,
  tree,
  umount,
  unshare,
} from "./op-words.ts";

// Mounts: three directories with two levels below each.
const mountPath = fc.constantFrom(
  ...["~/a", "~/b", "~/c"].flatMap((top) => [top, `${top}/x`, `${top}/x/y`, `${top}/z`]),
);
const mountTree: readonly Op[] = ["~/a", "~/b", "~/c"].flatMap((top) =>
  dirs(top, `${top}/x`, `${top}/x/y`, `${top}/z`),
);
const propagation = fc.constantFrom<Propagation>("private", "shared", "slave", "unbindable");
const mountAttr = fc.constantFrom("rdonly", "nosuid", "nodev", "noexec", "noatime", "nosymfollow");

/** A tmpfs with the same directories in it, so that later ops find them. */
const freshTmpfs = mountPath.map((path): readonly Op[] => [
  tmpfs(path),
  ...dirs(`${path}/x`, `${path}/x/y`, `${path}/z`),
]);

const mountDraws: readonly fc.WeightedArbitrary<readonly Op[]>[] = [
  { weight: 4, arbitrary: freshTmpfs },
  { weight: 4, arbitrary: fc.tuple(mountPath, mountPath).map(([a, b]) => one(bind(a, b))) },
  { weight: 3, arbitrary: fc.tuple(mountPath, mountPath).map(([a, b]) => one(rbind(a, b))) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(mountPath, propagation, fc.boolean())
      .map(([path, kind, recursive]) => one(propagate(path, kind, recursive))),
  },
  { weight: 3, arbitrary: fc.tuple(mountPath, mountPath).map(([a, b]) => move(a, b)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(mountPath, mountPath, fc.boolean(), fc.option(propagation, { nil: undefined }))
      .map(([a, b, recursive, kind]) => [
        clone(a, "copy", recursive),
        ...(kind === undefined ? [] : [setattr("copy", [], { propagation: kind, recursive })]),
        attach("copy", b),
        { op: "close", fd: "copy" },
      ]),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(mountPath, fc.boolean()).map(([path, detach]) => one(umount(path, detach))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(mountPath, mountAttr, fc.boolean(), fc.boolean())
      .map(([path, attr, set, recursive]) => [
        tree(path, "here"),
        setattr("here", set ? [attr] : [], { clear: set ? [] : [attr], recursive }),
        { op: "close", fd: "here" },
      ]),
  },
  { weight: 1, arbitrary: mountPath.map((path) => one(file(`${path}/f`, "x"))) },
  { weight: 1, arbitrary: fc.constant(one(unshare("mnt"))) },
  { weight: 1, arbitrary: mountPath.map((path) => one({ op: "rmdir", path })) },
  {
    weight: 1,
    arbitrary: fc.tuple(mountPath, mountPath).map(([from, to]) => one({ op: "rename", from, to })),
  },
];

// pivot_root: ~/a may become the root. It has the programs and a proc, so the probe can look.
const pivotTree = (programs: string): readonly Op[] => [
  ...mountTree,
  ...dirs("~/a/bin", "~/a/proc"),
  { op: "openTree", path: programs, clone: true, recursive: true, as: "programs" },
  attach("programs", "~/a/bin"),
  { op: "fsmount", fstype: "proc", source: "proc", options: [], attrs: [], as: "proc" },
  attach("proc", "~/a/proc"),
  { op: "close", fd: "programs" },
  { op: "close", fd: "proc" },
];
const becomeRoot = fc
  .constantFrom("~/a", "~/a", "~/a/x", "~/b")
  .map((path): readonly Op[] => [
    open(path, ["path", "directory"], "root"),
    { op: "pivotRoot", root: "root" },
    { op: "chdir", path: "/" },
    { op: "close", fd: "root" },
  ]);

export const mountThemes: readonly Theme[] = [
  {
    name: "mounts",
    draws: sequences(...mountDraws),
    scenario: (ops) => sandbox([...mountTree, ...ops], ["mounts"]),
  },
  {
    name: "mounts of another user namespace",
    draws: fc
      .tuple(sequences(...mountDraws), sequences(...mountDraws))
      .map(([before, after]) => [...before, one(unshare("user", "mnt")), ...after]),
    scenario: (ops) => sandbox([...mountTree, ...ops], ["mounts"]),
  },
  {
    name: "pivot_root",
    draws: sequences(...mountDraws, { weight: 8, arbitrary: becomeRoot }),
    scenario: (ops) =>
      sandbox(
        (run) => [
          ...pivotTree(run.bed.programs),
          ...ops,
          {
            op: "execve",
            path: "probe",
            argv: ["probe", "mounts", "+", "ls", "/x", "+", "ls", "/x/y", "+", "cwd"],
            env: [`PATH=/bin:${run.bed.programs}`],
          },
        ],
        [],
        { pivots: true },
      ),
  },
];
