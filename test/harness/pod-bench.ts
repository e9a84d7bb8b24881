/**
 * One pod on the host's network with an engine of its own, for tests that look at single fields of
 * containers: make one, ask a shell inside, read the kernel's files of it from outside.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type {
  ContainerConfig,
  ContainerStatus,
  LinuxContainerResources,
  LinuxContainerSecurityContext,
  Mount,
  PodSandboxConfig,
} from "../../apps/runtime/src/api/index.ts";
import { writeBusyboxImage } from "./busybox-image.ts";
import { containerSecurity, createRequest, hostNetworkPod } from "./cri-requests.ts";
import { LinuxEngine } from "./linux-engine.ts";
import { ownResidue } from "./own-residue.ts";

export const noLimits: LinuxContainerResources = {
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

/** A private, writable bind mount unless `changed` says otherwise. */
export function mountOf(changed: Partial<Mount>): Mount {
  return {
    containerPath: "/data",
    hostPath: "",
    readonly: false,
    selinuxRelabel: false,
    propagation: "PROPAGATION_PRIVATE",
    uidMappings: [],
    gidMappings: [],
    recursiveReadOnly: false,
    imageSubPath: "",
    mountOptions: [],
    ...changed,
  };
}

/** `linux` of a container that differs from the ordinary one in its security context. */
export function secured(changed: Partial<LinuxContainerSecurityContext>): Partial<ContainerConfig> {
  return { linux: { securityContext: { ...containerSecurity, ...changed } } };
}

/** `linux` of a container with limits. */
export function limited(changed: Partial<LinuxContainerResources>): Partial<ContainerConfig> {
  return {
    linux: { securityContext: containerSecurity, resources: { ...noLimits, ...changed } },
  };
}

export class PodBench {
  readonly node: LinuxEngine;
  readonly pod: PodSandboxConfig;
  readonly podSandboxId: string;
  #serial = 0;

  private constructor(node: LinuxEngine, pod: PodSandboxConfig, podSandboxId: string) {
    this.node = node;
    this.pod = pod;
    this.podSandboxId = podSandboxId;
  }

  /** An engine with busybox in it and a pod that runs. */
  static async open(): Promise<PodBench> {
    const node = await LinuxEngine.start();
    const archive = join(node.directory, "busybox.tar");
    writeBusyboxImage(archive, { reference: "vitrine.test/busybox:1" });
    await node.engine.loadImage(node.context, { path: archive });
    return PodBench.openIn(node, hostNetworkPod({ logDirectory: join(node.directory, "logs") }));
  }

  /** Another pod in an engine that has the image already. */
  static async openIn(node: LinuxEngine, pod: PodSandboxConfig): Promise<PodBench> {
    const run = await node.engine.runPodSandbox(node.context, { config: pod, runtimeHandler: "" });
    return new PodBench(node, pod, run.podSandboxId);
  }

  get directory(): string {
    return this.node.directory;
  }

  /** Everything goes, and nothing of it is left on the machine. */
  async close(): Promise<void> {
    await this.node.end();
    expect(ownResidue(this.directory, this.node.options.cgroupParentDefault)).toEqual([]);
  }

  async create(changed: Partial<ContainerConfig> = {}): Promise<string> {
    this.#serial += 1;
    const metadata = { name: `c${this.#serial}`, attempt: 0 };
    const request = createRequest(this.podSandboxId, this.pod, {
      metadata,
      command: ["sleep", "1000"],
      ...changed,
    });
    return (await this.node.engine.createContainer(this.node.context, request)).containerId;
  }

  async start(changed: Partial<ContainerConfig> = {}): Promise<string> {
    const containerId = await this.create(changed);
    await this.node.engine.startContainer(this.node.context, { containerId });
    return containerId;
  }

  /** What a shell in the container answers, errors included. */
  async ask(containerId: string, script: string): Promise<string> {
    const { stdout, stderr } = await this.node.engine.execSync(this.node.context, {
      containerId,
      cmd: ["sh", "-c", script],
      timeout: 10,
    });
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  }

  /** What a shell in a container of its own answers; the container is removed again. */
  async answer(changed: Partial<ContainerConfig>, script: string): Promise<string> {
    const containerId = await this.start(changed);
    const answer = await this.ask(containerId, script);
    await this.remove(containerId);
    return answer;
  }

  async status(containerId: string): Promise<ContainerStatus> {
    const { status } = await this.node.engine.containerStatus(this.node.context, {
      containerId,
      verbose: false,
    });
    if (status === undefined) throw new Error("no status");
    return status;
  }

  async remove(containerId: string): Promise<void> {
    await this.node.engine.removeContainer(this.node.context, { containerId });
  }

  /** Pid of the container's init on the host. */
  async pid(containerId: string): Promise<number> {
    const { info } = await this.node.engine.containerStatus(this.node.context, {
      containerId,
      verbose: true,
    });
    return (JSON.parse(info["info"] ?? "{}") as { pid: number }).pid;
  }

  /** A file of the container's cgroup in whichever hierarchy has it. */
  async cgroupFile(containerId: string, name: string): Promise<string> {
    const lines = readFileSync(`/proc/${await this.pid(containerId)}/cgroup`, "utf8").split("\n");
    for (const line of lines.filter((one) => one !== "")) {
      const [, controllers = "", path = ""] = line.split(":");
      for (const root of [controllers, "unified", ""]) {
        const file = join("/sys/fs/cgroup", root, path, name);
        if (existsSync(file)) return readFileSync(file, "utf8").trim();
      }
    }
    throw new Error(`no cgroup of ${containerId} has ${name}`);
  }
}
