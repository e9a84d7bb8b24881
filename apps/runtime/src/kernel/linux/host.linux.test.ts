import { spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyCgroup } from "./cgroup.ts";
import { capabilitiesOfMask, cgroupHierarchies, readHostFacts } from "./facts.ts";
import { linuxFiles } from "./files.ts";
import { parseMountInfo } from "./mount-table.ts";
import { watchDirectory } from "./watch.ts";

const files = linuxFiles();
const text = new TextDecoder();
let folder = "";

beforeAll(() => {
  folder = mkdtempSync("/tmp/vt-host-");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Mount tables of three kinds of machine. */
const v1 = `24 18 0:21 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
25 24 0:22 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
26 24 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
27 24 0:24 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
28 24 0:25 / /mnt/again\\040memory rw - cgroup cgroup rw,memory`;
const hybrid = `${v1}\n29 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;
const v2 = "24 18 0:21 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate";
const bound = `${v2}\n25 18 0:21 /pod /mnt/pod rw - cgroup2 cgroup2 rw`;

test("cgroup hierarchies of v1, hybrid and v2 machines", () => {
  const read = (controllers: string) => () => controllers;
  const cpu = { path: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] };
  const memory = { path: "/sys/fs/cgroup/memory", version: 1, controllers: ["memory"] };
  expect(cgroupHierarchies(parseMountInfo(v1), read(""))).toEqual([cpu, memory]);
  expect(cgroupHierarchies(parseMountInfo(hybrid), read("hugetlb\n"))).toEqual([
    cpu,
    memory,
    { path: "/sys/fs/cgroup/unified", version: 2, controllers: ["hugetlb"] },
  ]);
  expect(cgroupHierarchies(parseMountInfo(hybrid), read(""))).toEqual([cpu, memory]);
  const unified = { path: "/sys/fs/cgroup", version: 2, controllers: ["cpu", "memory", "pids"] };
  expect(cgroupHierarchies(parseMountInfo(v2), read("cpu memory pids\n"))).toEqual([unified]);
  expect(cgroupHierarchies(parseMountInfo(bound), read("cpu memory pids"))).toEqual([unified]);
});

test("mountinfo with optional fields, escapes and nonsense", () => {
  const table =
    "36 35 98:0 /a\\134b /mnt/x\\040y rw master:1 shared:2 - ext4 /dev/s\\011d rw,quota\nnonsense\n";
  expect(parseMountInfo(table)).toEqual([
    {
      root: "/a\\b",
      mountPoint: "/mnt/x y",
      fstype: "ext4",
      source: "/dev/s\td",
      superOptions: ["rw", "quota"],
    },
  ]);
});

test("facts of this machine", async () => {
  const facts = readHostFacts();
  expect(facts.mode).toBe("real");
  expect(facts.release).toMatch(/^\d+\.\d+/);
  expect(facts.capabilities).toContain("CAP_SYS_ADMIN");
  expect(facts.cgroups.flatMap(({ controllers }) => controllers)).toContain("memory");
  expect(facts.lastCapability).toBeGreaterThan(35);
  const devices = await facts.devices();
  expect(devices.find(({ path }) => path === "/dev/null")).toMatchObject({
    type: "char",
    major: 1,
    minor: 3,
  });
  expect(devices.some(({ path }) => path.startsWith("/dev/pts/"))).toBe(false);
  expect(capabilitiesOfMask("2001")).toEqual(["CAP_CHOWN", "CAP_NET_RAW"]);
});

test("reading: bounds, files without a size, and what is missing", async () => {
  writeFileSync(join(folder, "ten"), "0123456789");
  const read = async (path: string, max: number) => {
    const bytes = await files.read(path, max);
    return bytes && text.decode(bytes);
  };
  expect(await read(join(folder, "ten"), 10)).toBe("0123456789");
  await expect(read(join(folder, "ten"), 9)).rejects.toMatchObject({ errno: "EFBIG" });
  expect(await read("/proc/sys/kernel/ostype", 100)).toBe("Linux\n");
  expect(await read(join(folder, "none"), 10)).toBeUndefined();
  expect(await read(join(folder, "ten", "below"), 10)).toBeUndefined();
  await expect(read(folder, 10)).rejects.toMatchObject({ errno: "EISDIR" });
  expect(await files.list(join(folder, "none"))).toBeUndefined();
});

test("reading inside a root: no symlink leads out, nothing but regular files is opened", async () => {
  const root = join(folder, "root");
  mkdirSync(join(root, "etc"), { recursive: true });
  writeFileSync(join(folder, "secret"), "outside");
  writeFileSync(join(root, "etc/passwd"), "inside");
  writeFileSync(join(root, "secret"), "the root's own");
  symlinkSync("/etc/passwd", join(root, "absolute"));
  symlinkSync("../../../../secret", join(root, "upwards"));
  symlinkSync("/proc/self/root/secret", join(root, "magic"));
  symlinkSync("loop", join(root, "loop"));
  const read = async (path: string, max = 100) => {
    const bytes = await files.readInRoot(root, path, max);
    return bytes && text.decode(bytes);
  };
  expect(await read("/absolute")).toBe("inside");
  expect(await read("../../etc/passwd")).toBe("inside");
  expect(await read("/upwards")).toBe("the root's own");
  expect(await read("/magic")).toBeUndefined();
  expect(await read("/none")).toBeUndefined();
  await expect(read("/loop")).rejects.toMatchObject({ errno: "ELOOP" });
  await expect(read("/etc")).rejects.toMatchObject({ errno: "EINVAL" });
  await expect(read("/etc/passwd", 3)).rejects.toMatchObject({ errno: "EFBIG" });
});

test("stat, usage and space", async () => {
  const tree = join(folder, "tree");
  mkdirSync(tree);
  writeFileSync(join(tree, "file"), "x".repeat(10_000));
  symlinkSync("file", join(tree, "link"));
  chmodSync(join(tree, "file"), 0o640);
  expect(await files.stat(join(tree, "link"))).toMatchObject({ type: "symlink" });
  expect(await files.stat(join(tree, "link"), true)).toMatchObject({
    type: "file",
    mode: 0o640,
    size: 10_000,
  });
  expect(await files.stat("/dev/null")).toMatchObject({ type: "char", major: 1, minor: 3 });
  const { bytes, inodes } = await files.usage(tree);
  expect(inodes).toBe(3);
  expect(bytes).toBeGreaterThanOrEqual(10_000);
  expect(await files.usage(join(folder, "none"))).toEqual({ bytes: 0, inodes: 0 });
  const { totalBytes, freeBytes } = await files.space(folder);
  expect(totalBytes).toBeGreaterThan(freeBytes);
});

test("watching a directory that is not there yet, through its making, removal and making again", async () => {
  const path = join(folder, "later/net.d");
  const controller = new AbortController();
  let changes = 0;
  watchDirectory(path, () => (changes += 1), controller.signal);
  const isNoticed = async (work: () => void) => {
    // What came before has settled.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const before = changes;
    work();
    await expect.poll(() => changes).toBeGreaterThan(before);
  };
  await isNoticed(() => mkdirSync(join(folder, "later")));
  await isNoticed(() => mkdirSync(path));
  await isNoticed(() => writeFileSync(join(path, "10.conflist"), "{}"));
  await isNoticed(() => rmSync(path, { recursive: true }));
  await isNoticed(() => mkdirSync(path));
  await isNoticed(() => writeFileSync(join(path, "20.conflist"), "{}"));
  controller.abort();
  await new Promise((resolve) => setTimeout(resolve, 60));
  const before = changes;
  writeFileSync(join(path, "30.conflist"), "{}");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(changes).toBe(before);
});

test("emptying a cgroup kills what is in it and below it, and a missing one is empty", async () => {
  const hierarchy = readHostFacts().cgroups.find(({ controllers }) => controllers.includes("pids"));
  const group = join(hierarchy?.path ?? "", `vt-host-${process.pid}`);
  mkdirSync(join(group, "below"), { recursive: true });
  const children = [group, join(group, "below")].map((path) => {
    // It starts nothing before it is inside: a child made earlier would stay outside, and survive.
    const child = spawn("sh", ["-c", "trap '' TERM; read go; while :; do sleep 97511; done"]);
    writeFileSync(join(path, "cgroup.procs"), String(child.pid));
    child.stdin.write("go\n");
    return new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal)));
  });
  await emptyCgroup(group);
  expect(await Promise.all(children)).toEqual(["SIGKILL", "SIGKILL"]);
  rmdirSync(join(group, "below"));
  rmdirSync(group);
  await emptyCgroup(group);
});
