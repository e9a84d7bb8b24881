/**
 * Compiled Plans on the real kernel without shim and engine: a root file system with busybox, a process
 * that holds a pod's namespaces, and vitrine-oci started directly. `end` removes all of it.
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
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type {
  ContainerConfig,
  LinuxContainerSecurityContext,
} from "../../apps/runtime/src/api/index.ts";
import type { HostFacts, Plan } from "../../apps/runtime/src/kernel/index.ts";
import { encodePlan } from "../../apps/runtime/src/kernel/linux/encode.ts";
import { readHostFacts } from "../../apps/runtime/src/kernel/linux/facts.ts";
import { linuxFiles } from "../../apps/runtime/src/kernel/linux/files.ts";
import {
  decodeRecords,
  failureOf,
  opReports,
  type ReportRecord,
} from "../../apps/runtime/src/kernel/linux/report.ts";
import { runHostPlan } from "../../apps/runtime/src/kernel/linux/run-plan.ts";
import { compileSeccomp } from "../../apps/runtime/src/kernel/linux/seccomp.ts";
import {
  compileAlone,
  compileContainer,
  type LoneSurroundings,
} from "../../apps/runtime/src/oci/compile.ts";
import {
  containerConfig,
  containerRequest,
  containerSecurity,
  resources,
} from "../../apps/runtime/src/oci/fixture/requests.ts";
import { prepareContainer } from "../../apps/runtime/src/oci/prepare.ts";
import {
  type Compiled,
  type ContainerRequest,
  defaultRuntimeOptions,
  type ProcessIdentity,
  type RuntimeOptions,
} from "../../apps/runtime/src/oci/request.ts";
import type { OciSpec } from "../../apps/runtime/src/oci/spec.ts";

const executor = join(import.meta.dirname, "../../native/build/vitrine-oci");
const applets =
  "sh id hostname grep cut sed tr sort ls cat env head touch awk mount sleep mkdir chmod mknod dd stat readlink true";

export interface Running {
  readonly pid: number;
  /** Releases `awaitStart`. */
  start(): void;
  /** Closes the gate without releasing it. */
  abandon(): void;
  /** Everything written to stdout and stderr, once nobody holds them any more. */
  readonly output: Promise<string>;
}

export interface Wanted {
  readonly security?: Partial<LinuxContainerSecurityContext>;
  readonly config?: Partial<ContainerConfig>;
  readonly script?: string;
  readonly request?: Partial<ContainerRequest>;
  /** A container without a pod, with the id maps of a user namespace if there are any. */
  readonly alone?: Pick<LoneSurroundings, "idMappings">;
}

export class Workbench {
  readonly directory = mkdtempSync("/tmp/vt-oci-");
  readonly rootfs = join(this.directory, "rootfs");
  readonly facts: HostFacts;
  readonly files = linuxFiles();
  readonly options: RuntimeOptions;
  readonly #cgroups: string[] = [];
  readonly #pause: ChildProcess;
  #containers = 0;

  private constructor(facts: HostFacts) {
    this.facts = facts;
    this.options = {
      ...defaultRuntimeOptions,
      cgroupParent: `/vt-oci-${this.directory.slice(-6)}`,
    };
    makeRoot(this.rootfs);
    for (const name of ["hostname", "hosts", "resolv.conf"]) {
      writeFileSync(join(this.directory, name), `${name}\n`);
    }
    mkdirSync(join(this.directory, "shm"));
    execFileSync("mount", ["--bind", this.rootfs, this.rootfs]);
    this.#pause = spawn("unshare", ["-n", "-i", "-u", "sleep", "100"], { stdio: "ignore" });
  }

  /** `facts` other than the machine's: to look at one cgroup version alone. */
  static async open(facts: HostFacts = readHostFacts()): Promise<Workbench> {
    const bench = new Workbench(facts);
    await waitFor(() => commandOf(bench.pausePid) === "sleep");
    execFileSync("nsenter", ["-u", "-t", String(bench.pausePid), "hostname", "inside"]);
    return bench;
  }

  get pausePid(): number {
    return this.#pause.pid ?? 0;
  }

  end(): void {
    for (const path of this.#cgroups) killAll(path);
    this.#pause.kill("SIGKILL");
    execFileSync("umount", ["-R", this.rootfs]);
    rmSync(this.directory, { recursive: true });
    for (const path of this.#cgroups.reverse()) removeCgroup(path);
    const parent = this.options.cgroupParent;
    for (const { path } of this.facts.cgroups) removeCgroup(`${path}${parent}`);
    // runc also makes one in the hierarchy without controllers.
    removeCgroup(`/sys/fs/cgroup/systemd${parent}`);
  }

  /** Makes the cgroups of what was compiled and runs its Plan up to `awaitStart`. */
  async run(compiled: Compiled): Promise<Running> {
    this.#cgroups.push(...compiled.cgroupPaths);
    runHostPlan(compiled.cgroupPlan);
    return this.runPlan(compiled.plan);
  }

  /** Runs a Plan in vitrine-oci until its last process is born or waits; throws what the kernel refused. */
  async runPlan(plan: Plan): Promise<Running> {
    const file = join(this.directory, "plan");
    writeFileSync(file, encodePlan(plan));
    const fd = openSync(file, "r");
    const child = spawn(executor, ["3", "4", "start=5"], {
      stdio: ["ignore", "pipe", "pipe", fd, "pipe", "pipe"],
    });
    closeSync(fd);
    const output = Promise.all([collect(child.stdout), collect(child.stderr)]);
    const streams = child.stdio as readonly unknown[];
    const records = await reportsUntilReady(streams[4] as NodeJS.ReadableStream);
    const failure = failureOf(plan, opReports(records));
    if (failure !== undefined) throw failure;
    const gate = streams[5] as NodeJS.WritableStream;
    const index = plan.steps.findIndex((step) => step.op.op === "clone3");
    const pid = records.find((record) => record.index === index)?.result ?? 0;
    return {
      pid,
      start: () => void gate.write("x"),
      abandon: () => void gate.end(),
      output: output.then((all) => all.join("")),
    };
  }

  async compile(wanted: Wanted): Promise<Compiled> {
    const securityContext = containerSecurity({
      maskedPaths: ["/proc/kcore", "/proc/acpi", "/nothing/there"],
      readonlyPaths: ["/proc/sys", "/proc/bus"],
      ...wanted.security,
    });
    const request = containerRequest({
      facts: this.facts,
      options: this.options,
      id: `c${this.#containers}`,
      image: { Cmd: ["sh", "-c", wanted.script ?? "true"], Env: ["PATH=/bin", "FROM=image"] },
      rootfs: this.rootfs,
      files: {
        hostname: join(this.directory, "hostname"),
        hosts: join(this.directory, "hosts"),
        resolvConf: join(this.directory, "resolv.conf"),
        shm: join(this.directory, "shm"),
      },
      config: containerConfig({
        linux: { securityContext, resources: resources() },
        ...wanted.config,
      }),
      ...wanted.request,
    });
    this.#containers += 1;
    const groundwork = await prepareContainer(this.files, request);
    const { seccompProfile } = groundwork;
    const seccompFilter = seccompProfile === undefined ? undefined : compileSeccomp(seccompProfile);
    if (wanted.alone !== undefined) {
      return compileAlone(request, groundwork, { ...wanted.alone, seccompFilter });
    }
    return compileContainer(request, groundwork, {
      pause: identityOf(this.pausePid),
      seccompFilter,
    });
  }

  async create(wanted: Wanted): Promise<Compiled & { readonly running: Running }> {
    const compiled = await this.compile(wanted);
    return { ...compiled, running: await this.run(compiled) };
  }

  /** Output of the whole life of a container. */
  async outputOf(wanted: Wanted): Promise<string> {
    const { running } = await this.create(wanted);
    running.start();
    return running.output;
  }

  /** What runc makes of the spec as its config.json. */
  underRunc(spec: OciSpec): string {
    const bundle = join(this.directory, "bundle");
    mkdirSync(bundle, { recursive: true });
    writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
    const id = `vt-${this.directory.slice(-6)}`;
    const command = `runc --root ${join(this.directory, "runc")} run -b ${bundle} ${id} 2>&1`;
    return spawnSync("sh", ["-c", command], { encoding: "utf8" }).stdout;
  }
}

/** The process and its start time, as the compiler wants it. */
export function identityOf(pid: number): ProcessIdentity {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return { pid, startTime: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) };
}

export function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

/** Until `condition` holds, five seconds at most. */
export async function waitFor(condition: () => boolean): Promise<void> {
  for (let attempt = 0; !condition(); attempt += 1) {
    if (attempt > 500) throw new Error("waited too long");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function makeRoot(root: string): void {
  for (const name of ["bin", "etc", "tmp", "proc", "sys", "dev"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  cpSync(realpathSync("/usr/bin/busybox"), join(root, "bin/busybox"));
  // Debian's busybox is not static: it needs its loader and libraries at their places.
  const listed = spawnSync("ldd", ["/usr/bin/busybox"], { encoding: "utf8" }).stdout;
  for (const [library] of listed.matchAll(/\/\S+/g)) {
    cpSync(realpathSync(library), join(root, library), { recursive: true });
  }
  for (const name of applets.split(" ")) symlinkSync("busybox", join(root, "bin", name));
  const passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n";
  writeFileSync(join(root, "etc/passwd"), passwd);
  writeFileSync(join(root, "etc/group"), "root:x:0:\napp:x:1000:\nextra:x:2000:app\n");
}

async function reportsUntilReady(reports: NodeJS.ReadableStream): Promise<readonly ReportRecord[]> {
  const records: ReportRecord[] = [];
  let rest = Buffer.alloc(0);
  await new Promise<void>((resolve) => {
    reports.on("data", (bytes: Buffer) => {
      const all = Buffer.concat([rest, bytes]);
      const decoded = decodeRecords(all);
      rest = all.subarray(decoded.consumed);
      records.push(...decoded.records);
      if (records.some((record) => record.kind === "ready")) resolve();
    });
    reports.on("end", resolve);
  });
  return records;
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = "";
  if (stream !== null) for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Whatever a failed test has left running in its cgroups. */
function killAll(cgroup: string): void {
  if (!existsSync(cgroup)) return;
  const pids = readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
  for (const pid of pids) process.kill(Number(pid), "SIGKILL");
}

/** The last process may still be on its way out. */
function removeCgroup(path: string): void {
  for (let attempt = 0; existsSync(path); attempt += 1) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (attempt > 200) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
