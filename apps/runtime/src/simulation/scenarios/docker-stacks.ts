/** Kubernetes over Docker: dockershim until 1.24, cri-dockerd since. */
import { PodClient } from "../../actors/pod-client.ts";
import { nginxImage, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";
import { dockerShim } from "../stacks/docker-shim.ts";
import type { Stage } from "../stage.ts";

async function runOverDocker(stage: Stage): Promise<void> {
  const pods = new PodClient(
    dockerShim(() => stage.runtime),
    stage.simulation.clock,
  );
  const pod = podOf("web", [{ name: "nginx", image: nginxImage }]);
  const { sandboxId } = await pods.runPod(stage.context, pod);
  await pods.stopPod(stage.context, sandboxId, 2);
  await pods.removePod(stage.context, sandboxId);
}

export const dockershim: Scenario = {
  id: "dockershim",
  title: "dockershim: the Docker stack before Kubernetes 1.24",
  summary: "kubelet, dockershim, dockerd, containerd, shim, runc: count the hops of each call.",
  shows: ["Docker Stack (pre-1.24)"],
  cast: "dockershim",
  narration: {
    "dockershim.RunPodSandbox": "Inside the kubelet, CRI is turned into Docker's API.",
    "docker.api": "dockerd knows nothing of pods; it sees containers with long names.",
    "containerd.api": "And dockerd, too, only passes on.",
  },
  run: runOverDocker,
};

export const criDockerd: Scenario = {
  id: "cri-dockerd",
  title: "Docker Engine with cri-dockerd",
  summary:
    "The same translation, as a daemon of its own: how clusters keep Docker Engine (and Mirantis its runtime) today.",
  shows: ["containerd and Dockerd Relationship", "Common Container Runtime Implementations"],
  cast: "criDockerd",
  narration: {
    "dockershim.RunPodSandbox": "What was a part of the kubelet is now a daemon beside it.",
    "docker.api": "Behind it nothing has changed.",
  },
  run: runOverDocker,
};
