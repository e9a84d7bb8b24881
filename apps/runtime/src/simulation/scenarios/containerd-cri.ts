/** containerd from the inside: CRI plugin, image service, content store, snapshotter, shim, runc. */
import { nginxImage, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const containerdCri: Scenario = {
  id: "containerd",
  title: "containerd with its CRI plugin",
  summary:
    "One daemon, many parts: who pulls, who keeps blobs, who makes file systems, who starts processes.",
  shows: [
    "Modern containerd-based Architecture",
    "containerd Architecture Internals",
    "containerd Component Flow",
    "Container Creation Lifecycle",
  ],
  cast: "containerd",
  narration: {
    "image.fetch": "Blobs are kept by digest, so a layer two images share is fetched once.",
    "image.unpack": "Each layer becomes a directory; images share them, too.",
    "snapshot.prepare": "The container gets a writable layer on top, and only that is its own.",
    "pod.shim":
      "The shim will be the parent of runc and of the container, so containerd may restart.",
    "op.clone3": "Here runc makes the new process, in new namespaces.",
    "op.pivotRoot": "From here on the host's files have no name in the container.",
  },
  async run(stage) {
    const pods = stage.pods();
    const pod = podOf("web", [{ name: "nginx", image: nginxImage }]);
    const { sandboxId } = await pods.runPod(stage.context, pod);
    await pods.stopPod(stage.context, sandboxId, 2);
    await pods.removePod(stage.context, sandboxId);
  },
};
