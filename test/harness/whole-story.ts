/**
 * Everything the runtime does, once: every RPC that is implemented, containers with every kind of field, a
 * registry that asks for a token, ends that nobody asked for, a restart. For tests that look at what was traced.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { PodClient } from "../../apps/runtime/src/actors/pod-client.ts";
import type { PodDescription } from "../../apps/runtime/src/actors/pod-description.ts";
import { containerConfig, sandboxConfig } from "../../apps/runtime/src/actors/pod-messages.ts";
import { runDemoPod, waitForFetches } from "../../apps/runtime/src/cli/demo-pod.ts";
import type { PrivateDaemon } from "../../apps/runtime/src/cli/private-daemon.ts";
import { oneTraceContext, silentContext } from "../../apps/runtime/src/cli/silent-context.ts";
import { sampleImage } from "../../apps/runtime/src/images/fixtures/sample-image.ts";
import { ScriptedRegistry } from "../../apps/runtime/src/images/fixtures/scripted-registry.ts";
import { linuxClock } from "../../apps/runtime/src/kernel/linux/clock.ts";
import { writeBusyboxImage } from "./busybox-image.ts";

/** What no trace may ever show; each is given to the daemon by the way its name says. */
export const secrets = {
  environment: "environment-3f9a1c77",
  imageEnvironment: "image-environment-5d20b86e",
  password: "password-91be04d2",
  bearerToken: "bearer-token-77c1f0aa",
} as const;

const busybox = "vitrine.test/busybox:1";
const context = silentContext;

const image = (reference: string) => ({
  image: reference,
  annotations: {},
  userSpecifiedImage: "",
  runtimeHandler: "",
  imageRef: "",
});

/** A pod with a shell that has most of what a container can have. */
function describePod(daemon: PrivateDaemon, name: string): PodDescription {
  const data = join(daemon.directory, "net.d");
  return {
    name,
    namespace: "story",
    uid: name,
    logDirectory: join(daemon.directory, "logs", name),
    sysctls: { "net.ipv4.ip_local_port_range": "2000 3000" },
    dns: { servers: ["192.0.2.1"], searches: ["example.test"], options: [] },
    containers: [
      {
        name: "full",
        image: busybox,
        command: ["sleep", "1000"],
        env: { API_KEY: secrets.environment },
        workingDir: "/made/on/the/way",
        mounts: [
          { containerPath: "/data", hostPath: data, readonly: true },
          { containerPath: "/image", image: image(busybox), readonly: true },
        ],
        resources: { memoryLimitInBytes: 64 << 20, cpuShares: 200, oomScoreAdj: 100 },
        security: {
          runAsUsername: "nobody",
          noNewPrivs: true,
          readonlyRootfs: true,
          maskedPaths: ["/proc/acpi"],
          readonlyPaths: ["/proc/sys"],
          seccomp: { profileType: "RuntimeDefault", localhostRef: "" },
          capabilities: {
            addCapabilities: ["NET_BIND_SERVICE"],
            dropCapabilities: ["ALL"],
            addAmbientCapabilities: ["NET_BIND_SERVICE"],
          },
        },
      },
      { name: "terminal", image: busybox, command: ["sh"], tty: true, stdin: true },
    ],
  };
}

async function askAround({ client }: PrivateDaemon): Promise<void> {
  await client.version(context(), {});
  await client.status(context(), { verbose: true });
  await client.runtimeConfig(context(), {});
  await client.updateRuntimeConfig(context(), {});
  await client.listPodSandbox(context(), {});
  await client.listContainers(context(), {});
  await client.listImages(context(), {});
  await client.imageFsInfo(context(), {});
}

/** Pulls from a registry that wants a token, which it gives for a password; removes the image again. */
async function pullWithPassword({ client }: PrivateDaemon): Promise<void> {
  const registry = await ScriptedRegistry.start();
  try {
    const files = [{ name: "hello", data: Buffer.from("hello") }];
    registry.add("lib/app", "1", sampleImage([{ files }]));
    const basic = Buffer.from(`ann:${secrets.password}`).toString("base64");
    registry.handler = ({ url, headers }, response) => {
      if (url?.startsWith("/token")) {
        const good = headers.authorization === `Basic ${basic}`;
        response.writeHead(good ? 200 : 401).end(JSON.stringify({ token: secrets.bearerToken }));
        return true;
      }
      if (headers.authorization === `Bearer ${secrets.bearerToken}`) return false;
      const challenge = `Bearer realm="http://${registry.host}/token",service="story"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return true;
    };
    const reference = image(`${registry.host}/lib/app:1`);
    const wrong = { username: "ann", password: `not-${secrets.password}` };
    await expect(
      client.pullImage(context(), { image: reference, auth: wrong }),
    ).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const auth = { username: "ann", password: secrets.password };
    await client.pullImage(context(), { image: reference, auth });
    await client.imageStatus(context(), { image: reference, verbose: true });
    await client.removeImage(context(), { image: reference });
  } finally {
    await registry.stop();
  }
}

async function liveThroughAPod(daemon: PrivateDaemon, pods: PodClient): Promise<void> {
  const { client } = daemon;
  const pod = describePod(daemon, "whole");
  const traced = oneTraceContext();
  const { sandboxId, containers } = await pods.runPod(traced, pod);
  const containerId = containers[0]?.id ?? "";
  const { status } = await client.containerStatus(context(), { containerId, verbose: true });
  expect(status?.state).toBe("CONTAINER_RUNNING");
  await client.containerPlan(context(), { containerId });
  const cmd = ["sh", "-c", "env"];
  const { stdout } = await client.execSync(context(), { containerId, cmd, timeout: 5 });
  expect(new TextDecoder().decode(stdout)).toContain(secrets.environment);
  await client.updateContainerResources(context(), { containerId, linux: { cpuShares: 300 } });
  await client.reopenContainerLog(context(), { containerId });
  const refused = { ...pod.containers[0], name: "refused", image: busybox, command: ["nosuch"] };
  const { containerId: broken } = await client.createContainer(context(), {
    podSandboxId: sandboxId,
    config: containerConfig(pod, refused, busybox),
    sandboxConfig: sandboxConfig(pod),
  });
  await expect(client.startContainer(context(), { containerId: broken })).rejects.toThrow("nosuch");
  await client.stopContainer(context(), { containerId, timeout: 1 });
  await client.removeContainer(context(), { containerId });
  await pods.removePod(traced, sandboxId);
}

async function untilNotReady({ client }: PrivateDaemon, podSandboxId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const asked = await client.podSandboxStatus(context(), { podSandboxId, verbose: false });
      expect(asked.status?.state).toBe("SANDBOX_NOTREADY");
    },
    { timeout: 10_000 },
  );
}

/** Pid of the shim of a pod: the process that was started in the shim's directory. */
function shimPid(daemon: PrivateDaemon, sandboxId: string): number {
  const directory = join(daemon.directory, "run/shims", sandboxId);
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    try {
      const isShim = readFileSync(`/proc/${name}/cmdline`, "utf8").startsWith("vitrine-shim");
      if (isShim && readlinkSync(`/proc/${name}/cwd`) === directory) return Number(name);
    } catch {
      // Gone meanwhile.
    }
  }
  throw new Error(`pod ${sandboxId} has no shim`);
}

/** One pod loses its pause process, another one its shim. */
async function loseParts(daemon: PrivateDaemon, pods: PodClient): Promise<void> {
  for (const part of ["pause", "shim"] as const) {
    const pod = { ...describePod(daemon, `lost-${part}`), containers: [] };
    const { sandboxId } = await pods.runPod(context(), pod);
    const { info } = await daemon.client.podSandboxStatus(context(), {
      podSandboxId: sandboxId,
      verbose: true,
    });
    const { pid } = JSON.parse(info["info"] ?? "{}") as { pid: number };
    process.kill(part === "pause" ? pid : shimPid(daemon, sandboxId), "SIGKILL");
    await untilNotReady(daemon, sandboxId);
    await pods.removePod(context(), sandboxId);
  }
}

/** Lives through all of it; the daemon has no pod afterwards, but has been restarted once. */
export async function tellWholeStory(daemon: PrivateDaemon): Promise<void> {
  await askAround(daemon);
  await pullWithPassword(daemon);
  const path = join(daemon.directory, "busybox.tar");
  const config = { Env: ["PATH=/bin", `TOKEN=${secrets.imageEnvironment}`] };
  writeBusyboxImage(path, { reference: busybox, config });
  await daemon.client.loadImage(context(), { path });
  const clock = linuxClock();
  await liveThroughAPod(daemon, new PodClient(daemon.client, clock));
  await loseParts(daemon, new PodClient(daemon.client, clock));
  const demo = await runDemoPod(daemon.client, oneTraceContext(), {
    name: "demo",
    uid: "demo",
    logDirectory: join(daemon.directory, "logs/demo"),
    fetches: 1,
    say: () => {},
  });
  await waitForFetches(daemon.client, context(), demo, 20_000);
  await daemon.kill("SIGTERM");
  await daemon.startAgain();
  const pods = new PodClient(daemon.client, clock);
  await pods.removePod(context(), demo.sandboxId);
}
