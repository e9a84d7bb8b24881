/**
 * Compiled Plans on the real kernel: what the process inside sees is what was asked for, and the same
 * spec gives the same picture under runc. Every test makes its own root, cgroups and pause process.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ContainerConfig, LinuxContainerSecurityContext } from "../api/index.ts";
import { type HostFiles, KernelError, type Plan } from "../kernel/index.ts";
import { encodePlan } from "../kernel/linux/encode.ts";
import { readHostFacts } from "../kernel/linux/facts.ts";
import { decodeRecords, failureOf, opReports, type ReportRecord } from "../kernel/linux/report.ts";
import { compileSeccomp } from "../kernel/linux/seccomp.ts";
import { compileContainer, compileExec, compileSandbox } from "./compile.ts";
import {
  containerConfig,
  containerRequest,
  containerSecurity,
  mount,
  namespaceOptions,
  resources,
  sandboxRequest,
} from "./fixture/requests.ts";
import { prepareContainer, prepareSandbox } from "./prepare.ts";
import { type ContainerRequest, defaultRuntimeOptions, type ProcessIdentity } from "./request.ts";
import type { OciSpec } from "./spec.ts";

const executor = fileURLToPath(new URL("../../../../native/build/vitrine-oci", import.meta.url));
const facts = readHostFacts();
const options = { ...defaultRuntimeOptions, cgroupParent: `/vt-oci-${process.pid}` };

/** What the container can tell of itself; addresses, ids and times that differ anyway are left out. */
const look = String.raw`
id
hostname
cd /proc/self
grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Umask)' status
cut -d' ' -f5,6,7- mountinfo | sed 's/ - / /; s/master:[0-9]*//; s/shared:[0-9]*/shared/; ' | tr -s ' ' | cut -d' ' -f1-4 | sort
ls -ln /dev | awk '{print $1,$3,$4,$5,$6,$NF}' | grep -v '^total' | sort
cat oom_score_adj
grep -E 'open files|processes' limits | tr -s ' '
ls /proc/self/fd | sort -n | tr '\n' ' '
env | sort
pwd
cat /proc/kcore 2>&1 | head -c 20
touch /proc/sys/kernel/x 2>&1
umask
`;

let directory: string;
let pause: ChildProcess;
let made: string[];

beforeEach(async () => {
  directory = mkdtempSync("/tmp/vt-oci-");
  const root = join(directory, "rootfs");
  for (const name of ["bin", "etc", "tmp", "proc", "sys", "dev", "private"]) {
    mkdirSync(join(root, name), { recursive: true, mode: name === "private" ? 0o700 : 0o755 });
  }
  cpSync(realpathSync("/usr/bin/busybox"), join(root, "bin/busybox"));
  copyLibraries("/usr/bin/busybox", root);
  for (const name of [
    "sh",
    "id",
    "hostname",
    "grep",
    "cut",
    "sed",
    "tr",
    "sort",
    "ls",
    "cat",
    "env",
  ]
    .concat([
      "head",
      "touch",
      "umask",
      "awk",
      "mount",
      "sleep",
      "mkdir",
      "chmod",
      "mknod",
      "dd",
      "wc",
    ])
    .concat(["stat", "readlink", "tty", "true"])) {
    symlinkSync("busybox", join(root, "bin", name));
  }
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\napp:x:1000:\nextra:x:2000:app\n");
  for (const name of ["hostname", "hosts", "resolv.conf"])
    writeFileSync(join(directory, name), `${name}\n`);
  mkdirSync(join(directory, "shm"));
  execFileSync("mount", ["--bind", root, root]);
  pause = spawn("unshare", ["-n", "-i", "-u", "sleep", "100"], { stdio: "ignore" });
  await waitFor(() => commandOf(pause.pid) === "sleep");
  execFileSync("nsenter", ["-u", "-t", String(pause.pid), "hostname", "inside"]);
  made = [];
});

afterEach(() => {
  for (const path of made) killAll(path);
  pause.kill("SIGKILL");
  execFileSync("umount", ["-R", join(directory, "rootfs")]);
  rmSync(directory, { recursive: true });
  for (const path of made.reverse()) removeCgroup(path);
  for (const hierarchy of facts.cgroups) removeCgroup(`${hierarchy.path}${options.cgroupParent}`);
  // runc also makes one in the hierarchy without controllers.
  removeCgroup(`/sys/fs/cgroup/systemd${options.cgroupParent}`);
});

/** Debian's busybox is not static: it needs its loader and libraries at their places. */
function copyLibraries(program: string, root: string): void {
  const listed = spawnSync("ldd", [program], { encoding: "utf8" }).stdout;
  for (const [library] of listed.matchAll(/\/\S+/g)) {
    cpSync(realpathSync(library), join(root, library), { recursive: true });
  }
}

/** Whatever a failed test has left running in its cgroups. */
function killAll(cgroup: string): void {
  if (!existsSync(cgroup)) return;
  const pids = readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
  for (const pid of pids) process.kill(Number(pid), "SIGKILL");
}

function removeCgroup(path: string): void {
  for (let attempt = 0; existsSync(path); attempt += 1) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (attempt > 100) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

const hostFiles: HostFiles = {
  read: async (path) => (existsSync(path) ? readFileSync(path) : undefined),
  readInRoot: async (root, path) => {
    const full = join(root, path);
    if (!existsSync(full)) return undefined;
    if (statSync(full).isFile()) return readFileSync(full);
    throw new KernelError({ errno: "EINVAL", op: "library", detail: full, message: "no file" });
  },
  list: async () => undefined,
  stat: async (path) => {
    if (!existsSync(path)) return undefined;
    const { mode, uid, gid, size, rdev } = statSync(path);
    const type = { 4: "directory", 2: "char", 6: "block" } as const;
    return {
      type: type[(mode >> 12) as 2 | 4 | 6] ?? "file",
      ...{ mode, uid, gid, size, major: (rdev >> 8) & 0xfff, minor: rdev & 0xff, mtimeNs: 0n },
    };
  },
  real: async (path) => (existsSync(path) ? realpathSync(path) : undefined),
  usage: async () => ({ bytes: 0, inodes: 0 }),
  space: async () => ({ totalBytes: 0, freeBytes: 0 }),
};

function identity(pid: number): ProcessIdentity {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return { pid, startTime: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) };
}

function commandOf(pid: number | undefined): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let attempt = 0; !condition(); attempt += 1) {
    if (attempt > 500) throw new Error("waited too long");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

interface Running {
  readonly pid: number;
  /** Releases `awaitStart`. */
  start(): void;
  /** Ends the executor's wait without releasing it. */
  abandon(): void;
  /** Everything written to stdout and stderr, once both are closed. */
  readonly output: Promise<string>;
}

/** Runs a Plan in vitrine-oci until its last process is born or waits; throws what the kernel refused. */
async function run(plan: Plan): Promise<Running> {
  const file = join(directory, "plan");
  writeFileSync(file, encodePlan(plan));
  const fd = openSync(file, "r");
  const child = spawn(executor, ["3", "4", "start=5"], {
    stdio: ["ignore", "pipe", "pipe", fd, "pipe", "pipe"],
  });
  closeSync(fd);
  const output = Promise.all([collect(child.stdout), collect(child.stderr)]).then((all) =>
    all.join(""),
  );
  const records: ReportRecord[] = [];
  let rest = Buffer.alloc(0);
  const reports = child.stdio[4] as NodeJS.ReadableStream;
  await new Promise<void>((resolve) => {
    reports.on("data", (bytes: Buffer) => {
      const decoded = decodeRecords(Buffer.concat([rest, bytes]));
      rest = Buffer.concat([rest, bytes]).subarray(decoded.consumed);
      records.push(...decoded.records);
      if (records.some((record) => record.kind === "ready")) resolve();
    });
    reports.on("end", resolve);
  });
  const failure = failureOf(plan, opReports(records));
  if (failure !== undefined) throw failure;
  const gate = (child.stdio as readonly unknown[])[5] as NodeJS.WritableStream;
  const index = plan.steps.findIndex((step) => step.op.op === "clone3");
  const pid = records.find((record) => record.index === index)?.result ?? 0;
  return { pid, start: () => void gate.write("x"), abandon: () => gate.end(), output };
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = "";
  if (stream !== null) for await (const chunk of stream) text += String(chunk);
  return text;
}

/** The library's Plans, run by the executor: the ops are the same. */
async function runHost(plan: Plan): Promise<void> {
  const steps = plan.steps.map((step) => ({ ...step, process: "oci" as const }));
  await run({ ...plan, steps });
}

interface Wanted {
  readonly security?: Partial<LinuxContainerSecurityContext>;
  readonly config?: Partial<ContainerConfig>;
  readonly script?: string;
  readonly request?: Partial<ContainerRequest>;
}

async function compile(id: string, wanted: Wanted) {
  const securityContext = containerSecurity({
    maskedPaths: ["/proc/kcore", "/proc/acpi", "/nothing/there"],
    readonlyPaths: ["/proc/sys", "/proc/bus"],
    ...wanted.security,
  });
  const request = containerRequest({
    facts,
    options,
    id,
    image: { Cmd: ["sh", "-c", wanted.script ?? look], Env: ["PATH=/bin", "FROM=image"] },
    rootfs: join(directory, "rootfs"),
    files: {
      hostname: join(directory, "hostname"),
      hosts: join(directory, "hosts"),
      resolvConf: join(directory, "resolv.conf"),
      shm: join(directory, "shm"),
    },
    config: containerConfig({
      linux: { securityContext, resources: resources() },
      ...wanted.config,
    }),
    ...wanted.request,
  });
  const groundwork = await prepareContainer(hostFiles, request);
  const { seccompProfile } = groundwork;
  const seccompFilter = seccompProfile === undefined ? undefined : compileSeccomp(seccompProfile);
  const around = { pause: identity(pause.pid ?? 0), seccompFilter };
  return { ...compileContainer(request, groundwork, around), seccompFilter };
}

async function create(wanted: Wanted) {
  const id = `c${made.length}`;
  const compiled = await compile(id, wanted);
  made.push(...compiled.cgroupPaths);
  await runHost(compiled.cgroupPlan);
  return { ...compiled, running: await run(compiled.plan) };
}

/** Output of the whole life of a container. */
async function outputOf(wanted: Wanted): Promise<string> {
  const { running } = await create(wanted);
  running.start();
  return running.output;
}

/** The same under runc, from the spec as config.json. */
function runcOutput(spec: OciSpec): string {
  const bundle = join(directory, "bundle");
  mkdirSync(bundle, { recursive: true });
  writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
  const state = join(directory, "runc");
  const id = `vt-${process.pid}-${made.length}`;
  const command = `runc --root ${state} run -b ${bundle} ${id} 2>&1`;
  return spawnSync("sh", ["-c", command], { encoding: "utf8" }).stdout;
}

/** Lines in both, lines only ours, lines only runc's. */
function difference(ours: string, theirs: string): string[] {
  const left = ours.split("\n");
  const right = theirs.split("\n");
  return [
    ...left.filter((line) => !right.includes(line)).map((line) => `ours   ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `theirs ${line}`),
  ];
}

describe("the same spec under runc and under the Plan", () => {
  async function compare(wanted: Wanted): Promise<string[]> {
    const { spec, running } = await create(wanted);
    running.start();
    return difference(await running.output, runcOutput(spec));
  }
  // Ours: no hierarchy without controllers, the tmpfs above the others read-only like them, and masks
  // that keep the attributes of what they cover.
  const known = [
    "ours   /proc/acpi ro,nosuid,nodev,noexec,relatime tmpfs none",
    "ours   /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime tmpfs cgroup",
    "theirs /proc/acpi ro,relatime tmpfs tmpfs",
    "theirs /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime tmpfs tmpfs",
    "theirs /sys/fs/cgroup/systemd ro,nosuid,nodev,noexec,relatime cgroup cgroup",
  ];

  it("of an ordinary container", async () => {
    expect(await compare({})).toEqual(known);
  });

  it("of a user with groups, few capabilities, no way up, a filter, and nothing to write to", async () => {
    const changes: Wanted = {
      security: {
        runAsUser: { value: 1000 },
        runAsGroup: { value: 1234 },
        supplementalGroups: [7, 8],
        readonlyRootfs: true,
        noNewPrivs: true,
        seccomp: { profileType: "RuntimeDefault", localhostRef: "" },
        capabilities: {
          addCapabilities: ["NET_ADMIN"],
          dropCapabilities: ["ALL"],
          addAmbientCapabilities: [],
        },
      },
      config: {
        workingDir: "/made/for/it",
        mounts: [
          mount({ containerPath: "/data/in", hostPath: join(directory, "shm"), readonly: true }),
        ],
      },
    };
    expect(await compare(changes)).toEqual(known);
  });

  it("of a user with a filter that only root may load", async () => {
    const seccomp = { profileType: "RuntimeDefault", localhostRef: "" } as const;
    expect(await compare({ security: { runAsUsername: "app", seccomp } })).toEqual(known);
  });
});

describe("a container", () => {
  it("is who it was asked to be, with nothing more", async () => {
    const output = await outputOf({
      security: { runAsUsername: "app", supplementalGroups: [77] },
      script: "id; grep -E '^(CapEff|CapInh|CapBnd)' /proc/self/status; echo $HOME",
    });
    expect(output).toMatchInlineSnapshot(`
      "uid=1000(app) gid=1000(app) groups=77,1000(app),2000(extra)
      CapInh:	0000000000000000
      CapEff:	0000000000000000
      CapBnd:	00000000a80425fb
      /home/app
      "
    `);
  });

  it("with a filter loses the right to load it", async () => {
    const seccomp = { profileType: "RuntimeDefault", localhostRef: "" } as const;
    const script = "grep -E '^(Cap|Seccomp:)' /proc/self/status; mount -t tmpfs x /tmp";
    expect(await outputOf({ security: { seccomp }, script })).toMatchInlineSnapshot(`
      "CapInh:	0000000000000000
      CapPrm:	00000000a80425fb
      CapEff:	00000000a80425fb
      CapBnd:	00000000a80425fb
      CapAmb:	0000000000000000
      Seccomp:	2
      mount: permission denied (are you root?)
      "
    `);
    expect(
      await outputOf({ security: { seccomp, runAsUsername: "app" }, script }),
    ).toMatchInlineSnapshot(`
      "CapInh:	0000000000000000
      CapPrm:	0000000000000000
      CapEff:	0000000000000000
      CapBnd:	00000000a80425fb
      CapAmb:	0000000000000000
      Seccomp:	2
      mount: permission denied (are you root?)
      "
    `);
  });

  it("has the profile of a file", async () => {
    const path = join(directory, "profile.json");
    const rule = { names: ["chmod", "fchmodat"], action: "SCMP_ACT_ERRNO", errnoRet: 85 };
    writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
    const seccomp = { profileType: "Localhost", localhostRef: path } as const;
    const script = "touch /tmp/x; chmod 600 /tmp/x";
    expect(await outputOf({ security: { seccomp }, script })).toMatch(
      /chmod: \/tmp\/x: Interrupted/,
    );
  });

  it("cannot write to a read-only root, nor see what is masked", async () => {
    const script =
      "touch /etc/x; touch /dev/x && echo dev; ls /proc/acpi; touch /proc/sys/vm/swappiness";
    expect(await outputOf({ security: { readonlyRootfs: true }, script })).toMatchInlineSnapshot(`
      "dev
      touch: /etc/x: Read-only file system
      touch: /proc/sys/vm/swappiness: Read-only file system
      "
    `);
  });

  it("cannot read the host's disk through a node of its own", async () => {
    const script =
      "mknod /dev/disk b 254 0 && echo made; cat /dev/disk | head -c 1; cat /dev/null && echo null";
    expect(await outputOf({ script })).toMatchInlineSnapshot(`
      "made
      null
      cat: can't open '/dev/disk': Operation not permitted
      "
    `);
  });

  it("has its limits in the kernel's own words", async () => {
    const limits = {
      cpuShares: 512,
      cpuPeriod: 50_000,
      cpuQuota: 25_000,
      memoryLimitInBytes: 64 << 20,
      cpusetCpus: "0",
      oomScoreAdj: 321,
    };
    const config = {
      linux: { resources: resources(limits), securityContext: containerSecurity() },
    };
    const files = ["cpu/cpu.shares", "cpu/cpu.cfs_quota_us", "cpuset/cpuset.cpus"];
    const script = `cat ${[...files, "memory/memory.limit_in_bytes"].map((file) => `/sys/fs/cgroup/${file}`).join(" ")} /proc/self/oom_score_adj`;
    expect(await outputOf({ config, script })).toBe("512\n25000\n0\n67108864\n321\n");
  });

  it("shares what namespaces its mode says", async () => {
    const pid = pause.pid ?? 0;
    const link = (name: string) => execFileSync("readlink", [`/proc/${pid}/ns/${name}`]).toString();
    const script =
      "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid";
    const shared = await outputOf({
      security: { namespaceOptions: namespaceOptions({ pid: "POD" }) },
      script,
    });
    expect(shared).toBe(link("net") + link("ipc") + link("pid"));
    const own = await outputOf({ script: `${script}; echo $$` });
    expect(own).toContain(link("net"));
    expect(own).not.toContain(link("pid"));
    expect(own).toMatch(/\n1\n$/);
  });

  it("that is never started never runs", async () => {
    const { running } = await create({ script: "echo ran" });
    await waitFor(() => /State:\s+S/.test(readFileSync(`/proc/${running.pid}/status`, "utf8")));
    running.abandon();
    expect(await running.output).toBe("");
  });
});

describe("mounts", () => {
  beforeEach(() => {
    const shared = join(directory, "shared");
    mkdirSync(shared);
    execFileSync("mount", ["-t", "tmpfs", "vt-shared", shared]);
    execFileSync("mount", ["--make-shared", shared]);
    for (const name of ["a", "sub"]) mkdirSync(join(shared, name));
    execFileSync("mount", ["-t", "tmpfs", "vt-sub", join(shared, "sub")]);
  });

  afterEach(() => {
    execFileSync("umount", ["-R", join(directory, "shared")]);
  });

  const wait = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do [ -e /s/go ] && break; sleep 0.2; done";
  const admin = {
    addCapabilities: ["SYS_ADMIN"],
    dropCapabilities: [],
    addAmbientCapabilities: [],
  };

  it.each([
    ["PROPAGATION_PRIVATE", "host no", "container no"],
    ["PROPAGATION_HOST_TO_CONTAINER", "host yes", "container no"],
    ["PROPAGATION_BIDIRECTIONAL", "host yes", "container yes"],
  ] as const)("with %s travel as promised", async (propagation, fromHost, fromContainer) => {
    const shared = join(directory, "shared");
    const { running } = await create({
      security: { capabilities: admin },
      config: { mounts: [mount({ containerPath: "/s", hostPath: shared, propagation })] },
      script: `mount -t tmpfs vt-inside /s/sub; mkdir /s/sub/seen; touch /s/ready; ${wait}; ls -d /s/a/new || true`,
    });
    running.start();
    await waitFor(() => existsSync(join(shared, "ready")));
    execFileSync("mount", ["-t", "tmpfs", "vt-late", join(shared, "a")]);
    mkdirSync(join(shared, "a/new"));
    writeFileSync(join(shared, "go"), "");
    const seen = existsSync(join(shared, "sub/seen"));
    const output = await running.output;
    expect(output.trim() === "/s/a/new" ? "host yes" : "host no").toBe(fromHost);
    expect(seen ? "container yes" : "container no").toBe(fromContainer);
  });

  it("are read-only at the top, or all the way down", async () => {
    const shared = join(directory, "shared");
    const script =
      "touch /s/x 2>/dev/null && echo top; touch /s/sub/x 2>/dev/null && echo below; true";
    const one = { containerPath: "/s", hostPath: shared, readonly: true };
    expect(await outputOf({ config: { mounts: [mount(one)] }, script })).toBe("below\n");
    const all = mount({ ...one, recursiveReadOnly: true });
    expect(await outputOf({ config: { mounts: [all] }, script })).toBe("");
  });

  it("of a path in an image never lead out of it", async () => {
    const image = join(directory, "image");
    mkdirSync(join(image, "etc"), { recursive: true });
    writeFileSync(join(image, "etc/marker"), "of the image\n");
    symlinkSync("/etc", join(image, "link"));
    symlinkSync("../../../../etc", join(image, "up"));
    for (const imageSubPath of ["link", "up"]) {
      const spec = {
        image: "i",
        annotations: {},
        userSpecifiedImage: "",
        runtimeHandler: "",
        imageRef: "",
      };
      const mounts = [mount({ containerPath: "/m", readonly: true, image: spec, imageSubPath })];
      const imageMounts = new Map([["/m", image]]);
      const output = await outputOf({
        config: { mounts },
        request: { imageMounts },
        script: "cat /m/marker",
      });
      expect(output).toBe("of the image\n");
    }
  });
});

describe("a hostile image", () => {
  const canary = () => join(directory, "canary");

  beforeEach(() => {
    mkdirSync(canary());
    writeFileSync(join(canary(), "ptmx"), "mine\n");
  });

  function replace(name: string, target: string): void {
    rmSync(join(directory, "rootfs", name), { recursive: true, force: true });
    symlinkSync(target, join(directory, "rootfs", name));
  }

  it.each(["/proc", "/sys"])("whose %s is a symlink is refused (CVE-2019-19921)", async (path) => {
    mkdirSync(join(directory, "rootfs/bad"));
    replace(path, "/bad");
    await expect(create({})).rejects.toMatchObject({ op: "moveMount" });
  });

  it("whose /dev leads out gets its devices inside (CVE-2026-47766)", async () => {
    replace("dev", canary());
    await outputOf({ script: "true" });
    expect(execFileSync("ls", [canary()]).toString()).toBe("ptmx\n");
    expect(readFileSync(join(canary(), "ptmx"), "utf8")).toBe("mine\n");
  });

  it("whose /etc leads out gets its files inside (crun CVE-2025-24965)", async () => {
    replace("etc", `../../../../../../..${canary()}`);
    expect(await outputOf({ script: "cat /etc/hostname" })).toBe("hostname\n");
    expect(execFileSync("ls", [canary()]).toString()).toBe("ptmx\n");
  });

  it.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    "whose working directory is fd %i of the runtime stays inside (CVE-2024-21626)",
    async (fd) => {
      symlinkSync(`/proc/self/fd/${fd}`, join(directory, "rootfs/cwd"));
      const output = async (workingDir: string) => {
        try {
          return await outputOf({
            config: { workingDir },
            script: "ls ../../../../../../../../run",
          });
        } catch (error) {
          return String(error);
        }
      };
      for (const path of [`/proc/self/fd/${fd}`, "/cwd"]) {
        expect(await output(path)).toMatch(/KernelError|No such file/);
      }
    },
  );
});

describe("exec", () => {
  it("is in the same place as the container, with no inheritable capability", async () => {
    const { running, spec } = await create({
      security: { runAsUsername: "app", noNewPrivs: true },
      script: "sleep 20",
    });
    running.start();
    await waitFor(() => commandOf(running.pid) !== "vitrine:[init]");
    const script =
      "id; hostname; pwd; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; ls /proc/1/fd 2>&1 | head -n 1; readlink /proc/self/ns/mnt; ls /proc/self/fd | tr '\\n' ' '; cat /proc/self/cgroup | cut -d: -f3 | sort | uniq -c";
    const target = identity(running.pid);
    const request = { facts, spec, args: ["sh", "-c", script], terminal: false, target };
    const output = await (await run(compileExec(request).plan)).output;
    const namespace = execFileSync("readlink", [`/proc/${running.pid}/ns/mnt`])
      .toString()
      .trim();
    process.kill(running.pid, "SIGKILL");
    await running.output;
    expect(
      output.replace(namespace, "the container's").replaceAll(String(process.pid), "PID"),
    ).toMatchInlineSnapshot(`
      "uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)
      inside
      /
      CapInh:	0000000000000000
      CapPrm:	0000000000000000
      CapEff:	0000000000000000
      CapBnd:	00000000a80425fb
      CapAmb:	0000000000000000
      NoNewPrivs:	1
      0
      the container's
      0 1 2 3 sh: uniq: not found
      "
    `);
  });

  it("does not enter a process that took over the pid", async () => {
    const { running, spec } = await create({ script: "sleep 20" });
    running.start();
    const target = { ...identity(running.pid), startTime: 1 };
    const request = { facts, spec, args: ["true"], terminal: false, target };
    await expect(run(compileExec(request).plan)).rejects.toMatchObject({ op: "pidfdOpen" });
    process.kill(running.pid, "SIGKILL");
    await running.output;
  });
});

describe("a sandbox", () => {
  it("holds the namespaces, the name and the sysctls of its pod", async () => {
    cpSync(join(directory, "rootfs/bin/busybox"), join(directory, "rootfs/pause"));
    const base = sandboxRequest();
    const request = {
      ...base,
      facts,
      options,
      id: "pause",
      image: { Entrypoint: ["/bin/sleep", "20"], User: "65535:65535" },
      rootfs: join(directory, "rootfs"),
      files: { resolvConf: join(directory, "resolv.conf"), shm: join(directory, "shm") },
      config: {
        ...base.config,
        linux: {
          cgroupParent: "",
          sysctls: { "kernel.shm_rmid_forced": "1", "fs.mqueue.msg_max": "123" },
          securityContext: base.config.linux?.securityContext,
        },
      },
    };
    const groundwork = await prepareSandbox(hostFiles, request);
    const compiled = compileSandbox(request, groundwork, { netnsPath: bindNamespace() });
    made.push(...compiled.cgroupPaths);
    await runHost(compiled.cgroupPlan);
    const running = await run(compiled.plan);
    running.start();
    await waitFor(() => commandOf(running.pid) === "sleep");
    const inside = (...args: string[]) =>
      execFileSync("nsenter", ["-t", String(running.pid), "-n", "-u", "-i", ...args], {
        encoding: "utf8",
      });
    const sysctl = (key: string) => inside("sysctl", "-n", key).trim();
    expect(inside("hostname")).toBe("web\n");
    expect(sysctl("net.ipv4.ip_unprivileged_port_start")).toBe("0");
    expect(sysctl("kernel.shm_rmid_forced")).toBe("1");
    const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
    expect(status).toMatch(/Uid:\t65535\t65535\t65535\t65535/);
    expect(status).toMatch(/CapBnd:\t0000000000000000/);
    expect(status).toMatch(/NoNewPrivs:\t1/);
    expect(status).toMatch(/NSpid:\t\d+\t1\n/);
    process.kill(running.pid, "SIGKILL");
    await running.output;
    execFileSync("umount", [join(directory, "netns")]);
  });

  /** As the engine does it: the namespace as a file, held by a mount. */
  function bindNamespace(): string {
    const path = join(directory, "netns");
    writeFileSync(path, "");
    execFileSync("mount", ["--bind", `/proc/${pause.pid}/ns/net`, path]);
    return path;
  }
});
