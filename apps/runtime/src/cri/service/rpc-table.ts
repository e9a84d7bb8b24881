/** The RPCs that are implemented; a new one is a file here and a line below. */
import type { Rpc } from "./rpc.ts";
import { containerPlan } from "./rpcs/container-plan.ts";
import { containerStatus } from "./rpcs/container-status.ts";
import { createContainer } from "./rpcs/create-container.ts";
import { execSync } from "./rpcs/exec-sync.ts";
import { imageFsInfo } from "./rpcs/image-fs-info.ts";
import { imageStatus } from "./rpcs/image-status.ts";
import { listContainers } from "./rpcs/list-containers.ts";
import { listImages } from "./rpcs/list-images.ts";
import { listPodSandbox } from "./rpcs/list-pod-sandbox.ts";
import { loadImage } from "./rpcs/load-image.ts";
import { podSandboxStatus } from "./rpcs/pod-sandbox-status.ts";
import { pullImage } from "./rpcs/pull-image.ts";
import { removeContainer } from "./rpcs/remove-container.ts";
import { removeImage } from "./rpcs/remove-image.ts";
import { removePodSandbox } from "./rpcs/remove-pod-sandbox.ts";
import { reopenContainerLog } from "./rpcs/reopen-container-log.ts";
import { runPodSandbox } from "./rpcs/run-pod-sandbox.ts";
import { runtimeConfig } from "./rpcs/runtime-config.ts";
import { startContainer } from "./rpcs/start-container.ts";
import { status } from "./rpcs/status.ts";
import { stopContainer } from "./rpcs/stop-container.ts";
import { stopPodSandbox } from "./rpcs/stop-pod-sandbox.ts";
import { updateContainerResources } from "./rpcs/update-container-resources.ts";
import { updateRuntimeConfig } from "./rpcs/update-runtime-config.ts";
import { version } from "./rpcs/version.ts";

export const rpcs: readonly Rpc[] = [
  containerPlan,
  containerStatus,
  createContainer,
  execSync,
  imageFsInfo,
  imageStatus,
  listContainers,
  listImages,
  listPodSandbox,
  loadImage,
  podSandboxStatus,
  pullImage,
  removeContainer,
  removeImage,
  removePodSandbox,
  reopenContainerLog,
  runPodSandbox,
  runtimeConfig,
  startContainer,
  status,
  stopContainer,
  stopPodSandbox,
  updateContainerResources,
  updateRuntimeConfig,
  version,
];
