/** Generated cases about who a process is: ids, capabilities, id maps. */
import fc from "fast-check";
import type { IdMapping, Op } from "../../apps/runtime/src/kernel/index.ts";
import { sandbox } from "./contract-case.ts";
import { one, sequences, type Theme } from "./generated-theme.ts";
import {
  capBounding,
  capset,
  chmod,
  chown,
  file,
  keepCaps,
  mkdir,
  noNewPrivs,
  open,
  setgid,
  setuid,
} from "./op-words.ts";

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

export const credentialThemes: readonly Theme[] = [
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
];
