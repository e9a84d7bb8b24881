/** The pod client over real gRPC, with a runtime of the test's own behind it that notes what it is asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Container } from "../api/index.ts";
import { connectClient, type GrpcClient } from "../cri/client.ts";
import { type CriServer, startServer } from "../cri/server.ts";
import type { Runtime } from "../cri/service/runtime.ts";
import { RuntimeError } from "../kernel/errors.ts";
import { linuxClock } from "../kernel/linux/clock.ts";
import { silentTracer } from "../telemetry/live-tracer.ts";
import { PodClient } from "./pod-client.ts";
import type { PodDescription } from "./pod-description.ts";

const context = { tracer: silentTracer, span: undefined, signal: undefined };

const pod: PodDescription = {
  name: "web",
  namespace: "ns",
  uid: "u-1",
  logDirectory: "/logs",
  containers: [
    { name: "a", image: "here:1", command: ["run"], env: { KEY: "ä" } },
    { name: "b", image: "elsewhere:1" },
  ],
};

let directory: string;
let server: CriServer;
let client: GrpcClient;
let asked: string[];
let startFails: boolean;
let existing: Container[];

/** Notes a call and answers; requests are checked where a test looks at them. */
function runtime(): Partial<Runtime> {
  let made = 0;
  return {
    async runPodSandbox(_context, { config }) {
      asked.push(
        `run ${config?.metadata?.namespace}/${config?.metadata?.name} pid=${config?.linux?.securityContext?.namespaceOptions?.pid}`,
      );
      return { podSandboxId: "p" };
    },
    async podSandboxStatus() {
      asked.push("status");
      return {
        info: {},
        containersStatuses: [],
        timestamp: 0,
        status: {
          id: "p",
          state: "SANDBOX_READY",
          createdAt: 1,
          labels: {},
          annotations: {},
          runtimeHandler: "",
          network: { ip: "10.0.0.9", additionalIps: [] },
        },
      };
    },
    async imageStatus(_context, { image }) {
      asked.push(`image ${image?.image}`);
      const present = {
        id: "sha256:1",
        repoTags: [],
        repoDigests: [],
        size: 1,
        username: "",
        pinned: false,
      };
      return image?.image === "here:1" ? { image: present, info: {} } : { info: {} };
    },
    async pullImage(_context, { image }) {
      asked.push(`pull ${image?.image}`);
      return { imageRef: "sha256:2" };
    },
    async createContainer(_context, { config }) {
      made += 1;
      const env = config?.envs
        .map(({ key, value }) => `${key}=${new TextDecoder().decode(value)}`)
        .join();
      asked.push(
        `create ${config?.metadata?.name} of ${config?.image?.image} (${config?.image?.userSpecifiedImage}) ${env}`,
      );
      return { containerId: `c${made}` };
    },
    async startContainer(_context, { containerId }) {
      asked.push(`start ${containerId}`);
      if (startFails) throw new RuntimeError("INTERNAL", "execve: ENOENT");
      return {};
    },
    async stopContainer(_context, { containerId, timeout }) {
      asked.push(`stop ${containerId} ${timeout}`);
      return {};
    },
    async listContainers(_context, { filter }) {
      asked.push(`list ${filter?.podSandboxId}`);
      return { containers: existing };
    },
    async removeContainer(_context, { containerId }) {
      asked.push(`remove ${containerId}`);
      return {};
    },
    async stopPodSandbox() {
      asked.push("stop pod");
      return {};
    },
    async removePodSandbox() {
      asked.push("remove pod");
      return {};
    },
  };
}

function container(id: string): Container {
  return {
    id,
    podSandboxId: "p",
    imageRef: "",
    state: "CONTAINER_RUNNING",
    createdAt: 1,
    labels: {},
    annotations: {},
    imageId: "",
  };
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "vt-pod-"));
  asked = [];
  startFails = false;
  existing = [];
  const log = { debug() {}, info() {}, warn() {} };
  server = await startServer(join(directory, "s"), {
    runtime: runtime() as Runtime,
    tracer: silentTracer,
    log,
    notReady: () => undefined,
  });
  client = connectClient(join(directory, "s"));
});

afterEach(async () => {
  client.close();
  await server.close(100);
  rmSync(directory, { recursive: true });
});

test("makes a kubelet's calls in a kubelet's order, and pulls only what is not here", async () => {
  const running = await new PodClient(client, linuxClock()).runPod(context, pod);
  expect(running).toEqual({
    sandboxId: "p",
    ip: "10.0.0.9",
    containers: [
      { name: "a", id: "c1" },
      { name: "b", id: "c2" },
    ],
  });
  expect(asked).toEqual([
    "run ns/web pid=CONTAINER",
    "status",
    "image here:1",
    "create a of sha256:1 (here:1) KEY=ä",
    "start c1",
    "image elsewhere:1",
    "pull elsewhere:1",
    "create b of sha256:2 (elsewhere:1) ",
    "start c2",
  ]);
});

test("takes down what it made when something fails, and says what failed", async () => {
  startFails = true;
  existing = [container("c1")];
  await expect(new PodClient(client, linuxClock()).runPod(context, pod)).rejects.toThrow(
    "execve: ENOENT",
  );
  expect(asked.slice(-4)).toEqual(["stop pod", "list p", "remove c1", "remove pod"]);
});

test("stops every container with its grace before the sandbox", async () => {
  existing = [container("c1"), container("c2")];
  await new PodClient(client, linuxClock()).stopPod(context, "p", 7);
  expect(asked.slice(1, 3).sort()).toEqual(["stop c1 7", "stop c2 7"]);
  expect(asked.at(-1)).toBe("stop pod");
});
