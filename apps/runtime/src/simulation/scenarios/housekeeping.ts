/** What a kubelet asks beside pods: who are you, are you well, how full is the disk; resize this, reopen that. */
import { AT_FDCWD, renameat } from "../../kernel/sim/index.ts";
import { expectThat, shellIn } from "../look-inside.ts";
import { podOf, shell } from "../pods.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const mebibyte = 1 << 20;
const noChange = {
  cpuPeriod: 0,
  cpuQuota: 0,
  cpuShares: 0,
  oomScoreAdj: 0,
  cpusetCpus: "",
  cpusetMems: "",
  hugepageLimits: [],
  unified: {},
  memorySwapLimitInBytes: 0,
};

/** The node joins its cluster: what is asked before the first pod. */
async function greet({ cri, context }: Stage): Promise<void> {
  await cri.version(context, { version: "0.1.0" });
  const { status } = await cri.status(context, { verbose: false });
  const ready = status?.conditions.find(({ type }) => type === "RuntimeReady");
  expectThat(ready?.status === true, "the runtime says that it is ready");
  await cri.runtimeConfig(context, {});
  await cri.updateRuntimeConfig(context, {
    runtimeConfig: { networkConfig: { podCidr: "10.244.1.0/24" } },
  });
  const { items } = await cri.listPodSandbox(context, {});
  expectThat(items.length === 0, "no pod is there from earlier");
  await cri.imageFsInfo(context, {});
}

async function resize(stage: Stage, containerId: string, memory: number): Promise<void> {
  const linux = { ...noChange, memoryLimitInBytes: memory };
  await stage.cri.updateContainerResources(stage.context, { containerId, linux, annotations: {} });
  const { stdout } = await shellIn(stage, containerId, "cat /sys/fs/cgroup/memory.max");
  expectThat(Number(stdout) === memory, `its cgroup says ${stdout}`);
}

/** As the kubelet does when a log has grown too long: rename it, then have it opened anew. */
async function rotateLog(stage: Stage, containerId: string, log: string): Promise<void> {
  const { init } = stage.simulation.machine;
  renameat(init, AT_FDCWD, log, AT_FDCWD, `${log}.20260101-000000`);
  await stage.cri.reopenContainerLog(stage.context, { containerId });
  await stage.simulation.clock.sleep(2000);
  const bytes = await stage.world.kernel.files.read(log, mebibyte);
  expectThat((bytes?.length ?? 0) > 0, "what it says goes to the new file");
}

export const housekeeping: Scenario = {
  id: "housekeeping",
  title: "What a kubelet asks besides",
  summary:
    "Before the first pod: version, status, configuration. While pods run: more memory, a log that is rotated.",
  shows: ["Key Standards: CRI vs OCI"],
  cast: "kubernetes",
  narration: {
    "cri.Version": "A kubelet that does not know the API's version goes no further.",
    "cri.Status": "Ready is two things: the runtime itself, and a network to put pods into.",
    "cri.RuntimeConfig": "The runtime says which cgroup driver it uses; both have to use the same.",
    "cri.UpdateRuntimeConfig":
      "The one thing the kubelet tells the runtime: the node's range of addresses.",
    "cri.ImageFsInfo": "How full the disk is decides whether images are removed, or pods.",
    "container.update": "Nothing restarts: a number in a file of the cgroup is another one.",
    "container.reopen_log":
      "The file was renamed; the shim still writes to it until it opens the name again.",
  },
  async run(stage) {
    await greet(stage);
    const pods = stage.pods();
    const talk = shell("talk", "while true; do date; sleep 1; done", {
      resources: { memoryLimitInBytes: 64 * mebibyte },
      security: { runAsUser: { value: 1000 } },
    });
    const pod = podOf("grown", [talk]);
    const { sandboxId, containers } = await pods.runPod(stage.context, pod);
    const id = containers[0]?.id ?? "";
    await resize(stage, id, 128 * mebibyte);
    const { status } = await stage.cri.containerStatus(stage.context, {
      containerId: id,
      verbose: false,
    });
    await rotateLog(stage, id, status?.logPath ?? "");
    const { text } = await stage.cri.containerPlan(stage.context, { containerId: id });
    expectThat(text.includes("pivotRoot"), "every step that made it can be read afterwards");
    await pods.stopPod(stage.context, sandboxId, 0);
    await pods.removePod(stage.context, sandboxId);
  },
};
