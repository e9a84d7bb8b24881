/**
 * The program of the virtual machine: the demo as a user runs it, and beside it a daemon that is driven
 * through its CRI socket. Each thing seen is one line for test/e2e/cgroup-v2.test.ts.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { hostNetworkPod, namespaceOptions, podConfig } from "../harness/cri-requests.ts";
import {
  CriNode,
  type CriPod,
  limited,
  makeKubeletCgroup,
  removeKubeletCgroup,
} from "./cri-node.ts";
import { machineState } from "./machine-state.ts";
import { observeAppArmor } from "./observe-apparmor.ts";
import {
  eatMemory,
  observeDevices,
  observeLimits,
  observeOutOfMemory,
  observeStop,
} from "./observe-cgroups.ts";
import { observe } from "./report.ts";

const settleMs = 5_000;

async function runDemo(): Promise<unknown> {
  const demo = "apps/runtime/src/cli/demo.ts";
  const { stdout } = await promisify(execFile)(process.execPath, [demo, "--level", "1"]);
  return stdout.split("\n").filter((line) => line.startsWith("* "));
}

/** A pod whose cgroup the client made, as a kubelet does. */
async function usePodOfKubelet(node: CriNode): Promise<void> {
  const cgroupParent = makeKubeletCgroup("pod1");
  const { linux } = hostNetworkPod();
  if (linux === undefined) throw new Error("no linux");
  const pod = await node.runPod(hostNetworkPod({ linux: { ...linux, cgroupParent } }));
  await observe("layers", () => pod.answer("cat /etc/which; ls /etc/gone /opt; mount | head -n 1"));
  await observeLimits(pod);
  await observeOutOfMemory(pod);
  await observeDevices(pod);
  await observeAppArmor(pod);
  await observeRestart(node, pod);
  await pod.remove();
  await observe("cgroup of the kubelet", async () => removeKubeletCgroup(cgroupParent) ?? "empty");
}

/** A pod with the cgroup, the network and the pid namespace that the runtime makes for it. */
async function usePodOfOurs(node: CriNode): Promise<void> {
  const { linux } = hostNetworkPod();
  if (linux?.securityContext === undefined) throw new Error("no linux");
  const shared = { ...namespaceOptions, pid: "POD" as const };
  const security = { ...linux.securityContext, namespaceOptions: shared };
  const pod = await node.runPod(podConfig({ linux: { ...linux, securityContext: security } }));
  await observeStop(pod);
  await pod.remove();
}

/** A container whose daemon is killed, and another daemon that finds it. */
async function observeRestart(node: CriNode, pod: CriPod): Promise<void> {
  await observe("after a crash of the daemon", async () => {
    const container = await pod.start(
      `while [ ! -e /tmp/go ]; do sleep 1; done; ${eatMemory}; exit $?`,
      limited({ memoryLimitInBytes: 16 << 20 }),
    );
    await node.daemon.kill("SIGKILL");
    await node.daemon.startAgain();
    const inside = await container.ask("cat /proc/self/cgroup; touch /tmp/go");
    const end = await container.end();
    await container.remove();
    return { inside, end };
  });
}

async function useDaemon(): Promise<string> {
  const node = await CriNode.start();
  try {
    await usePodOfKubelet(node);
    await usePodOfOurs(node);
  } finally {
    await observe("daemon's log", async () => node.daemon.log());
    await node.daemon.stop();
  }
  return "stopped";
}

/** The machine's state as soon as nothing is left that was not there before. */
async function leftSince(before: readonly string[]): Promise<readonly string[]> {
  const until = performance.now() + settleMs;
  for (;;) {
    const left = machineState().filter((thing) => !before.includes(thing));
    if (left.length === 0 || performance.now() > until) return left;
    await delay(50);
  }
}

await observe("machine", async () => ({
  release: release(),
  hierarchies: readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .flatMap((line) => / - (cgroup2?) /.exec(line)?.[1] ?? []),
  controllers: readFileSync("/sys/fs/cgroup/cgroup.controllers", "utf8").trim().split(" "),
}));
const before = machineState();
await Promise.all([observe("demo", runDemo), observe("daemon", useDaemon)]);
await observe("left", () => leftSince(before));
await observe("complete", async () => true);
