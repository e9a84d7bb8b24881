/** The whole way down and up again: kubectl apply to phase Running. */

import { expectThat } from "../look-inside.ts";
import { nginxImage, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const kubectlApply: Scenario = {
  id: "kubectl-apply",
  title: "kubectl apply, down to the kernel and up again",
  summary:
    "Nobody calls anybody down this chain: each part watches for what is its business, and reports upwards.",
  shows: [
    "Where It Fits in the Kubernetes Architecture",
    "Full Flow (Pod Creation to Running)",
    "Visual Summary: Full Container Lifecycle",
  ],
  cast: "containerd",
  narration: {
    "cluster.apply": "The API server stores the pod and answers. No node knows of it yet.",
    "cluster.bind": "The scheduler writes a node's name into the pod: that is all scheduling is.",
    "cluster.assign": "The kubelet of that node sees a pod of its own.",
    "cri.RunPodSandbox": "From here on it is gRPC: the kubelet creates no container itself.",
    "container.create": "runc builds the container and stops right before its program.",
    "cluster.status": "Only now the API server hears that the pod runs.",
  },
  async run(stage) {
    const { api, kubelet } = stage.cluster();
    const pod = podOf("web", [{ name: "nginx", image: nginxImage }]);
    await api.apply(stage.context, pod);
    const { phase, podIp } = await api.observe(stage.context, "web");
    expectThat(phase === "Running" && podIp !== "", `the pod is ${phase} at "${podIp}"`);
    await kubelet.remove(stage.context, "web", 2);
  },
};
