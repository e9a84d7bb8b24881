/** User namespaces, and a second process in a running container. */
import { chmodSync, readFileSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IdMapping, Op, Plan } from "../../apps/runtime/src/kernel/index.ts";
import { containerPlan, standardMounts } from "./container-plan.ts";
import { allSaid, hostState, runPlan, said, TestRoot } from "./harness.ts";

let root: TestRoot;
let before: string;

beforeEach(() => {
  root = new TestRoot();
  chmodSync(root.directory, 0o755);
  before = hostState(root);
});

afterEach(() => {
  expect(hostState(root)).toBe(before);
  root.remove();
});

const shift: readonly IdMapping[] = [{ containerId: 0, hostId: 100000, size: 65536 }];

/** Field 22 of /proc/pid/stat. */
function startTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

function userNamespacePlan(probe: readonly string[], uid: readonly IdMapping[] = shift): Plan {
  const mounts = standardMounts().filter(({ op }) => op !== "mknod");
  const init: readonly Op[] = [
    { op: "setresgid", gid: 0 },
    { op: "setresuid", uid: 0 },
    { op: "setsid" },
    { op: "propagate", path: "/", propagation: "private", recursive: true },
    { op: "openTree", path: root.root, clone: true, recursive: true, as: "rootfs" },
    { op: "moveMount", fd: "rootfs", path: root.root },
    ...mounts,
    { op: "mknod", at: "rootfs", path: "/dev/null", type: "file", mode: 0o666 },
    { op: "openTree", path: "/dev/null", clone: true, recursive: false, as: "null" },
    { op: "moveMount", fd: "null", at: "rootfs", path: "/dev/null" },
    { op: "pivotRoot", root: "rootfs" },
    { op: "maskPath", path: "/proc/timer_list" },
    { op: "readonlyPath", path: "/proc/bus" },
    { op: "sethostname", name: "mapped" },
    { op: "sysctl", key: "net.ipv4.ip_forward", value: "1" },
    { op: "awaitStart" },
    { op: "execve", path: "/bin/probe", argv: ["probe", ...probe], env: [] },
  ];
  return {
    name: "user namespace",
    steps: [
      {
        process: "oci",
        op: {
          op: "clone3",
          child: "init",
          namespaces: ["user", "mnt", "pid", "net", "ipc", "uts"],
        },
      },
      { process: "oci", op: { op: "idMap", child: "init", uid, gid: shift } },
      ...init.map((op) => ({ process: "init" as const, op })),
    ],
  };
}

describe("a container in a user namespace", () => {
  it("has a root that is nobody on the host", async () => {
    const plan = userNamespacePlan(["id", "+", "caps", "+", "uts", "+", "sleep", "0.05"]);
    let owner = -1;
    const result = await runPlan(plan, {
      start: "held",
      running: (pid, release) => {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        owner = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
        expect(readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/)).toEqual([
          "0",
          "100000",
          "65536",
        ]);
        expect(statSync(`/proc/${pid}/ns/user`).ino).not.toBe(statSync("/proc/self/ns/user").ino);
        release();
      },
    });
    expect(result.failure).toBeUndefined();
    expect(owner).toBe(100000);
    expect(said(result, "uid")).toBe("0 0 0");
    expect(said(result, "hostname")).toBe("mapped");
  });

  it("ends when its maps cannot be written", async () => {
    const twice: readonly IdMapping[] = [...shift, ...shift];
    const result = await runPlan(userNamespacePlan(["say", "never"], twice));
    expect(result.failure).toMatchObject({ op: "idMap", errno: "EINVAL", detail: "uid_map" });
    expect(result.output).toBe("");
  });
});

describe("a second process in a container", () => {
  const allNamespaces = ["mnt", "pid", "net", "ipc", "uts", "cgroup"] as const;

  function execPlan(pid: number, time: number, command: readonly string[], cwd = "/"): Plan {
    const exec: readonly Op[] = [
      { op: "setsid" },
      { op: "oomScoreAdj", value: 400, clamp: false },
      { op: "chdir", path: cwd },
      { op: "closeRange", from: 3, keep: [] },
      { op: "execve", path: "/bin/probe", argv: ["probe", ...command], env: ["A=b"] },
    ];
    return {
      name: "exec",
      steps: [
        { process: "oci", op: { op: "pidfdOpen", pid, startTime: time, as: "target" } },
        { process: "oci", op: { op: "setns", fd: "target", namespaces: allNamespaces } },
        { process: "oci", op: { op: "clone3", child: "exec", namespaces: [] } },
        ...exec.map((op) => ({ process: "exec" as const, op })),
      ],
    };
  }

  it("sees what the first one sees, and has its own pid, session and score", async () => {
    const container = containerPlan({ root: root.root, probe: ["ns", "+", "sleep", "30"] });
    let inside: Awaited<ReturnType<typeof runPlan>> | undefined;
    let escaped: typeof inside;
    let stale: typeof inside;
    const outer = await runPlan(container, {
      start: "held",
      running: async (pid, release) => {
        const time = startTime(pid);
        inside = await runPlan(
          execPlan(pid, time, [
            "id",
            "+",
            "ns",
            "+",
            "env",
            "+",
            "fds",
            "+",
            "exe",
            "1",
            "+",
            "cat",
            "/proc/self/oom_score_adj",
          ]),
        );
        escaped = await runPlan(execPlan(pid, time, ["cwd"], "/proc/self/fd/7"));
        stale = await runPlan(execPlan(pid, time + 1, ["cwd"]));
        release();
        process.kill(pid, "SIGKILL");
      },
    });
    expect(outer.failure).toBeUndefined();
    expect(inside?.failure).toBeUndefined();
    expect(inside?.exit).toBe(0);
    expect(said(inside as never, "pid")).toBe("2");
    expect(said(inside as never, "sid")).toBe("2");
    expect(said(inside as never, "ppid")).toBe("0");
    expect(allSaid(inside as never, "env")).toEqual(["A=b"]);
    expect(allSaid(inside as never, "fd")).toEqual(["0 char", "1 file", "2 file"]);
    expect(said(inside as never, "content /proc/self/oom_score_adj")).toBe("400");
    // init, not yet started, is the sealed executor: from within it cannot be written either.
    expect(Number(said(inside as never, "exe 1"))).toBeGreaterThan(0);
    expect(escaped?.failure).toMatchObject({ op: "chdir", process: "exec" });
    expect(stale?.failure).toMatchObject({ op: "pidfdOpen", errno: "ESRCH" });
  });
});
