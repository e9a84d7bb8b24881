/** The pod every runtime is measured with, and one timed life of it over CRI. */
import type { GrpcClient } from "../../apps/runtime/src/cri/client.ts";
import type { Context } from "../../apps/runtime/src/trace/tracer.ts";
import type { Samples } from "./figures.ts";

export interface Workload {
  readonly client: GrpcClient;
  readonly context: Context;
  readonly image: string;
  readonly logDirectory: string;
  readonly cgroupParent: string;
}

let counter = 0;

function podConfig(workload: Workload) {
  counter += 1;
  return {
    metadata: {
      name: `bench-${counter}`,
      uid: `bench-${process.pid}-${counter}`,
      namespace: "bench",
    },
    hostname: `bench-${counter}`,
    logDirectory: workload.logDirectory,
    dnsConfig: { servers: ["10.0.0.10"], searches: ["bench.svc"], options: ["ndots:5"] },
    labels: { app: "bench" },
    linux: { cgroupParent: workload.cgroupParent, securityContext: { namespaceOptions: {} } },
  } as const;
}

type PodConfig = ReturnType<typeof podConfig>;

function containerConfig(workload: Workload) {
  return {
    metadata: { name: "main" },
    image: { image: workload.image },
    command: ["/demo", "sleep"],
    logPath: `main-${counter}.log`,
    linux: { resources: { cpuShares: 102, memoryLimitInBytes: 64 << 20 }, securityContext: {} },
  };
}

export interface RunningPod {
  readonly podId: string;
  readonly containerId: string;
}

/** RunPodSandbox, CreateContainer, StartContainer; "pod ready" is all three together. */
export async function startPod(workload: Workload, samples: Samples): Promise<RunningPod> {
  const { client, context } = workload;
  const config: PodConfig = podConfig(workload);
  return samples.time("pod ready", async () => {
    const pod = await samples.time("RunPodSandbox", () =>
      client.runPodSandbox(context, { config }),
    );
    const created = await samples.time("CreateContainer", () =>
      client.createContainer(context, {
        podSandboxId: pod.podSandboxId,
        config: containerConfig(workload),
        sandboxConfig: config,
      }),
    );
    const { containerId } = created;
    await samples.time("StartContainer", () => client.startContainer(context, { containerId }));
    return { podId: pod.podSandboxId, containerId };
  });
}

/** ExecSync of a command that does nothing. */
export async function execPod(
  workload: Workload,
  pod: RunningPod,
  samples: Samples,
): Promise<void> {
  const { containerId } = pod;
  const result = await samples.time("ExecSync", () =>
    workload.client.execSync(workload.context, {
      containerId,
      cmd: ["/demo", "sleep", "0"],
      timeout: 10,
    }),
  );
  if (result.exitCode !== 0) throw new Error(`exec exited ${result.exitCode}`);
}

/** The four calls that end a pod. */
export async function stopPod(
  workload: Workload,
  pod: RunningPod,
  samples: Samples,
): Promise<void> {
  const { client, context } = workload;
  const { containerId, podId: podSandboxId } = pod;
  await samples.time("pod gone", async () => {
    await samples.time("StopContainer", () =>
      client.stopContainer(context, { containerId, timeout: 0 }),
    );
    await samples.time("RemoveContainer", () => client.removeContainer(context, { containerId }));
    await samples.time("StopPodSandbox", () => client.stopPodSandbox(context, { podSandboxId }));
    await samples.time("RemovePodSandbox", () =>
      client.removePodSandbox(context, { podSandboxId }),
    );
  });
}

/** A full life: start, exec, stop. */
export async function cycle(workload: Workload, samples: Samples): Promise<void> {
  const pod = await startPod(workload, samples);
  await execPod(workload, pod, samples);
  await stopPod(workload, pod, samples);
}
