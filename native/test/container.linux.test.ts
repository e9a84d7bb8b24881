/** A whole container, made by the real vitrine-oci: what the program inside sees is what the Plan says. */
import { readFileSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Op } from "../../apps/runtime/src/kernel/index.ts";
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

/** BPF: the named system call answers EPERM, all others pass. x86-64 and arm64 differ in numbers. */
function denySyscall(number: number): Uint8Array {
  const words = [
    [0x20, 0, 0, 0], // load the number
    [0x15, 0, 1, number],
    [0x06, 0, 0, 0x00050001], // SECCOMP_RET_ERRNO | EPERM
    [0x06, 0, 0, 0x7fff0000],
  ] as const;
  const bytes = new Uint8Array(words.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, [code, whenTrue, whenFalse, k]] of words.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, whenTrue);
    view.setUint8(index * 8 + 3, whenFalse);
    view.setUint32(index * 8 + 4, k, true);
  }
  return bytes;
}

const sethostnameNumber = process.arch === "x64" ? 170 : 161;

const identity: readonly Op[] = [
  { op: "capBounding", keep: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"] },
  { op: "setgroups", groups: [1001, 2002] },
  { op: "setresgid", gid: 1001 },
  { op: "keepCaps", on: true },
  { op: "setresuid", uid: 1000 },
  {
    op: "capset",
    effective: ["CAP_KILL"],
    permitted: ["CAP_KILL"],
    inheritable: ["CAP_KILL"],
    ambient: ["CAP_KILL"],
  },
  { op: "noNewPrivs" },
  { op: "seccomp", filter: denySyscall(sethostnameNumber), flags: [] },
];

describe("a container", () => {
  it("has its own namespaces, mounts, name and nothing of the host's", async () => {
    const plan = containerPlan({
      root: root.root,
      probe: ["id", "+", "ns", "+", "mounts", "+", "uts", "+", "fds", "+", "cwd", "+", "ls", "/"],
      inside: [
        { op: "sethostname", name: "inside" },
        { op: "setdomainname", name: "example" },
        { op: "linkUp", name: "lo" },
        { op: "sysctl", key: "net.ipv4.ip_forward", value: "1" },
      ],
    });
    const result = await runPlan(plan);
    expect(result.failure).toBeUndefined();
    expect(result.exit).toBe(0);
    expect(said(result, "pid")).toBe("1");
    expect(said(result, "sid")).toBe("1");
    expect(said(result, "hostname")).toBe("inside");
    expect(said(result, "domainname")).toBe("example");
    expect(said(result, "cwd")).toBe("/");
    for (const type of ["mnt", "pid", "net", "ipc", "uts", "cgroup"]) {
      const inode = String(statSync(`/proc/self/ns/${type}`).ino);
      expect(said(result, `ns ${type}`)).not.toBe(inode);
    }
    expect(said(result, "ns user")).toBe(String(statSync("/proc/self/ns/user").ino));
    const points = allSaid(result, "mount").map((line) => line.split(" ")[4]);
    expect(points.sort()).toEqual(["/", "/dev", "/dev/pts", "/proc", "/sys"]);
    expect(allSaid(result, "entry /").sort()).toEqual([
      "bin",
      "dev",
      "etc",
      "plain",
      "proc",
      "sys",
      "tmp",
      "work",
    ]);
    expect(allSaid(result, "fd")).toEqual(["0 char", "1 file", "2 file"]);
    expect(reportOf(plan, result, "clone3")?.result).toBeGreaterThan(1);
  });

  it("runs as the user, with the capabilities, limits and filter of the Plan", async () => {
    const plan = containerPlan({
      root: root.root,
      probe: [
        "id",
        "+",
        "caps",
        "+",
        "signals",
        "+",
        "rlimits",
        "+",
        "umask",
        "+",
        "env",
        "+",
        "try",
        "sethostname",
        "+",
        "try",
        "getpid",
        "+",
        "try",
        "setuid",
        "+",
        "cat",
        "/proc/self/oom_score_adj",
      ],
      inside: [
        { op: "rlimit", type: "nofile", soft: 100, hard: 200 },
        { op: "rlimit", type: "core", soft: 0, hard: 0 },
        { op: "oomScoreAdj", value: 500, clamp: false },
        { op: "umask", mask: 0o027 },
      ],
      last: identity,
      env: ["PATH=/bin", "A=with = sign", "EMPTY="],
    });
    const result = await runPlan(plan);
    expect(result.failure).toBeUndefined();
    expect(said(result, "uid")).toBe("1000 1000 1000");
    expect(said(result, "gid")).toBe("1001 1001 1001");
    expect(said(result, "groups")).toBe("1001 2002");
    const kill = (1n << 5n).toString(16).padStart(16, "0");
    expect(result.lines).toContain(`CapInh:\t${kill}`);
    expect(result.lines).toContain(`CapEff:\t${kill}`);
    expect(result.lines).toContain(`CapAmb:\t${kill}`);
    expect(result.lines).toContain(
      `CapBnd:\t${(0x1n | (1n << 5n) | (1n << 10n)).toString(16).padStart(16, "0")}`,
    );
    expect(result.lines).toContain("NoNewPrivs:\t1");
    expect(result.lines).toContain("Seccomp:\t2");
    expect(result.lines).toContain("SigIgn:\t0000000000000000");
    expect(result.lines).toContain("SigBlk:\t0000000000000000");
    expect(said(result, "rlimit 7")).toBe("100 200");
    expect(said(result, "rlimit 4")).toBe("0 0");
    expect(said(result, "umask")).toBe("0027");
    expect(allSaid(result, "env")).toEqual(["PATH=/bin", "A=with = sign", "EMPTY="]);
    expect(said(result, "try sethostname")).toBe("1");
    expect(said(result, "try getpid")).toBe("0");
    expect(said(result, "try setuid")).toBe("1");
    expect(said(result, "content /proc/self/oom_score_adj")).toBe("500");
  });

  it("owns its stdio when the Plan says so, but never the host's /dev/null", async () => {
    const give = (at: string): Op => ({ op: "chown", at, path: "", uid: 1000, gid: -1 });
    const plan = containerPlan({
      root: root.root,
      probe: ["say", "hi"],
      last: [give("stdin"), give("stdout"), give("stderr"), ...identity],
    });
    const result = await runPlan(plan);
    expect(result.failure).toBeUndefined();
    expect(result.owners).toEqual({ stdout: "1000:0", stdin: "0:0" });
    expect(reportOf(plan, result, "chown")?.detail).toBe("/dev/null is left as it is");
  });

  it("waits in the kernel until it is released, and ends when its shim is gone", async () => {
    const plan = containerPlan({ root: root.root, probe: ["say", "started"] });
    const started = await runPlan(plan);
    const kinds = started.records.map(({ kind }) => kind).filter((kind) => kind !== "op");
    expect(kinds).toEqual(["ready", "exec"]);
    expect(started.output).toBe("started\n");

    const orphaned = await runPlan(plan, { start: "gone" });
    expect(orphaned.output).toBe("");
    expect(orphaned.exit).toBe(128);
    expect(orphaned.failure).toMatchObject({ op: "awaitStart", errno: "ECANCELED" });
  });

  it("masks files and directories, and makes paths read-only with what lies below", async () => {
    const plan = containerPlan({
      root: root.root,
      probe: [
        "cat",
        "/proc/timer_list",
        "+",
        "ls",
        "/sys/firmware",
        "+",
        "ls",
        "/plain",
        "+",
        "write",
        "/proc/sys/kernel/hostname",
        "x",
        "+",
        "write",
        "/etc/x",
        "y",
        "+",
        "stat",
        "/proc/timer_list",
        "+",
        "mounts",
      ],
      inside: [
        ...["/proc/timer_list", "/proc/keys", "/sys/firmware", "/plain", "/not/there"].map(
          (path): Op => ({ op: "maskPath", path }),
        ),
        { op: "readonlyPath", path: "/proc/sys" },
        { op: "readonlyPath", path: "/etc" },
        { op: "readonlyPath", path: "/not/there" },
      ],
    });
    const result = await runPlan(plan);
    expect(result.failure).toBeUndefined();
    expect(said(result, "content /proc/timer_list")).toBe("");
    expect(said(result, "stat /proc/timer_list")).toMatch(/ 1:3 /);
    expect(allSaid(result, "entry /sys/firmware")).toEqual([]);
    expect(allSaid(result, "entry /plain")).toEqual([]);
    expect(result.lines).toContain("error write /proc/sys/kernel/hostname 30");
    expect(result.lines).toContain("error write /etc/x 30");
    // All masked directories are one file system.
    const masks = allSaid(result, "mount").filter((line) => / \/(sys\/firmware|plain) /.test(line));
    expect(new Set(masks.map((line) => line.split(" ")[2])).size).toBe(1);
    expect(masks.every((line) => line.includes(" ro,"))).toBe(true);
  });

  it("has its root on overlayfs, and writes go to the upper layer only", async () => {
    const plan = containerPlan({
      root: root.path("merged"),
      early: [
        { op: "mkdir", path: root.path("upper"), mode: 0o755 },
        { op: "mkdir", path: root.path("scratch"), mode: 0o755 },
        { op: "mkdir", path: root.path("merged"), mode: 0o755 },
        { op: "propagate", path: "/", propagation: "private", recursive: true },
        {
          op: "fsmount",
          fstype: "overlay",
          source: "overlay",
          options: [
            ["lowerdir+", root.root],
            ["upperdir", root.path("upper")],
            ["workdir", root.path("scratch")],
          ],
          attrs: [],
          as: "overlay",
        },
        { op: "moveMount", fd: "overlay", path: root.path("merged") },
      ],
      probe: ["write", "/etc/new", "hello", "+", "cat", "/etc/new"],
    });
    const result = await runPlan(plan);
    expect(result.failure).toBeUndefined();
    expect(said(result, "content /etc/new")).toBe("hello");
    expect(readFileSync(root.path("upper/etc/new"), "utf8")).toBe("hello");
    expect(() => statSync(root.path("root/etc/new"))).toThrow();
  });

  it("reports every op once, in order, with times that make sense", async () => {
    const plan = containerPlan({ root: root.root, probe: ["say", "hi"] });
    const { reports, records } = await runPlan(plan);
    const indexes = reports.filter(({ process }) => process === "init").map(({ index }) => index);
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
    // Every op but execve, which has become the program.
    expect(reports.length).toBe(plan.steps.length - 1);
    expect(records.at(-1)).toMatchObject({ kind: "exec", index: plan.steps.length - 1 });
    for (const { startNs, endNs } of reports) expect(endNs).toBeGreaterThanOrEqual(startNs);
    const init = reports.filter(({ process }) => process === "init");
    for (const [at, report] of init.entries()) {
      expect(report.startNs).toBeGreaterThanOrEqual(init[at - 1]?.endNs ?? 0n);
    }
  });
});
