/** An image, from its name to directories on disk, and what a second image costs that shares layers. */
import { imageSpec } from "../../actors/pod-messages.ts";
import { expectThat } from "../look-inside.ts";
import { nginxImage, shellImage } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const imagePull: Scenario = {
  id: "image-pull",
  title: "Pulling and unpacking an image",
  summary:
    "A name becomes a digest, a digest a manifest, a manifest layers, and each layer a directory.",
  shows: ["containerd Architecture Internals", "Storage via Snapshotters"],
  cast: "containerd",
  narration: {
    "image.resolve": "A tag may move; the digest it stands for now is what is pulled.",
    "image.fetch": "Each blob is checked against its digest: a registry cannot give another one.",
    "image.unpack": "The layer becomes a directory that is never changed again.",
  },
  async run(stage) {
    for (const name of [nginxImage, shellImage]) {
      await stage.cri.pullImage(stage.context, { image: imageSpec(name) });
    }
    const { images } = await stage.cri.listImages(stage.context, {});
    expectThat(images.length >= 2, "both images are there");
    for (const name of [nginxImage, shellImage]) {
      await stage.cri.removeImage(stage.context, { image: imageSpec(name) });
    }
  },
};
