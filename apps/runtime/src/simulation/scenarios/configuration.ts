/**
 * The configuration file of the seed text, a version 2 config.toml of containerd, and what it changes: the
 * sandbox image. `settings` is what the configuration code makes of that file (a test of cli/ holds it to that);
 * `vitrine sim configuration --config FILE` runs the scenario with any other file.
 */
import { expectThat } from "../look-inside.ts";
import { idle, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const exampleConfig = `version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

export const exampleSettings = { sandboxImage: "registry.k8s.io/pause:3.9" } as const;

export const configuration: Scenario = {
  id: "configuration",
  title: "config.toml: another pause image",
  summary:
    "One line of the configuration names the image of the pause container: now it is pulled from a registry.",
  shows: ["containerd Configuration File (Example)"],
  cast: "containerd",
  engine: exampleSettings,
  narration: {
    "image.pull":
      "Without that line nothing is pulled here: the pause image comes with the runtime.",
    "pod.pause_create":
      "The container that holds the namespaces runs from the image that was named.",
  },
  async run(stage) {
    const pods = stage.pods();
    const { sandboxId } = await pods.runPod(stage.context, podOf("configured", [idle("app")]));
    const { images } = await stage.runtime.listImages(stage.context, {});
    const wanted = stage.engine.parts.options.sandboxImage;
    expectThat(
      images.some(({ repoTags }) => repoTags.includes(wanted)),
      `the pod runs on ${wanted}`,
    );
    await pods.stopPod(stage.context, sandboxId, 0);
    await pods.removePod(stage.context, sandboxId);
  },
};
