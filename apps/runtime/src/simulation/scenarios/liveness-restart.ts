/** A process that runs and serves nobody. */
import { defaultProbe } from "../../actors/kubelet.ts";
import { expectThat } from "../look-inside.ts";
import { podOf, shell } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const livenessRestart: Scenario = {
  id: "liveness-restart",
  title: "A liveness probe restarts a container",
  summary:
    "Three failed probes in a row: the container is stopped, with grace, and a new one takes its place.",
  shows: ["Full Flow (Pod Creation to Running)"],
  cast: "kubernetes",
  narration: {
    "cluster.probe": "The kubelet has a command executed inside: exit code 0 means alive.",
    "cri.StopContainer": "First SIGTERM and thirty seconds, then SIGKILL.",
    "cluster.restart": "A new container, the old address.",
  },
  async run(stage) {
    const { api, kubelet } = stage.cluster();
    const script =
      "trap 'exit 0' TERM; touch /healthy; sleep 15; rm /healthy; while true; do sleep 1; done";
    await api.apply(stage.context, podOf("sick", [shell("app", script)]));
    const before = kubelet.containerId("sick", "app");
    const probe = { ...defaultProbe, command: ["cat", "/healthy"] };
    const restarted = await kubelet.probeUntilRestart(stage.context, "sick", "app", probe, 10);
    expectThat(restarted && kubelet.containerId("sick", "app") !== before, "it was replaced");
    await kubelet.remove(stage.context, "sick", 2);
  },
};
