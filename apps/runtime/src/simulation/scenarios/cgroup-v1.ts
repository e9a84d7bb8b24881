/** The same container on a host with cgroup v1: one hierarchy a controller instead of one for all. */
import { expectThat, shellIn } from "../look-inside.ts";
import { idle, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

const mebibyte = 1 << 20;

export const cgroupV1: Scenario = {
  id: "cgroup-v1",
  title: "Cgroups, version 1",
  summary:
    "On older hosts each controller has a tree of its own: a limit is set in one of them, and a process joins all.",
  shows: ["OCI Runtime (runc) Internals", "Security Model in Runtimes"],
  cgroups: "v1-hybrid",
  narration: {
    "container.cgroup": "A directory in every hierarchy, where version 2 needs one in all.",
    "op.cgroupJoin": "runc joins the trees one after another; its child is born into them.",
  },
  async run(stage) {
    const pods = stage.pods();
    const limited = idle("limited", {
      resources: { memoryLimitInBytes: 64 * mebibyte, cpuShares: 512 },
    });
    const { sandboxId, containers } = await pods.runPod(stage.context, podOf("old", [limited]));
    const id = containers[0]?.id ?? "";
    const files = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.shares";
    const { stdout, stderr } = await shellIn(stage, id, `cat ${files}`);
    expectThat(stdout === `${64 * mebibyte}\n512\n`, `its limits are ${stdout}${stderr}`);
    await pods.stopPod(stage.context, sandboxId, 0);
    await pods.removePod(stage.context, sandboxId);
  },
};
