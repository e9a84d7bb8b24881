/** A whole container as a contract case: its root is built by ops on a tmpfs, pivoted to, and a program is run there. */
import type { NamespaceType, Op, Plan, PlanStep } from "../../apps/runtime/src/kernel/index.ts";
import {
  type CaseRun,
  type Created,
  makeDirectory,
  ownDirectory,
  runToEnd,
  type Scenario,
} from "./contract-case.ts";

type Ops = readonly Op[] | ((run: CaseRun) => readonly Op[]);

export interface ContainerCase {
  /** Commands of the probe, "+" between them; or `sh`, a script for busybox; or `argv`. */
  readonly probe?: readonly string[];
  readonly sh?: string;
  readonly argv?: readonly string[];
  readonly path?: string;
  readonly env?: readonly string[];
  readonly namespaces?: readonly NamespaceType[];
  /** Ops of the host before all else. */
  readonly host?: readonly Op[];
  /** Ops of oci before clone3 and after it. */
  readonly first?: Ops;
  readonly outside?: Ops;
  /** Ops of init: before anything else; with the root in slot "rootfs"; after pivot_root; right before execve. */
  readonly early?: Ops;
  readonly mounts?: Ops;
  readonly inside?: Ops;
  readonly last?: Ops;
  /** Leaves sys and dev out. */
  readonly bare?: boolean;
  readonly cwd?: string;
  /** Controllers whose cgroup of the case the container is in; `host` makes it, `first` joins it. */
  readonly cgroups?: readonly string[];
}

const nowhere = ["nosuid", "noexec", "nodev"] as const;

const devices: readonly (readonly [string, number, number])[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
];

function directory(path: string, mode = 0o755): Op {
  return { op: "mkdir", path, mode };
}

/** The root's directories, its passwd, and the programs at /bin, read-only. */
function rootOps(run: CaseRun): Op[] {
  const text = (content: string) => new TextEncoder().encode(content);
  return [
    directory("~/root"),
    ...["bin", "proc", "sys", "dev", "etc", "work", "mnt", "plain", "plain/inner"].map((name) =>
      directory(`~/root/${name}`),
    ),
    directory("~/root/tmp", 0o1777),
    { op: "symlink", target: "bin/lib", path: "~/root/lib" },
    { op: "symlink", target: "bin/lib", path: "~/root/lib64" },
    {
      op: "writeFile",
      path: "~/root/etc/passwd",
      data: text("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n"),
      mode: 0o644,
      how: "create",
    },
    {
      op: "writeFile",
      path: "~/root/etc/group",
      data: text("root:x:0:\nuser:x:1000:\n"),
      mode: 0o644,
      how: "create",
    },
    { op: "openTree", path: run.bed.programs, clone: true, recursive: true, as: "programs" },
    { op: "moveMount", fd: "programs", path: "~/root/bin" },
    { op: "openTree", path: "~/root", clone: true, recursive: true, as: "rootfs" },
    { op: "moveMount", fd: "rootfs", path: "~/root" },
  ];
}

/** proc, sysfs and a /dev with the usual devices, as a container has them. */
export function usualMounts(bare: boolean): Op[] {
  const attach = (fd: string, path: string): Op => ({
    op: "moveMount",
    fd,
    at: "rootfs",
    path,
    create: "directory",
  });
  const made = (
    fstype: string,
    options: readonly (readonly [string, string])[],
    as: string,
  ): Op => ({
    op: "fsmount",
    fstype,
    source: fstype,
    options,
    attrs: fstype === "sysfs" ? ["rdonly", ...nowhere] : fstype === "proc" ? nowhere : ["nosuid"],
    as,
  });
  const proc = [made("proc", [], "proc"), attach("proc", "/proc")];
  if (bare) return proc;
  return [
    ...proc,
    made("sysfs", [], "sys"),
    attach("sys", "/sys"),
    made("tmpfs", [["mode", "755"]], "dev"),
    ...devices.map(
      ([path, major, minor]): Op => ({
        op: "mknod",
        at: "dev",
        path,
        type: "char",
        major,
        minor,
        mode: 0o666,
      }),
    ),
    { op: "symlink", at: "dev", path: "fd", target: "/proc/self/fd" },
    attach("dev", "/dev"),
  ];
}

function listed(run: CaseRun, ops: Ops | undefined): readonly Op[] {
  return typeof ops === "function" ? ops(run) : (ops ?? []);
}

function program(options: Pick<ContainerCase, "probe" | "sh" | "argv" | "path" | "env">): Op {
  const probe = ["probe", ...(options.probe ?? [])];
  const argv = options.argv ?? (options.sh === undefined ? probe : ["sh", "-c", options.sh]);
  const path = options.path ?? `/bin/${argv[0]}`;
  return { op: "execve", path, argv, env: options.env ?? ["PATH=/bin"] };
}

/** The Plan of such a container. */
export function containerPlan(run: CaseRun, options: ContainerCase): Plan {
  const steps: PlanStep[] = [];
  const oci = (ops: readonly Op[]) => void steps.push(...ops.map((op) => run.step("oci", op)));
  const init = (ops: readonly Op[], strict = false) =>
    void steps.push(...ops.map((op) => run.step("init", op, strict)));
  oci(listed(run, options.first));
  const namespaces = options.namespaces ?? ["mnt", "pid", "net", "ipc", "uts", "cgroup"];
  oci([{ op: "clone3", child: "init", namespaces }]);
  oci(listed(run, options.outside));
  init(listed(run, options.early));
  init([{ op: "setsid" }, ...ownDirectory, ...rootOps(run)], true);
  init(usualMounts(options.bare === true));
  init(listed(run, options.mounts));
  init([{ op: "pivotRoot", root: "rootfs" }]);
  init(listed(run, options.inside));
  init([{ op: "chdir", path: options.cwd ?? "/" }, { op: "awaitStart" }]);
  init(listed(run, options.last));
  init([{ op: "closeRange", from: 3, keep: [] }, program(options)]);
  return { name: "container", steps };
}

/** Runs the container to its end. */
export function container(options: ContainerCase): Scenario {
  return async (run) => {
    await makeDirectory(run);
    await run.host(options.host ?? []);
    const cgroups = (options.cgroups ?? []).map((name) => run.cgroup(name));
    await runToEnd(run, containerPlan(run, options), true, cgroups);
  };
}

/** Starts the container and does `meanwhile` with it; the end of the case kills it if it still runs. */
export function containerWith(
  options: ContainerCase,
  meanwhile: (run: CaseRun, created: Created) => Promise<void>,
): Scenario {
  return async (run) => {
    await makeDirectory(run);
    await run.host(options.host ?? []);
    const cgroups = (options.cgroups ?? []).map((name) => run.cgroup(name));
    const created = await run.create(containerPlan(run, options), cgroups);
    if (created === undefined || !(await run.start(created))) return;
    await meanwhile(run, created);
  };
}

/** Waits for the container's end and says its output and how it ended. */
export async function sayEnd(run: CaseRun, created: Created): Promise<void> {
  const { exitCode, oomKilled } = await run.wait(created.containerId);
  await run.sayOutput(await run.output(created), true);
  run.say(`exit ${exitCode}${oomKilled ? " by the OOM killer" : ""}`);
}

export interface ExecCase {
  readonly probe?: readonly string[];
  readonly sh?: string;
  readonly argv?: readonly string[];
  readonly path?: string;
  readonly env?: readonly string[];
  readonly namespaces?: readonly NamespaceType[];
  readonly first?: readonly Op[];
  readonly before?: readonly Op[];
  readonly timeoutMs?: number;
}

/** Executes a program in a running container, as the runtime's exec does, and says what came of it. */
export async function sayExec(run: CaseRun, created: Created, options: ExecCase): Promise<void> {
  const { pid, startTime } = created.container;
  const namespaces = options.namespaces ?? ["mnt", "pid", "net", "ipc", "uts", "cgroup"];
  const steps: PlanStep[] = [
    ...(options.first ?? []).map((op) => run.step("oci", op)),
    run.step("oci", { op: "pidfdOpen", pid, startTime, as: "container" }, true),
    run.step("oci", { op: "setns", fd: "container", namespaces }),
    run.step("oci", { op: "clone3", child: "exec", namespaces: [] }),
    run.step("exec", { op: "setsid" }),
    ...(options.before ?? []).map((op) => run.step("exec", op)),
    run.step("exec", { op: "closeRange", from: 3, keep: [] }),
    run.step("exec", program(options)),
  ];
  const result = await run.exec(
    created.containerId,
    { name: "exec", steps },
    options.timeoutMs ?? 0,
  );
  if (result === undefined) return;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).split("\n").filter(Boolean);
  await run.sayOutput(text(result.stdout), true);
  await run.sayOutput(
    text(result.stderr).map((line) => `stderr: ${line}`),
    true,
  );
  if (result.timedOut) run.say("timed out");
  else if (result.exitCode !== 0) run.say(`exit ${result.exitCode}`);
}
