/**
 * What an image, a volume or a neighbour may plant to get out of a container while it is set up. Each
 * test is a known hole of another runtime; a canary on the host must stay as it was.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import koffi from "koffi";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Op } from "../../apps/runtime/src/kernel/index.ts";
import { exitOf } from "../../apps/runtime/src/kernel/linux/child-exit.ts";
import { signalPidfd, spawnProgram } from "../../apps/runtime/src/kernel/linux/library.ts";
import { nativePath } from "../../apps/runtime/src/kernel/linux/native-path.ts";
import { containerPlan } from "./container-plan.ts";
import { allSaid, hostState, reportOf, runPlan, said, TestRoot } from "./harness.ts";

let root: TestRoot;
let before: string;

beforeEach(() => {
  root = new TestRoot();
  before = hostState(root);
});

afterEach(() => {
  expect(hostState(root)).toBe(before);
  root.remove();
});

function replaceBySymlink(path: string, target: string): void {
  rmSync(path, { recursive: true, force: true });
  symlinkSync(target, path);
}

const bytes = (text: string) => new TextEncoder().encode(text);
const fcntl = koffi.load("libc.so.6").func("int fcntl(int fd, int command, int argument)");
const getSeals = 1034;
const allSeals = 0xf;

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

describe("the executor's own file (CVE-2019-5736)", () => {
  it("is a sealed copy while it is inside, and nobody can open it for writing", async () => {
    const plan = containerPlan({ root: root.root, probe: ["exe", "self"] });
    let link = "";
    let seals = 0;
    const errors: string[] = [];
    const result = await runPlan(plan, {
      start: "held",
      running: (pid, release) => {
        const exe = `/proc/${pid}/exe`;
        link = readlinkSync(exe);
        const fd = openSync(exe, "r");
        seals = fcntl(fd, getSeals, 0);
        closeSync(fd);
        for (const flags of [constants.O_WRONLY, constants.O_RDWR | constants.O_TRUNC]) {
          try {
            closeSync(openSync(exe, flags));
          } catch (error) {
            errors.push((error as NodeJS.ErrnoException).code ?? "");
          }
        }
        // Not dumpable: its fds and memory are root's business, whatever user it becomes.
        expect(statSync(`/proc/${pid}/fd`).uid).toBe(0);
        release();
      },
    });
    expect(result.failure).toBeUndefined();
    expect(link).toBe("/memfd:vitrine (deleted)");
    expect(seals & allSeals).toBe(allSeals);
    expect(errors).toEqual(["ETXTBSY", "ETXTBSY"]);
  });

  it("cannot be reached by a script that names /proc/self/exe as its interpreter", async () => {
    const digest = digestOf(nativePath("vitrine-oci"));
    writeFileSync(root.path("root/bin/evil"), "#!/proc/self/exe\n");
    chmodSync(root.path("root/bin/evil"), 0o755);
    const plan = containerPlan({ root: root.root, path: "/bin/evil", probe: [] });
    const result = await runPlan(plan);
    expect(result.exit).toBe(2);
    expect(result.output).toContain("vitrine-oci:");
    expect(digestOf(nativePath("vitrine-oci"))).toBe(digest);
  });
});

describe("/proc and /sys", () => {
  it.each(["proc", "sys"])("/%s that is a symlink is refused (CVE-2019-19921)", async (name) => {
    mkdirSync(root.path("root/fake"));
    replaceBySymlink(root.path("root", name), "/fake");
    const result = await runPlan(containerPlan({ root: root.root, probe: [] }));
    expect(result.failure).toMatchObject({ op: "moveMount", errno: "ENOTDIR" });
    expect(result.failure?.message).toContain("must be mounted on an ordinary directory");
    expect(result.exit).toBe(128);
  });

  it.each(["/proc", "/proc/self", "/proc/sys", "/proc/1/attr", "/proc/self/../version"])(
    "%s cannot be mounted over (CVE-2019-16884)",
    async (path) => {
      const plan = containerPlan({
        root: root.root,
        probe: [],
        mounts: [
          {
            op: "openTree",
            path: root.path("root/tmp"),
            clone: true,
            recursive: false,
            as: "fake",
          },
          { op: "moveMount", fd: "fake", at: "rootfs", path },
        ],
      });
      expect((await runPlan(plan)).failure).toMatchObject({ op: "moveMount", errno: "EPERM" });
    },
  );

  it("is not what the executor writes to when something lies over it (CVE-2025-52881)", async () => {
    const plan = containerPlan({
      root: root.root,
      probe: ["cat", "/proc/self/oom_score_adj", "+", "cat", "/proc/sys/net/ipv4/ip_forward"],
      early: [
        { op: "propagate", path: "/", propagation: "private", recursive: true },
        { op: "fsmount", fstype: "tmpfs", source: "fake", options: [], attrs: [], as: "fake" },
        { op: "mkdir", at: "fake", path: "self", mode: 0o755 },
        { op: "mknod", at: "fake", path: "self/oom_score_adj", type: "file", mode: 0o666 },
        { op: "moveMount", fd: "fake", path: "/proc" },
        { op: "oomScoreAdj", value: 321, clamp: false },
        { op: "sysctl", key: "net.ipv4.ip_forward", value: "1" },
      ],
    });
    const result = await runPlan(plan);
    expect(result.failure).toBeUndefined();
    expect(said(result, "content /proc/self/oom_score_adj")).toBe("321");
    expect(said(result, "content /proc/sys/net/ipv4/ip_forward")).toBe("1");
  });

  it.each(["net/../kernel/core_pattern", "/kernel/core_pattern", "", "net..kernel"])(
    "sysctl %j reaches nothing outside its key (CVE-2022-0811)",
    async (key) => {
      const corePattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
      const plan = containerPlan({
        root: root.root,
        probe: [],
        inside: [{ op: "sysctl", key, value: "evil" }],
      });
      expect((await runPlan(plan)).failure).toMatchObject({ op: "sysctl", errno: "EINVAL" });
      expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(corePattern);
    },
  );
});

describe("file descriptors that leaked (CVE-2024-21626)", () => {
  const leaked = Array.from({ length: 32 - 7 }, (_, index) => index + 7);

  async function withLeaks(cwd: string, probe: readonly string[]) {
    const host = openSync("/", constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const plan = containerPlan({ root: root.root, cwd, probe });
      return await runPlan(plan, { leaks: leaked.map(() => host) });
    } finally {
      closeSync(host);
    }
  }

  it("are not there any more in the container", async () => {
    const result = await withLeaks("/", ["fds", "+", "ls", "/proc/self/fd"]);
    expect(result.failure).toBeUndefined();
    expect(allSaid(result, "fd")).toEqual(["0 char", "1 file", "2 file"]);
    // The fourth is the directory that is being listed.
    expect(allSaid(result, "entry /proc/self/fd").sort()).toEqual(["0", "1", "2", "3"]);
  });

  it("cannot become the working directory, directly or through a symlink of the image", async () => {
    symlinkSync("/proc/self/fd", root.path("root/work/fds"));
    for (let fd = 3; fd <= 40; fd++) {
      for (const cwd of [`/proc/self/fd/${fd}`, `/work/fds/${fd}`, `/proc/1/fd/${fd}/../..`]) {
        const result = await withLeaks(cwd, ["cwd", "+", "ls", "."]);
        expect(["ELOOP", "ENOENT", "ENOTDIR"]).toContain(result.failure?.errno);
        expect(result.failure?.op).toBe("chdir");
        expect(result.output).toBe("");
      }
    }
  });

  it("cannot name the program either", async () => {
    const host = openSync("/", constants.O_RDONLY | constants.O_DIRECTORY);
    const path = `/proc/self/fd/7${nativePath("vitrine-probe")}`;
    const plan = containerPlan({ root: root.root, path, probe: ["say", "out"] });
    const result = await runPlan(plan, { leaks: leaked.map(() => host) });
    closeSync(host);
    expect(result.failure).toMatchObject({ op: "execve", errno: "ENOENT" });
    expect(result.output).toBe("");
  });
});

describe("paths that change while they are used", () => {
  /** Runs `attack` while a process exchanges root/vol/a with a symlink to the canary, all the time. */
  async function whileSwapping(target: string, attack: (round: number) => Promise<void>) {
    mkdirSync(root.path("root/vol/a"), { recursive: true });
    symlinkSync(target, root.path("root/vol/evil"));
    const nothing = openSync("/dev/null", "r+");
    const swapper = spawnProgram({
      path: nativePath("vitrine-probe"),
      argv: ["probe", "swap", root.path("root/vol/a"), root.path("root/vol/evil")],
      env: [],
      fds: [nothing, nothing, nothing],
      setsid: true,
    });
    closeSync(nothing);
    const ended = exitOf(swapper);
    try {
      for (let round = 0; round < 150; round++) await attack(round);
    } finally {
      signalPidfd(swapper.pidfd, 9);
      await ended;
    }
  }

  it("mount inside the root or not at all (CVE-2021-30465, CVE-2024-45310)", async () => {
    const canary = root.canary();
    let made = 0;
    await whileSwapping(canary.directory, async (round) => {
      const plan = containerPlan({
        root: root.root,
        bare: true,
        probe: ["say", "done"],
        mounts: [
          { op: "fsmount", fstype: "tmpfs", source: "x", options: [], attrs: [], as: "data" },
          {
            op: "moveMount",
            fd: "data",
            at: "rootfs",
            path: `/vol/a/n${round}/b`,
            create: "directory",
          },
          { op: "mkdir", at: "rootfs", path: `/vol/a/m${round}/c/d`, mode: 0o755, parents: true },
          {
            op: "writeFile",
            at: "rootfs",
            path: `/vol/a/f${round}`,
            data: bytes("x"),
            mode: 0o644,
            how: "create",
          },
        ],
      });
      const result = await runPlan(plan);
      if (result.failure === undefined) made++;
      expect(canary.unchanged()).toBe(true);
      expect(["ENOENT", "EEXIST", "ELOOP", "ENOTDIR", undefined]).toContain(result.failure?.errno);
    });
    // An attack that made every container fail would prove nothing.
    expect(made).toBeGreaterThan(0);
  });
});

describe("a /dev that the image or a volume supplies", () => {
  it("is resolved inside the root for nodes, links and directories (CVE-2026-41579, CVE-2026-47766)", async () => {
    const canary = root.canary();
    replaceBySymlink(root.path("root/dev"), canary.directory);
    const attempts: readonly Op[] = [
      { op: "unlink", at: "rootfs", path: "/dev/marker" },
      {
        op: "mknod",
        at: "rootfs",
        path: "/dev/null",
        type: "char",
        major: 1,
        minor: 3,
        mode: 0o666,
      },
      { op: "symlink", at: "rootfs", path: "/dev/fd", target: "/proc/self/fd" },
      { op: "mkdir", at: "rootfs", path: "/dev/pts", mode: 0o755 },
      { op: "rmdir", at: "rootfs", path: "/dev/." },
      { op: "rename", at: "rootfs", from: "/dev/marker", to: "/stolen" },
      { op: "chmod", at: "rootfs", path: "/dev/marker", mode: 0o777 },
      { op: "chown", at: "rootfs", path: "/dev/marker", uid: 1, gid: 1 },
      { op: "removeTree", at: "rootfs", path: "/dev/marker" },
      { op: "copyTree", at: "rootfs", from: "/dev", to: "/tmp" },
    ];
    for (const op of attempts) {
      const result = await runPlan(
        containerPlan({ root: root.root, bare: true, probe: [], mounts: [op] }),
      );
      expect(result.failure, op.op).toMatchObject({ op: op.op });
      expect(canary.unchanged(), op.op).toBe(true);
    }
    const made = await runPlan(
      containerPlan({
        root: root.root,
        bare: true,
        probe: ["ls", "/dev/"],
        mounts: [{ op: "mkdir", at: "rootfs", path: "/dev/pts/x", mode: 0o755, parents: true }],
      }),
    );
    expect(made.failure).toBeUndefined();
    expect(canary.unchanged()).toBe(true);
    expect(existsSync(root.path("root", canary.directory, "pts/x"))).toBe(true);
  });

  it.each([
    [
      "a symlink into /proc",
      () => symlinkSync("/proc/sys/kernel/core_pattern", root.path("fake/null")),
    ],
    ["a regular file", () => writeFileSync(root.path("fake/null"), "")],
    ["missing", () => {}],
  ])("does not lend its null to masks when it is %s (CVE-2025-31133)", async (_what, plant) => {
    const corePattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
    mkdirSync(root.path("fake"));
    plant();
    const plan = containerPlan({
      root: root.root,
      probe: ["write", "/proc/kcore", "evil"],
      mounts: [
        { op: "openTree", path: root.path("fake"), clone: true, recursive: false, as: "fake" },
        { op: "moveMount", fd: "fake", at: "rootfs", path: "/dev" },
      ],
      inside: [{ op: "maskPath", path: "/proc/timer_list" }],
    });
    const result = await runPlan(plan);
    expect(result.failure).toMatchObject({ op: "maskPath" });
    expect(["ENODEV", "ENOENT"]).toContain(result.failure?.errno);
    expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(corePattern);
  });

  it.each([
    ["a plain directory", []],
    [
      "a tmpfs",
      [{ op: "fsmount", fstype: "tmpfs", source: "x", options: [], attrs: [], as: "fake" }],
    ],
  ] as const)(
    "does not pass for a devpts when /dev/pts is %s (CVE-2025-52565)",
    async (_what, make) => {
      mkdirSync(root.path("fake"));
      const open: readonly Op[] = [
        { op: "openTree", path: root.path("fake"), clone: true, recursive: false, as: "fake" },
      ];
      const plan = containerPlan({
        root: root.root,
        probe: [],
        mounts: [
          ...(make.length > 0 ? make : open),
          { op: "mknod", at: "fake", path: "ptmx", type: "char", major: 5, minor: 2, mode: 0o666 },
          { op: "moveMount", fd: "fake", at: "rootfs", path: "/dev/pts" },
          { op: "console", at: "rootfs", width: 80, height: 24 },
        ],
      });
      const result = await runPlan(plan);
      expect(result.failure).toMatchObject({ op: "console", errno: "ENODEV" });
    },
  );
});

describe("files the runtime writes into a root", () => {
  it("never go through a symlink, at the end or on the way (CVE-2025-24965, CVE-2024-5154)", async () => {
    const canary = root.canary();
    const marker = `${canary.directory}/marker`;
    symlinkSync(marker, root.path("root/etc/hosts"));
    symlinkSync(canary.directory, root.path("root/up"));
    symlinkSync("../../../../../../../../../../../..", root.path("root/far"));
    const write = (path: string, how: "create" | "existing"): Op => ({
      op: "writeFile",
      at: "rootfs",
      path,
      data: bytes("evil"),
      mode: 0o644,
      how,
    });
    const run = async (op: Op) =>
      (await runPlan(containerPlan({ root: root.root, bare: true, probe: [], mounts: [op] })))
        .failure;
    // The link itself is replaced by the file, inside.
    expect(await run(write("/etc/hosts", "create"))).toBeUndefined();
    expect(lstatSync(root.path("root/etc/hosts")).isFile()).toBe(true);
    symlinkSync(marker, root.path("root/etc/passwd"));
    expect(await run(write("/etc/passwd", "existing"))).toMatchObject({ errno: "ELOOP" });
    expect(await run(write("/up/marker", "create"))).toMatchObject({ errno: "ENOENT" });
    expect(await run(write("/far/outside", "create"))).toBeUndefined();
    expect(existsSync(root.path("root/outside"))).toBe(true);
    expect(canary.unchanged()).toBe(true);
  });

  it("do not wait at a FIFO that was planted in their place", async () => {
    const plan = containerPlan({
      root: root.root,
      bare: true,
      probe: [],
      mounts: [
        { op: "mknod", at: "rootfs", path: "/etc/fifo", type: "fifo", mode: 0o666 },
        {
          op: "writeFile",
          at: "rootfs",
          path: "/etc/fifo",
          data: bytes("x"),
          mode: 0,
          how: "existing",
        },
      ],
    });
    expect((await runPlan(plan)).failure).toMatchObject({ op: "writeFile", errno: "ENXIO" });
  });
});

describe("trees", () => {
  it("are removed without what is linked or mounted in them (buildkit CVE-2024-23652)", async () => {
    const canary = root.canary();
    mkdirSync(root.path("tree/deep/er"), { recursive: true });
    mkdirSync(root.path("tree/mounted"));
    symlinkSync(canary.directory, root.path("tree/deep/link"));
    const oci = (ops: readonly Op[]) => ({
      name: "remove",
      steps: ops.map((op) => ({ process: "oci" as const, op })),
    });
    const withMount = await runPlan(
      oci([
        { op: "unshare", namespaces: ["mnt"] },
        { op: "propagate", path: "/", propagation: "private", recursive: true },
        {
          op: "mount",
          source: canary.directory,
          target: root.path("tree/mounted"),
          fstype: "bind",
          attrs: [],
          data: "",
        },
        { op: "removeTree", path: root.path("tree") },
      ]),
    );
    expect(withMount.failure).toMatchObject({ op: "removeTree", errno: "EBUSY" });
    expect(withMount.failure?.detail).toContain("mounted");
    expect(canary.unchanged()).toBe(true);
    const without = await runPlan(oci([{ op: "removeTree", path: root.path("tree") }]));
    expect(without.failure).toBeUndefined();
    expect(existsSync(root.path("tree"))).toBe(false);
    expect(canary.unchanged()).toBe(true);
  });

  it("are copied as they are: links stay links, devices stay behind", async () => {
    const canary = root.canary();
    mkdirSync(root.path("root/from/sub"), { recursive: true });
    writeFileSync(root.path("root/from/sub/file"), "content");
    chmodSync(root.path("root/from/sub/file"), 0o4751);
    symlinkSync(canary.directory, root.path("root/from/out"));
    mkdirSync(root.path("root/to"));
    const plan = containerPlan({
      root: root.root,
      bare: true,
      probe: [],
      mounts: [
        {
          op: "mknod",
          at: "rootfs",
          path: "/from/node",
          type: "char",
          major: 1,
          minor: 3,
          mode: 0o666,
        },
        { op: "copyTree", at: "rootfs", from: "/from", to: "/to" },
      ],
    });
    const result = await runPlan(plan);
    expect(result.failure).toBeUndefined();
    expect(reportOf(plan, result, "copyTree")?.errno).toBe(0);
    expect(readFileSync(root.path("root/to/sub/file"), "utf8")).toBe("content");
    expect(statSync(root.path("root/to/sub/file")).mode & 0o7777).toBe(0o4751);
    expect(readlinkSync(root.path("root/to/out"))).toBe(canary.directory);
    expect(readdirSync(root.path("root/to")).sort()).toEqual(["out", "sub"]);
    expect(canary.unchanged()).toBe(true);
  });
});
