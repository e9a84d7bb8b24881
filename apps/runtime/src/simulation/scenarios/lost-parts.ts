/** What the runtime does when a part of a pod dies that nobody asked to die: the pause process, the shim. */
import { deliverSignal, SIGKILL } from "../../kernel/sim/index.ts";
import { expectThat } from "../look-inside.ts";
import { idle, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** kill -9 by somebody on the host, of the process of this name that was started last. */
async function killLast(stage: Stage, comm: string): Promise<void> {
  const all = [...stage.simulation.machine.processes.values()];
  const victim = all.findLast((one) => one.comm === comm && one.state === "alive");
  if (victim !== undefined) deliverSignal(victim, SIGKILL);
  await stage.simulation.clock.sleep(500);
}

async function sandboxState(stage: Stage, podSandboxId: string): Promise<string> {
  const { status } = await stage.cri.podSandboxStatus(stage.context, {
    podSandboxId,
    verbose: false,
  });
  return status?.state ?? "gone";
}

export const lostParts: Scenario = {
  id: "lost-parts",
  title: "Somebody kills a pause process, and a shim",
  summary:
    "A pod without its pause has lost its frame; a container without its shim has nobody who sees it end.",
  shows: ["The Sandbox Concept", "Summary"],
  narration: {
    "pod.pause_exited":
      "The namespaces live on while a container is in them, but nobody can join a dead pause: the sandbox is not ready.",
    "pod.shim_lost":
      "No parent, no exit code, no log: what has lost its shim is ended, and a kubelet makes it anew.",
  },
  async run(stage) {
    const pods = stage.pods();
    for (const [name, comm] of [
      ["frame", "pause"],
      ["orphan", "vitrine-shim"],
    ] as const) {
      const { sandboxId } = await pods.runPod(stage.context, podOf(name, [idle("app")]));
      await killLast(stage, comm);
      const state = await sandboxState(stage, sandboxId);
      expectThat(state === "SANDBOX_NOTREADY", `the sandbox is ${state}`);
      await pods.stopPod(stage.context, sandboxId, 0);
      await pods.removePod(stage.context, sandboxId);
    }
  },
};
