/** The daemon dies and comes back; the containers have not noticed. */
import { expectThat, shellIn } from "../look-inside.ts";
import { podOf, shell } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const daemonRestart: Scenario = {
  id: "daemon-restart",
  title: "The daemon restarts, the shims live on",
  summary:
    "kill -9 of the runtime: the container keeps running, and the new daemon finds it again.",
  shows: ["containerd Architecture Internals", "Summary"],
  narration: {
    "engine.recover":
      "Records are compared with what the kernel holds; shims are found by their sockets.",
    "container.exec": "The same process, under a new daemon.",
  },
  async run(stage) {
    const pods = stage.pods();
    const count = "i=0; while true; do i=$((i+1)); echo $i >/count; sleep 1; done";
    const { sandboxId, containers } = await pods.runPod(
      stage.context,
      podOf("steady", [shell("count", count)]),
    );
    const id = containers[0]?.id ?? "";
    await stage.simulation.clock.sleep(3000);
    await stage.restartDaemon();
    await stage.simulation.clock.sleep(3000);
    const { status } = await stage.cri.containerStatus(stage.context, {
      containerId: id,
      verbose: false,
    });
    expectThat(status?.state === "CONTAINER_RUNNING", `it is ${status?.state}`);
    const said = await shellIn(stage, id, "cat /count");
    expectThat(Number(said.stdout) >= 5, `it has counted on: ${said.stdout}`);
    await pods.stopPod(stage.context, sandboxId, 2);
    await pods.removePod(stage.context, sandboxId);
  },
};
