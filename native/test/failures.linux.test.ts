/** Plans that fail: the report says which op, which argument and why, and nothing is left behind. */
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { everyOp } from "../../apps/runtime/src/kernel/fixture/every-op.ts";
import type { Op, Plan, ProcessName } from "../../apps/runtime/src/kernel/index.ts";
import { encodePlan } from "../../apps/runtime/src/kernel/linux/encode.ts";
import { nativePath } from "../../apps/runtime/src/kernel/linux/native-path.ts";
import { containerPlan } from "./container-plan.ts";
import { hostState, runPlan, TestRoot } from "./harness.ts";

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

function steps(...ops: readonly (readonly [ProcessName, Op])[]): Plan {
  return { name: "failing", steps: ops.map(([process, op]) => ({ process, op })) };
}

const oci = (...ops: readonly Op[]) => steps(...ops.map((op) => ["oci", op] as const));

/** What fails outside any container: the op, the errno, and words of the message. */
const hostFailures: readonly (readonly [string, readonly Op[], string, RegExp])[] = [
  [
    "a missing parent",
    [{ op: "mkdir", path: "/nowhere/x", mode: 0o755 }],
    "ENOENT",
    /parent of "\/nowhere\/x"/,
  ],
  ["an existing directory", [{ op: "mkdir", path: "/proc", mode: 0o755 }], "EEXIST", /"\/proc"/],
  [
    "a path that is not absolute",
    [{ op: "mkdir", path: "x/y", mode: 0o755 }],
    "EINVAL",
    /absolute/,
  ],
  ["an empty slot", [{ op: "close", fd: "never" }], "EBADF", /slot is empty/],
  [
    "a slot that was closed",
    [
      { op: "open", path: "/", flags: ["path"], as: "a" },
      { op: "close", fd: "a" },
      { op: "close", fd: "a" },
    ],
    "EBADF",
    /empty/,
  ],
  [
    "an unknown file system",
    [{ op: "fsmount", fstype: "nofs", source: "x", options: [], attrs: [], as: "a" }],
    "ENODEV",
    /fstype "nofs"/,
  ],
  [
    "an unknown option",
    [
      {
        op: "fsmount",
        fstype: "tmpfs",
        source: "x",
        options: [["bogus", "1"]],
        attrs: [],
        as: "a",
      },
    ],
    "EINVAL",
    /option "bogus"=1.*Unknown parameter 'bogus'/,
  ],
  [
    "an overlay without layers",
    [
      {
        op: "fsmount",
        fstype: "overlay",
        source: "x",
        options: [["lowerdir+", "/nowhere"]],
        attrs: [],
        as: "a",
      },
    ],
    "ENOENT",
    /lowerdir/,
  ],
  [
    "a mount of something missing",
    [{ op: "mount", source: "/nowhere", target: "/nowhere", fstype: "bind", attrs: [], data: "" }],
    "ENOENT",
    /source "\/nowhere" target "\/nowhere"/,
  ],
  ["a mount that is none", [{ op: "umount", path: "/usr", detach: true }], "EINVAL", /"\/usr"/],
  [
    "a pid that is gone",
    [{ op: "pidfdOpen", pid: 2 ** 22 - 1, startTime: 0, as: "a" }],
    "ESRCH",
    /pid 4194303/,
  ],
  [
    "a pid that means another process",
    [{ op: "pidfdOpen", pid: 1, startTime: 987654321, as: "a" }],
    "ESRCH",
    /another process/,
  ],
  [
    "a namespace that is none",
    [
      { op: "open", path: "/etc/passwd", flags: ["rdonly"], as: "a" },
      { op: "setns", fd: "a", namespaces: ["net"] },
    ],
    "EINVAL",
    /namespaces/,
  ],
  ["a cgroup that is none", [{ op: "cgroupJoin", path: "/tmp" }], "EXDEV", /no cgroup: "\/tmp"/],
  ["an interface that is none", [{ op: "linkUp", name: "vt-none0" }], "ENODEV", /"vt-none0"/],
  [
    "a filter that is no program",
    [{ op: "noNewPrivs" }, { op: "seccomp", filter: new Uint8Array(8), flags: [] }],
    "EINVAL",
    /filter/,
  ],
  [
    "half an instruction",
    [{ op: "seccomp", filter: new Uint8Array(7), flags: [] }],
    "EINVAL",
    /whole number/,
  ],
  [
    "awaitStart without a slot to wait on",
    [{ op: "closeRange", from: 3, keep: ["console"] }],
    "EBADF",
    /keep/,
  ],
  ["a barrier that nobody shares", [{ op: "await", barrier: "alone" }], "EBADF", /barrier/],
  [
    "an id map without a child",
    [{ op: "idMap", child: "init", uid: [], gid: [] }],
    "ESRCH",
    /child/,
  ],
];

describe("an op of oci", () => {
  it.each(hostFailures)("that meets %s says so", async (_what, ops, errno, message) => {
    const result = await runPlan(oci(...ops));
    expect(result.failure).toMatchObject({ errno, process: "oci", index: ops.length - 1 });
    expect(result.failure?.op).toBe(ops.at(-1)?.op);
    expect(result.failure?.message).toMatch(message);
    expect(result.ociExit).toBe(1);
  });

  it("takes the host's mounts of its Plan away again when a later one fails", async () => {
    mkdirSync(root.path("point"));
    const result = await runPlan(
      oci(
        {
          op: "mount",
          source: "x",
          target: root.path("point"),
          fstype: "tmpfs",
          attrs: [],
          data: "size=1m",
        },
        { op: "fsmount", fstype: "tmpfs", source: "y", options: [], attrs: [], as: "more" },
        { op: "moveMount", fd: "more", path: root.path("point/inner"), create: "directory" },
        { op: "rmdir", path: "/nowhere" },
      ),
    );
    expect(result.failure?.op).toBe("rmdir");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(root.directory);
  });

  it("goes on past an errno that the Plan ignores, and reports it", async () => {
    const result = await runPlan({
      name: "ignoring",
      steps: [
        { process: "oci", op: { op: "rmdir", path: "/nowhere" }, ignore: ["EBUSY", "ENOENT"] },
        { process: "oci", op: { op: "mkdir", path: root.path("made"), mode: 0o711 } },
      ],
    });
    expect(result.failure).toBeUndefined();
    expect(result.ociExit).toBe(0);
    expect(result.reports[0]).toMatchObject({ errno: 2, ignored: true });
    expect(statSync(root.path("made")).mode & 0o7777).toBe(0o711);
  });

  it("kills the process it started when it fails afterwards", async () => {
    const plan: Plan = {
      name: "late",
      steps: [
        { process: "oci", op: { op: "clone3", child: "init", namespaces: ["pid", "mnt"] } },
        { process: "init", op: { op: "awaitStart" } },
        { process: "oci", op: { op: "rmdir", path: "/nowhere" } },
      ],
    };
    const result = await runPlan(plan, { start: "held" });
    expect(result.failure).toMatchObject({ op: "rmdir", process: "oci" });
    const pid = result.reports.find(({ index }) => index === 0)?.result ?? 0;
    expect(pid).toBeGreaterThan(0);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it("hears at a barrier that the other process has failed", async () => {
    const result = await runPlan(
      steps(
        ["oci", { op: "clone3", child: "init", namespaces: [] }],
        ["init", { op: "rmdir", path: "/nowhere" }],
        ["init", { op: "release", barrier: "ready" }],
        ["oci", { op: "await", barrier: "ready" }],
      ),
    );
    expect(result.failure).toMatchObject({ op: "rmdir", process: "init", errno: "ENOENT" });
    expect(result.reports.find(({ index }) => index === 3)?.errno).toBe(125);
    expect(result.ociExit).toBe(1);
  });

  it("meets the other process at barriers, in both directions", async () => {
    const result = await runPlan(
      steps(
        ["oci", { op: "clone3", child: "init", namespaces: [] }],
        ["init", { op: "await", barrier: "go" }],
        ["init", { op: "mkdir", path: root.path("met"), mode: 0o700 }],
        ["init", { op: "release", barrier: "done" }],
        ["oci", { op: "release", barrier: "go" }],
        ["oci", { op: "await", barrier: "done" }],
        ["oci", { op: "rmdir", path: root.path("met") }],
      ),
    );
    expect(result.failure).toBeUndefined();
    expect(existsSync(root.path("met"))).toBe(false);
  });
});

describe("a command that cannot be run", () => {
  const commands: readonly (readonly [string, string, string, RegExp])[] = [
    ["is not there", "/bin/none", "ENOENT", /"\/bin\/none": No such file/],
    ["is not in PATH", "none", "ENOENT", /"none": executable file not found in \$PATH/],
    ["is empty", "", "ENOENT", /empty/],
    ["is a directory", "/work", "EACCES", /"\/work": is a directory/],
    ["is not executable", "/etc/plain", "EACCES", /not executable/],
    ["is not executable in PATH", "plain", "EACCES", /"\/etc\/plain": permission denied or not/],
    ["has an interpreter that is not there", "/bin/script", "ENOENT", /interpreter or loader/],
    ["is no program", "/bin/text", "ENOEXEC", /no program of this machine/],
  ];

  it.each(commands)("because it %s", async (_what, path, errno, message) => {
    writeFileSync(root.path("root/etc/plain"), "x", { mode: 0o644 });
    writeFileSync(root.path("root/bin/script"), "#!/nowhere/sh\n", { mode: 0o755 });
    writeFileSync(root.path("root/bin/text"), "just text", { mode: 0o755 });
    const plan = containerPlan({ root: root.root, path, probe: [], env: ["PATH=/bin:/etc"] });
    const result = await runPlan(plan);
    expect(result.failure).toMatchObject({ op: "execve", errno, process: "init" });
    expect(result.failure?.message).toMatch(message);
    expect(result.exit).toBe(128);
    // "created" was reached, and execve was announced: only the program itself is missing.
    expect(result.records.map(({ kind }) => kind)).toContain("ready");
  });

  it("is looked for in PATH as execvp does, with a default where there is no PATH", async () => {
    writeFileSync(root.path("root/work/probe"), "x", { mode: 0o644 });
    for (const env of [["PATH=/nowhere:/work:/bin"], []]) {
      const plan = containerPlan({ root: root.root, path: "probe", probe: ["say", "found"], env });
      expect((await runPlan(plan)).output).toBe("found\n");
    }
  });
});

describe("paths inside a root", () => {
  const inRoot = (op: Op) =>
    runPlan(containerPlan({ root: root.root, bare: true, probe: ["ls", "/"], mounts: [op] }));

  it("are made through symlinks of the image, dangling ones too, as /var/run is one", async () => {
    symlinkSync("/run", root.path("root/var-run"));
    symlinkSync("../plain/inner", root.path("root/work/relative"));
    for (const path of ["/var-run/secrets/token", "/work/relative/new", "/a//b/./c/"]) {
      const result = await inRoot({ op: "mkdir", at: "rootfs", path, mode: 0o750, parents: true });
      expect(result.failure, path).toBeUndefined();
    }
    expect(statSync(root.path("root/run/secrets/token")).mode & 0o7777).toBe(0o750);
    expect(statSync(root.path("root/run/secrets")).mode & 0o7777).toBe(0o755);
    expect(existsSync(root.path("root/plain/inner/new"))).toBe(true);
    expect(existsSync(root.path("root/a/b/c"))).toBe(true);
  });

  it.each([
    ["a loop of symlinks", "/loop/x", "ELOOP"],
    ["a file in the way", "/bin/probe/x", "ENOTDIR"],
    ["a name that is too long", `/${"n".repeat(256)}`, "ENAMETOOLONG"],
    ["dots below nothing", "/none/../../x/y", "EINVAL"],
  ])("meet %s", async (_what, path, errno) => {
    symlinkSync("loop", root.path("root/loop"));
    const result = await inRoot({ op: "mkdir", at: "rootfs", path, mode: 0o755, parents: true });
    expect(result.failure).toMatchObject({ op: "mkdir", errno });
  });
});

describe("vitrine-oci itself", () => {
  const empty: Plan = { name: "none", steps: [] };

  it("refuses a malformed Plan as a whole", async () => {
    const good = encodePlan(oci({ op: "setsid" }, { op: "umask", mask: 0 }));
    const bad = good.slice();
    bad[12 + 8] = 99; // the second op's opcode
    const result = await runPlan(empty, { encoded: bad });
    expect(result.failure).toMatchObject({ op: "library", errno: "EINVAL", index: -1 });
    expect(result.failure?.detail).toContain("malformed at op 1");
    const cut = await runPlan(empty, { encoded: good.subarray(0, good.length - 1) });
    expect(cut.failure?.errno).toBe("EINVAL");
  });

  it("knows every op the encoder can write, and the fuzzer starts from all of them", async () => {
    const plan: Plan = {
      name: "every op",
      steps: everyOp.map((op) => ({ process: "exec", op, ignore: ["ENOENT"] })),
    };
    // Well-formed and without an op of oci: accepted, and nothing to do.
    const result = await runPlan(plan);
    expect(result.ociExit).toBe(0);
    expect(result.reports).toEqual([]);
    const corpus = new URL("every-op.plan", import.meta.url);
    if (process.env["UPDATE_CORPUS"] === "1") writeFileSync(corpus, encodePlan(plan));
    expect(Buffer.compare(readFileSync(corpus), encodePlan(plan))).toBe(0);
  });

  it("refuses ops that belong to the daemon", async () => {
    const result = await runPlan(
      steps(["oci", { op: "setsid" }], ["host", { op: "rmdir", path: "/nowhere" }]),
    );
    expect(result.failure).toMatchObject({ op: "rmdir", errno: "EINVAL", index: 1 });
  });

  it.each([["3"], ["3", "4", "5"], ["3", "4", "start=99"], ["3", "4", "other=5"], ["3x", "4"]])(
    "started with %j says what is wrong and ends with 2",
    async (...args) => {
      const result = await runPlan(empty, {
        wrapper: [nativePath("vitrine-oci"), ...args, "--"],
      });
      expect(result.ociExit).toBe(2);
      expect(result.output).toMatch(/^vitrine-oci: .+\n$/);
    },
  );

  /** Numbers that all architectures share. */
  it.each([
    ["openat2", 437],
    ["close_range", 436],
    ["clone3", 435],
    ["mount_setattr", 442],
    ["open_tree", 428],
  ])(
    "on a kernel without %s fails with a clear reason and leaves nothing",
    async (name, number) => {
      const plan = containerPlan({
        root: root.root,
        probe: ["say", "never"],
        inside: [{ op: "readonlyPath", path: "/proc/sys" }],
      });
      const result = await runPlan(plan, {
        wrapper: [nativePath("vitrine-probe"), "nosys", String(number)],
      });
      expect(result.output).not.toContain("never");
      const reason = `${result.failure?.message ?? ""}${result.output}`;
      expect(reason).toMatch(name === "close_range" ? /Linux 5\.12 or newer/ : /ENOSYS/);
    },
  );
});
