/** The demo pod: the same two containers that `npm start` runs on Linux, start to end. */
import type { PodDescription, RunningPod } from "../../actors/index.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const image = "vitrine.local/demo:1";
const port = 8080;

const pod: PodDescription = {
  name: "demo",
  namespace: "default",
  uid: "demo-1",
  logDirectory: "/var/log/pods/default_demo_demo-1",
  containers: [{ name: "serve", image, args: ["serve", String(port)] }],
};

/** The second container asks the first one `count` times, over the pod's address. */
export async function fetchFrom(stage: Stage, running: RunningPod, count: number): Promise<number> {
  const pods = stage.pods();
  const url = `http://${running.ip}:${port}/`;
  const id = await pods.runContainer(stage.context, running.sandboxId, pod, {
    name: "fetch",
    image,
    args: ["fetch", url, String(count)],
  });
  return (await pods.waitForExit(stage.context, id, 60_000)).exitCode;
}

export const demoPod: Scenario = {
  id: "demo-pod",
  title: "A pod is born, works and ends",
  summary:
    "Two containers share one sandbox: one serves HTTP on the pod's address, the other one asks it.",
  shows: ["Container Creation Lifecycle", "The Sandbox Concept"],
  narration: {
    "cri.RunPodSandbox": "First the frame: namespaces, a network, and a process that keeps them.",
    "cri.CreateContainer": "Then a file system and a process that waits at the door.",
    "cri.StartContainer": "Only now does the program run.",
  },
  async run(stage) {
    const pods = stage.pods();
    const running = await pods.runPod(stage.context, pod);
    await fetchFrom(stage, running, 1);
    await pods.stopPod(stage.context, running.sandboxId, 2);
    await pods.removePod(stage.context, running.sandboxId);
  },
};
