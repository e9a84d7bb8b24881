/**
 * A daemon of its own and the calls a kubelet would make of it, short. The pods' cgroups are made as a
 * kubelet makes them: by the client, with every controller handed down.
 */
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type {
  ContainerConfig,
  ContainerStatus,
  LinuxContainerResources,
  PodSandboxConfig,
} from "../../apps/runtime/src/api/index.ts";
import {
  type PrivateDaemon,
  startPrivateDaemon,
} from "../../apps/runtime/src/cli/private-daemon.ts";
import { silentContext } from "../../apps/runtime/src/cli/silent-context.ts";
import { containerSecurity, createRequest } from "../harness/cri-requests.ts";
import { cgroupRoot } from "./machine-state.ts";

const exitTimeoutMs = 20_000;
const noLimits: LinuxContainerResources = {
  cpuPeriod: 0,
  cpuQuota: 0,
  cpuShares: 0,
  memoryLimitInBytes: 0,
  oomScoreAdj: 0,
  cpusetCpus: "",
  cpusetMems: "",
  hugepageLimits: [],
  unified: {},
  memorySwapLimitInBytes: 0,
};

/** `linux` of a container with limits. */
export function limited(changed: Partial<LinuxContainerResources>): Partial<ContainerConfig> {
  return { linux: { securityContext: containerSecurity, resources: { ...noLimits, ...changed } } };
}

/** Makes /kubepods/NAME with every controller that pods get, and gives its path from the root. */
export function makeKubeletCgroup(name: string): string {
  const controllers = "+cpuset +cpu +io +memory +hugetlb +pids";
  const path = `/kubepods/${name}`;
  mkdirSync(join(cgroupRoot, path), { recursive: true });
  for (const level of ["/", "/kubepods", path]) {
    writeFileSync(join(cgroupRoot, level, "cgroup.subtree_control"), controllers);
  }
  return path;
}

/** Takes it away again; throws EBUSY when the runtime left a cgroup in it. */
export function removeKubeletCgroup(path: string): void {
  rmdirSync(join(cgroupRoot, path));
  rmdirSync(join(cgroupRoot, dirname(path)));
}

export class CriNode {
  readonly daemon: PrivateDaemon;
  #serial = 0;

  private constructor(daemon: PrivateDaemon) {
    this.daemon = daemon;
  }

  /** A daemon that serves and has busybox. */
  static async start(): Promise<CriNode> {
    const node = new CriNode(await startPrivateDaemon());
    await node.daemon.client.loadImage(silentContext(), { path: "/busybox.tar" });
    return node;
  }

  async runPod(config: PodSandboxConfig): Promise<CriPod> {
    const { podSandboxId } = await this.daemon.client.runPodSandbox(silentContext(), {
      config,
      runtimeHandler: "",
    });
    return new CriPod(this, config, podSandboxId);
  }

  /** A name that no other container has. */
  nextName(): string {
    this.#serial += 1;
    return `c${this.#serial}`;
  }
}

export class CriPod {
  readonly node: CriNode;
  readonly config: PodSandboxConfig;
  readonly id: string;

  constructor(node: CriNode, config: PodSandboxConfig, id: string) {
    this.node = node;
    this.config = config;
    this.id = id;
  }

  /** Creates and starts a container that runs `script` in a shell. */
  async start(script: string, changed: Partial<ContainerConfig> = {}): Promise<CriContainer> {
    const { client } = this.node.daemon;
    const { containerId } = await client.createContainer(
      silentContext(),
      createRequest(this.id, this.config, {
        metadata: { name: this.node.nextName(), attempt: 0 },
        command: ["sh", "-c", script],
        ...changed,
      }),
    );
    await client.startContainer(silentContext(), { containerId });
    return new CriContainer(this.node.daemon, containerId);
  }

  /** What the shell of a new container says to `script`; the container is gone afterwards. */
  async answer(script: string, changed: Partial<ContainerConfig> = {}): Promise<string> {
    const container = await this.start("exec sleep 1000", changed);
    try {
      return await container.ask(script);
    } finally {
      await container.remove();
    }
  }

  async remove(): Promise<void> {
    const { client } = this.node.daemon;
    await client.stopPodSandbox(silentContext(), { podSandboxId: this.id });
    await client.removePodSandbox(silentContext(), { podSandboxId: this.id });
  }
}

export class CriContainer {
  readonly #daemon: PrivateDaemon;
  readonly id: string;

  constructor(daemon: PrivateDaemon, id: string) {
    this.#daemon = daemon;
    this.id = id;
  }

  /** What a shell in the container says, errors included. */
  async ask(script: string): Promise<string> {
    const { stdout, stderr } = await this.#daemon.client.execSync(silentContext(), {
      containerId: this.id,
      cmd: ["sh", "-c", script],
      timeout: 20,
    });
    return `${new TextDecoder().decode(stdout)}${new TextDecoder().decode(stderr)}`.trim();
  }

  async update(changed: Partial<LinuxContainerResources>): Promise<void> {
    await this.#daemon.client.updateContainerResources(silentContext(), {
      containerId: this.id,
      linux: { ...noLimits, ...changed },
      annotations: {},
    });
  }

  async stop(timeout: number): Promise<void> {
    await this.#daemon.client.stopContainer(silentContext(), { containerId: this.id, timeout });
  }

  async remove(): Promise<void> {
    await this.#daemon.client.removeContainer(silentContext(), { containerId: this.id });
  }

  async status(): Promise<ContainerStatus> {
    const request = { containerId: this.id, verbose: false };
    const { status } = await this.#daemon.client.containerStatus(silentContext(), request);
    if (status === undefined) throw new Error("no status");
    return status;
  }

  /** How the container ended. */
  async end(): Promise<Pick<ContainerStatus, "exitCode" | "reason">> {
    const until = performance.now() + exitTimeoutMs;
    for (;;) {
      const { state, exitCode, reason } = await this.status();
      if (state === "CONTAINER_EXITED") return { exitCode, reason };
      if (performance.now() > until) throw new Error(`container ${this.id} does not end`);
      await delay(50);
    }
  }

  /** Directory of the container's cgroup, found by its name: below a pod's, which is below one of all pods. */
  cgroup(): string {
    const [path] = globSync(`*/*/${this.id}`, { cwd: cgroupRoot });
    if (path === undefined) throw new Error(`container ${this.id} has no cgroup`);
    return join(cgroupRoot, path);
  }

  /** Files of the cgroup and what is in them. */
  files(...names: readonly string[]): Readonly<Record<string, string>> {
    const directory = this.cgroup();
    return Object.fromEntries(
      names.map((name) => [name, readFileSync(join(directory, name), "utf8").trim()]),
    );
  }

  /** Command lines of the processes in the cgroup and below it. */
  processes(): readonly string[] {
    const directory = this.cgroup();
    const lists = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith("cgroup.procs"),
    );
    const pids = lists.flatMap((name) =>
      readFileSync(join(directory, name), "utf8").split("\n").filter(Boolean),
    );
    return pids
      .filter((pid) => existsSync(`/proc/${pid}`))
      .map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim());
  }
}
