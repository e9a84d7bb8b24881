/**
 * Generated contract cases: random sequences of ops around one theme, for both kernels. Paths, ids and sets come from
 * small pools, so that ops meet each other; whatever is refused goes on, and a probe looks at the end.
 */
import fc from "fast-check";
import type { IdMapping, Op, Propagation } from "../../apps/runtime/src/kernel/index.ts";
import { container } from "./container-case.ts";
import { type Scenario, sandbox } from "./contract-case.ts";
import {
  attach,
  bind,
  capBounding,
  capset,
  chmod,
  chown,
  clone,
  dirs,
  file,
  keepCaps,
  link,
  mkdir,
  move,
  noNewPrivs,
  open,
  propagate,
  rbind,
  setattr,
  setgid,
  setuid,
  tmpfs,
  tree,
  umount,
  unshare,
} from "./op-words.ts";

export interface Theme {
  readonly name: string;
  /** Sequences of ops; a group of ops is one draw. */
  readonly draws: fc.Arbitrary<readonly (readonly Op[])[]>;
  readonly scenario: (ops: readonly Op[]) => Scenario;
}

const drawsMax = 14;

function sequences(
  ...weighted: readonly fc.WeightedArbitrary<readonly Op[]>[]
): fc.Arbitrary<readonly (readonly Op[])[]> {
  return fc.array(fc.oneof(...weighted), { minLength: 1, maxLength: drawsMax });
}

const one = (op: Op): readonly Op[] => [op];

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

// Credentials: a few ids, a few capabilities.
const id = fc.constantFrom(0, 1000, 1001);
const capabilities = fc.subarray([
  "chown",
  "dac_override",
  "fowner",
  "setuid",
  "setgid",
  "setpcap",
]);
const ownFile = fc.constantFrom("~/root", "~/user", "~/all");
const ownFiles: readonly Op[] = [
  file("~/root", "r", 0o600),
  file("~/user", "u", 0o640),
  chown("~/user", 1000, 1000),
  file("~/all", "a", 0o666),
  chmod("~", 0o777),
];
const credentialDraws: readonly fc.WeightedArbitrary<readonly Op[]>[] = [
  { weight: 3, arbitrary: id.map((uid) => one(setuid(uid))) },
  { weight: 2, arbitrary: id.map((gid) => one(setgid(gid))) },
  {
    weight: 1,
    arbitrary: fc.subarray([5, 1000]).map((groups) => one({ op: "setgroups", groups })),
  },
  { weight: 3, arbitrary: fc.boolean().map((on) => one(keepCaps(on))) },
  { weight: 2, arbitrary: capabilities.map((keep) => one(capBounding(...keep))) },
  {
    weight: 4,
    arbitrary: fc
      .record({
        effective: capabilities,
        permitted: capabilities,
        inheritable: capabilities,
        ambient: capabilities,
      })
      .map((sets) => one(capset(sets))),
  },
  {
    weight: 3,
    arbitrary: capabilities.map((all) =>
      one(capset({ effective: all, permitted: all, inheritable: all, ambient: all })),
    ),
  },
  { weight: 1, arbitrary: fc.constant(one(noNewPrivs)) },
  { weight: 2, arbitrary: fc.tuple(ownFile, id, id).map(([f, u, g]) => one(chown(f, u, g))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(ownFile, fc.constantFrom(0o600, 0o644, 0o6755))
      .map(([f, mode]) => one(chmod(f, mode))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(ownFile, fc.constantFrom("rdonly" as const, "wronly" as const))
      .map(([f, flag]) => one(open(f, [flag]))),
  },
  { weight: 1, arbitrary: fc.constant(one(mkdir("~/made"))) },
];

// Id maps: ranges that may overlap, be empty or too large.
const mapping: fc.Arbitrary<IdMapping> = fc.record({
  containerId: fc.constantFrom(0, 0, 5, 1000, 4294967295),
  hostId: fc.constantFrom(0, 1000, 100_000, 100_005, 4294967290),
  size: fc.constantFrom(1, 5, 10, 1000, 65536, 0),
});
const mappings = fc.oneof(
  fc.array(mapping, { minLength: 1, maxLength: 3 }),
  fc.constantFrom<readonly IdMapping[]>(
    [{ containerId: 0, hostId: 0, size: 65536 }],
    [{ containerId: 0, hostId: 100_000, size: 1000 }],
    [
      { containerId: 0, hostId: 100_000, size: 6 },
      { containerId: 1000, hostId: 0, size: 5 },
    ],
  ),
);
const idMapDraws = fc
  .tuple(
    mappings,
    mappings,
    fc.array(
      fc.oneof(
        fc.constantFrom(0, 3, 5, 7, 999, 1000, 1004, 65535).map((uid) => one(setuid(uid))),
        fc.constantFrom(0, 3, 5, 7, 999, 1000, 1004, 65535).map((gid) => one(setgid(gid))),
        fc.constant(one(file("~/f", "x"))),
        fc
          .tuple(fc.constantFrom(0, 5, 1000), fc.constantFrom(0, 7, 65535))
          .map(([uid, gid]) => one(chown("~/f", uid, gid))),
        fc.constant(one({ op: "setgroups", groups: [0, 5] })),
        fc.constant(one({ op: "sethostname", name: "generated" })),
      ),
      { maxLength: 6 },
    ),
  )
  .map(([uid, gid, rest]): readonly (readonly Op[])[] => [
    one({ op: "idMap", child: "init", uid, gid }),
    ...rest,
  ]);

// Overlay: two lower layers, an upper one, what was there before and what is done through it.
const layerPath = fc.constantFrom("a", "b", "d", "d/a", "d/b", "d/e", "d/e/a");
const layer = fc.constantFrom("~/l1", "~/l2", "~/up");
const before = fc.oneof(
  fc.tuple(layer, layerPath).map(([top, path]) => one(file(`${top}/${path}`, top))),
  fc.tuple(layer, layerPath).map(([top, path]) => one(mkdir(`${top}/${path}`))),
  fc.tuple(layer, layerPath).map(([top, path]) => one(link(`${top}/${path}`, "b"))),
  // Not in the lowest layer: found.ts says why.
  fc
    .tuple(fc.constantFrom("~/l1", "~/up"), layerPath)
    .map(([top, path]) =>
      one({ op: "mknod", path: `${top}/${path}`, type: "char", major: 0, minor: 0, mode: 0 }),
    ),
);
const merged = layerPath.map((path) => `~/m/${path}`);
const through = fc.oneof(
  merged.map((path) => one(file(path, "merged"))),
  merged.map((path) => one(mkdir(path, 0o711))),
  merged.map((path) => one(link(path, "a"))),
  merged.map((path) => one({ op: "unlink", path })),
  merged.map((path) => one({ op: "rmdir", path })),
  merged.map((path) => one({ op: "removeTree", path })),
  merged.map((path) => one(chmod(path, 0o600))),
  merged.map((path) => one(chown(path, 3, 4))),
  fc.tuple(merged, merged).map(([from, to]) => one({ op: "rename", from, to })),
  fc
    .tuple(merged, fc.constantFrom("rdonly" as const, "wronly" as const))
    .map(([path, flag]) => one(open(path, [flag]))),
  merged.map((path) => one(open(path, ["wronly", "trunc"]))),
);
const overlayTree: readonly Op[] = [
  ...dirs("~/l1", "~/l2", "~/up", "~/work", "~/m"),
  ...dirs("~/l1/d", "~/l2/d", "~/l2/d/e"),
];
const overlay: readonly Op[] = [
  {
    op: "fsmount",
    fstype: "overlay",
    source: "overlay",
    options: [
      ["lowerdir", "~/l1:~/l2"],
      ["upperdir", "~/up"],
      ["workdir", "~/work"],
    ],
    attrs: [],
    as: "overlay",
  },
  attach("overlay", "~/m"),
];
const overlayDraws = fc
  .tuple(fc.array(before, { maxLength: 8 }), fc.array(through, { minLength: 1, maxLength: 8 }))
  .map(([first, then]) => [...first, overlay, ...then]);
const overlayLook = ["~/m", "~/up"].flatMap((top) => [
  ...["", "/d", "/d/e"].flatMap((path) => ["ls", `${top}${path}`, "+"]),
  ...["/a", "/b", "/d", "/d/a", "/d/b", "/d/e", "/d/e/a"].flatMap((path) => [
    ...["stat", `${top}${path}`, "+"],
    ...["cat", `${top}${path}`, "+"],
  ]),
]);

// Permissions: things of several owners and modes, and somebody who tries.
const thing = fc.constantFrom("~/d", "~/d/f", "~/d/e", "~/d/e/f", "~/s", "~/s/f", "~/f", "~/new");
const mode = fc.constantFrom(
  0o777,
  0o755,
  0o711,
  0o700,
  0o770,
  0o1777,
  0o2775,
  0o640,
  0o604,
  0o000,
);
const someone = fc.constantFrom(0, 1000, 1001);
const thingTree: readonly Op[] = [
  ...dirs("~/d", "~/d/e", "~/s"),
  ...["~/d/f", "~/d/e/f", "~/s/f", "~/f"].map((path) => file(path, "x")),
];
const settle = fc.oneof(
  fc.tuple(thing, mode).map(([path, bits]) => one(chmod(path, bits))),
  fc.tuple(thing, someone, someone).map(([path, uid, gid]) => one(chown(path, uid, gid))),
);
const attempt = fc.oneof(
  fc
    .tuple(thing, fc.constantFrom<"rdonly" | "wronly" | "path">("rdonly", "wronly", "path"))
    .map(([path, flag]) => one(open(path, [flag]))),
  thing.map((path) => one(file(path, "y"))),
  thing.map((path) => one(mkdir(path))),
  thing.map((path) => one({ op: "unlink", path })),
  thing.map((path) => one({ op: "rmdir", path })),
  fc.tuple(thing, thing).map(([from, to]) => one({ op: "rename", from, to })),
  fc.tuple(thing, mode).map(([path, bits]) => one(chmod(path, bits))),
  fc.tuple(thing, someone, someone).map(([path, uid, gid]) => one(chown(path, uid, gid))),
  thing.map((path) => one({ op: "chdir", path })),
);
const permissionDraws = fc
  .tuple(
    fc.array(settle, { maxLength: 8 }),
    fc.boolean(),
    fc.subarray(["dac_override", "dac_read_search", "fowner", "chown", "fsetid"], { maxLength: 2 }),
    fc.constantFrom(1000, 1001),
    fc.subarray([0, 1001], { maxLength: 1 }),
    fc.array(attempt, { minLength: 1, maxLength: 8 }),
  )
  .map(([first, keeps, kept, uid, groups, then]) => [
    ...first,
    [
      ...(keeps ? [keepCaps()] : []),
      setgid(uid),
      { op: "setgroups", groups } as Op,
      setuid(uid),
      ...(keeps ? [capset({ effective: kept, permitted: kept })] : []),
    ],
    ...then,
  ]);
const thingLook = ["~/d", "~/d/f", "~/d/e", "~/d/e/f", "~/s", "~/s/f", "~/f", "~/new"].flatMap(
  (path) => ["stat", path, "+"],
);

// Paths: a few names, links to anywhere, looked up in a root and outside of one.
const name = fc.constantFrom("a", "b", "c");
const relative = fc
  .array(fc.oneof({ weight: 4, arbitrary: name }, { weight: 1, arbitrary: fc.constant("..") }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => parts.join("/"));
const target = fc.oneof(
  relative,
  relative.map((path) => `/${path}`),
  fc.constantFrom(".", "/", "..", "a/", "/none"),
);
const at = fc.constantFrom<{ readonly at?: string }>({ at: "root" }, {});
const placed = (path: string, { at }: { readonly at?: string }): string =>
  at === undefined ? `/jail/${path}` : path;
const spot = fc
  .tuple(relative, at)
  .map(([path, where]) => ({ path: placed(path, where), ...where }));
const pathDraws: readonly fc.WeightedArbitrary<readonly Op[]>[] = [
  { weight: 4, arbitrary: spot.map(({ path, ...where }) => one(mkdir(path, 0o755, where))) },
  { weight: 4, arbitrary: spot.map(({ path, ...where }) => one(file(path, "x", 0o644, where))) },
  {
    weight: 5,
    arbitrary: fc.tuple(spot, target).map(([{ path, ...where }, to]) => one(link(path, to, where))),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        spot,
        fc.constantFrom<readonly ("path" | "rdonly" | "nofollow" | "directory")[]>(
          ["path"],
          ["rdonly"],
          ["path", "nofollow"],
          ["rdonly", "nofollow"],
          ["rdonly", "directory"],
        ),
      )
      .map(([{ path, ...where }, flags]) => one(open(path, flags, "seen", where))),
  },
  {
    weight: 2,
    arbitrary: spot.map(({ path, ...where }) =>
      one(open(path, ["wronly", "creat"], "made", where)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(relative, relative, at)
      .map(([from, to, where]) =>
        one({ op: "rename", from: placed(from, where), to: placed(to, where), ...where }),
      ),
  },
  { weight: 2, arbitrary: spot.map(({ path, ...where }) => one({ op: "unlink", path, ...where })) },
  { weight: 2, arbitrary: spot.map(({ path, ...where }) => one({ op: "rmdir", path, ...where })) },
  {
    weight: 1,
    arbitrary: spot.map(({ path, ...where }) =>
      one({ op: "mkdir", path, mode: 0o700, parents: true, ...where }),
    ),
  },
  {
    weight: 1,
    arbitrary: spot.map(({ path, ...where }) => one({ op: "chmod", path, mode: 0o700, ...where })),
  },
];
const look = ["", "/a", "/b", "/c", "/a/a", "/a/b", "/b/a", "/b/b", "/c/a"].flatMap((path) => [
  ...["ls", `/jail${path}`, "+"],
  ...(path === "" ? [] : ["stat", `/jail${path}`, "+"]),
]);

export const themes: readonly Theme[] = [
  {
    name: "overlay",
    draws: overlayDraws,
    scenario: (ops) => sandbox([...overlayTree, ...ops], overlayLook),
  },
  {
    name: "permissions",
    draws: permissionDraws,
    scenario: (ops) =>
      sandbox([chmod("~", 0o777), ...thingTree, ...ops], ["cwd", "+", ...thingLook]),
  },
  {
    name: "mounts of another user namespace",
    draws: fc
      .tuple(sequences(...mountDraws), sequences(...mountDraws))
      .map(([before, after]) => [...before, one(unshare("user", "mnt")), ...after]),
    scenario: (ops) => sandbox([...mountTree, ...ops], ["mounts"]),
  },
  {
    name: "mounts",
    draws: sequences(...mountDraws),
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
  {
    name: "credentials",
    draws: sequences(...credentialDraws),
    scenario: (ops) =>
      sandbox(
        [...ownFiles, ...ops],
        ["id", "+", "caps", "+", "stat", "~/root", "+", "stat", "~/user", "+", "stat", "~/made"],
      ),
  },
  {
    name: "id maps",
    draws: idMapDraws,
    scenario: ([idMap, ...ops]) =>
      sandbox(ops, ["id", "+", "stat", "~/f", "+", "caps"], {
        namespaces: ["user", "mnt", "uts"],
        ...(idMap === undefined ? {} : { outside: [idMap] }),
      }),
  },
  {
    name: "paths",
    draws: sequences(...pathDraws),
    // In a container's root, so that no link leads to the host.
    scenario: (ops) =>
      container({
        bare: true,
        inside: [
          ...dirs("/jail", "/jail/a", "/jail/b", "/jail/a/b"),
          file("/jail/c", "x"),
          open("/jail", ["path", "directory"], "root"),
          ...ops,
        ],
        probe: [...look, "ls", "/"],
      }),
  },
];
