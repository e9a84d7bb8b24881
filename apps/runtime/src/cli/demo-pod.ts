/** The demo pod: one container serves HTTP on the pod's address, the other one fetches from it. */

import { PodClient } from "../actors/pod-client.ts";
import type { ContainerDescription, PodDescription } from "../actors/pod-description.ts";
import type { ContainerStatus } from "../api/index.ts";
import type { GrpcClient } from "../cri/client.ts";
import { linuxClock } from "../kernel/linux/clock.ts";
import type { Context } from "../trace/tracer.ts";

/** Built with the project, so that the first pod needs no registry. */
const demoImage = "vitrine.local/demo:1";
const port = 8080;

export interface DemoPod {
  readonly sandboxId: string;
  readonly ip: string;
  readonly serveId: string;
  readonly fetchId: string;
}

export interface DemoPodOptions {
  readonly name: string;
  readonly uid: string;
  readonly logDirectory: string;
  /** How often the second container fetches, once a second; 0 is for ever. */
  readonly fetches: number;
  /** Told each stage in plain words. */
  readonly say: (sentence: string) => void;
}

function fetcher(ip: string, fetches: number): ContainerDescription {
  return {
    name: "fetch",
    image: demoImage,
    args: ["fetch", `http://${ip}:${port}/`, String(fetches)],
  };
}

/** Runs the pod through the CRI socket, as a kubelet would. */
export async function runDemoPod(
  client: GrpcClient,
  context: Context,
  options: DemoPodOptions,
): Promise<DemoPod> {
  const pod: PodDescription = {
    name: options.name,
    namespace: "default",
    uid: options.uid,
    logDirectory: options.logDirectory,
    containers: [{ name: "serve", image: demoImage, args: ["serve", String(port)] }],
  };
  const pods = new PodClient(client, linuxClock());
  const { say } = options;
  const { sandboxId, ip, containers } = await pods.runPod(context, pod, {
    sandbox: (id, address) => say(`sandbox ${id.slice(0, 12)} is ready, its address is ${address}`),
    pulling: (image) => say(`pulling ${image}`),
    started: ({ name }) => say(`container ${name} runs`),
  });
  try {
    const fetchId = await pods.runContainer(context, sandboxId, pod, fetcher(ip, options.fetches));
    say(`container fetch runs, it asks http://${ip}:${port}/`);
    return { sandboxId, ip, serveId: containers[0]?.id ?? "", fetchId };
  } catch (error) {
    await pods.removePod(context, sandboxId);
    throw error;
  }
}

/** The status of the fetching container once it is done. */
export function waitForFetches(
  client: GrpcClient,
  context: Context,
  pod: DemoPod,
  timeoutMs: number,
): Promise<ContainerStatus> {
  return new PodClient(client, linuxClock()).waitForExit(context, pod.fetchId, timeoutMs);
}
