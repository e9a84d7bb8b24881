/** Generated cases about files: overlay, permissions, paths. */
import fc from "fast-check";
import type { Op } from "../../apps/runtime/src/kernel/index.ts";
import { container } from "./container-case.ts";
import { sandbox } from "./contract-case.ts";
import { one, sequences, type Theme } from "./generated-theme.ts";
import {
  attach,
  capset,
  chmod,
  chown,
  dirs,
  file,
  keepCaps,
  link,
  mkdir,
  open,
  setgid,
  setuid,
} from "./op-words.ts";

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

export const fileThemes: readonly Theme[] = [
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
