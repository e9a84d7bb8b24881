/**
 * A daemon that is killed at one boundary: runs the whole life of a pod with one container over the
 * directories of a test's engine, and kills itself with SIGKILL at the crash point named.
 *
 *   node crash-engine.ts DIRECTORY OPTIONS_JSON POD_JSON POINT
 *
 * Ends with status 3 when the point was never reached.
 */
import { createRequest } from "./cri-requests.ts";
import { LinuxEngine } from "./linux-engine.ts";

const [directory = "", optionsText = "", podText = "", point = ""] = process.argv.slice(2);
const node = LinuxEngine.over(directory, {
  ...JSON.parse(optionsText),
  crashPoint: (reached) => {
    if (reached === point) process.kill(process.pid, "SIGKILL");
  },
});
const { engine, context } = node;
const config = JSON.parse(podText);
await engine.start(context);
const pod = await engine.runPodSandbox(context, { config, runtimeHandler: "" });
const command = ["sleep", "98765"];
const container = await engine.createContainer(
  context,
  createRequest(pod.podSandboxId, config, { command, logPath: "main/0.log" }),
);
await engine.startContainer(context, container);
await engine.stopContainer(context, { ...container, timeout: 1 });
await engine.removeContainer(context, container);
await engine.stopPodSandbox(context, pod);
await engine.removePodSandbox(context, pod);
process.exit(3);
