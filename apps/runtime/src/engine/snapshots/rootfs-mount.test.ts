import { expect, test } from "vitest";
import { rootfsMount } from "./rootfs-mount.ts";

const writable = { upper: "/r/9/fs", work: "/r/9/work" };
const opNames = (mount: ReturnType<typeof rootfsMount>) => mount.ops("/t").map(({ op }) => op);

test("layers are given one by one where the kernel takes them so", () => {
  const [first] = rootfsMount("6.5.0-1-amd64", ["/r/2/fs", "/r/1/fs"], writable).ops("/t");
  expect(first).toMatchObject({
    op: "fsmount",
    options: [
      ["lowerdir+", "/r/2/fs"],
      ["lowerdir+", "/r/1/fs"],
      ["upperdir", "/r/9/fs"],
      ["workdir", "/r/9/work"],
    ],
  });
});

test("an older kernel gets one option string, with the separators escaped", () => {
  const [only, ...rest] = rootfsMount("6.1.0", ["/a:b/\\c", "/d,e"], writable).ops("/t");
  expect(rest).toEqual([]);
  expect(only).toMatchObject({
    op: "mount",
    target: "/t",
    data: "lowerdir=/a\\:b/\\\\c:/d\\,e,upperdir=/r/9/fs,workdir=/r/9/work",
  });
});

test("more layers than fit into a page of options are refused in words, not cut", () => {
  const layers = Array.from(
    { length: 127 },
    (_, index) => `/var/lib/vitrine/snapshots/${index + 10000}/fs`,
  );
  expect(() => rootfsMount("5.10.0", layers, writable).ops("/t")).toThrow(/127 layers/);
  expect(opNames(rootfsMount("6.18.0", layers, writable))).toEqual([
    "fsmount",
    "moveMount",
    "close",
  ]);
});

test("a path longer than fsconfig takes goes the old way", () => {
  expect(opNames(rootfsMount("6.18.0", [`/${"x".repeat(256)}`, "/b"], writable))).toEqual([
    "mount",
  ]);
});

test("one read-only layer is a read-only bind mount, none with a writable one a plain bind mount", () => {
  expect(opNames(rootfsMount("6.18.0", ["/r/1/fs"], undefined))).toEqual([
    "openTree",
    "mountSetattr",
    "moveMount",
    "close",
  ]);
  expect(opNames(rootfsMount("6.18.0", [], writable))).toEqual(["openTree", "moveMount", "close"]);
  expect(opNames(rootfsMount("6.18.0", ["/r/2/fs", "/r/1/fs"], undefined))).toEqual([
    "fsmount",
    "moveMount",
    "close",
  ]);
});
