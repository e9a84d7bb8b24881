/** CRI-O: the same CRI, made for Kubernetes alone. */
import { nginxImage, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const crio: Scenario = {
  id: "cri-o",
  title: "CRI-O with conmon",
  summary:
    "A runtime without another client than the kubelet: no plugins, no second API, conmon as shim.",
  shows: ["Common Container Runtime Implementations"],
  cast: "crio",
  // default_ulimits = ["nofile=1024:2048"] of crio.conf.
  engine: { rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 2048 }] },
  narration: {
    "pod.shim": "conmon holds the container's output and its exit code.",
    "cri.RunPodSandbox": "The kubelet cannot tell it from containerd: that is what the CRI is for.",
  },
  async run(stage) {
    const pods = stage.pods();
    const pod = podOf("web", [{ name: "nginx", image: nginxImage }]);
    const { sandboxId } = await pods.runPod(stage.context, pod);
    await pods.stopPod(stage.context, sandboxId, 2);
    await pods.removePod(stage.context, sandboxId);
  },
};
