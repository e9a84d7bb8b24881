/** A container takes more memory than it may. */
import { expectThat } from "../look-inside.ts";
import { podOf, shell } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

const mebibyte = 1 << 20;

export const oomKill: Scenario = {
  id: "oom-kill",
  title: "Out of memory",
  summary: "The limit is the kernel's: it chooses a victim in the cgroup, kills it, and counts.",
  shows: ["Security Model in Runtimes"],
  cast: "kubernetes",
  narration: {
    "container.cgroup": "The limit is a number in a file of the cgroup.",
    "container.exited":
      "Exit code 137 is 128 + SIGKILL; that memory was the reason only the cgroup knows.",
    "cluster.restart": "The kubelet makes a new container in the same sandbox.",
  },
  async run(stage) {
    const { api, kubelet } = stage.cluster();
    const greedy = shell("greedy", "sleep 1; exec eat-memory 128M", {
      resources: { memoryLimitInBytes: 64 * mebibyte },
    });
    await api.apply(stage.context, podOf("hungry", [greedy]));
    await stage.simulation.clock.sleep(3000);
    const reasons = await kubelet.sync(stage.context, "hungry");
    expectThat(reasons.join() === "OOMKilled", `it ended with ${reasons.join() || "nothing"}`);
    await api.observe(stage.context, "hungry");
    await kubelet.remove(stage.context, "hungry", 1);
  },
};
