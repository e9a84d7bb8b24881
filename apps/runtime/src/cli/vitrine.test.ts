/** `vitrine` as a program, against a real gRPC server with a small runtime of the test's own behind it. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Container, PodSandbox } from "../api/index.ts";
import { type CriServer, startServer } from "../cri/server.ts";
import type { Runtime } from "../cri/service/runtime.ts";
import { RuntimeError } from "../kernel/errors.ts";
import { silentTracer } from "../telemetry/live-tracer.ts";
import { startTelemetry, type Telemetry } from "../telemetry/telemetry.ts";

const program = join(import.meta.dirname, "vitrine.mjs");
const podId = "9f".repeat(32);
const containerId = "c1".repeat(32);
const otherId = "c2".repeat(32);

let directory: string;
let server: CriServer;
let telemetry: Telemetry;
const asked: unknown[] = [];

const pod: PodSandbox = {
  id: podId,
  metadata: { name: "web", namespace: "demo", uid: "u", attempt: 0 },
  state: "SANDBOX_READY",
  createdAt: 1,
  labels: {},
  annotations: {},
  runtimeHandler: "",
};

function container(id: string, name: string): Container {
  return {
    id,
    podSandboxId: podId,
    metadata: { name, attempt: 0 },
    image: {
      image: "sha256:1",
      annotations: {},
      userSpecifiedImage: "busybox:1",
      runtimeHandler: "",
      imageRef: "",
    },
    imageRef: "",
    state: "CONTAINER_RUNNING",
    createdAt: 1,
    labels: {},
    annotations: {},
    imageId: "",
  };
}

function runtime(): Partial<Runtime> {
  return {
    version: async () => ({
      version: "0.1.0",
      runtimeName: "vitrine",
      runtimeVersion: "9.9.9",
      runtimeApiVersion: "v1",
    }),
    status: async () => ({
      status: {
        conditions: [
          { type: "RuntimeReady", status: true, reason: "", message: "" },
          {
            type: "NetworkReady",
            status: false,
            reason: "NetworkPluginNotReady",
            message: "no file in /etc/cni/net.d",
          },
        ],
      },
      info: {},
      runtimeHandlers: [{ name: "" }, { name: "vitrine" }],
    }),
    listPodSandbox: async () => ({ items: [pod] }),
    podSandboxStatus: async () => ({
      status: { ...pod, network: { ip: "10.88.0.7", additionalIps: [] } },
      info: {},
      containersStatuses: [],
      timestamp: 0,
    }),
    listContainers: async () => ({
      containers: [container(containerId, "serve"), container(otherId, "fetch")],
    }),
    containerStatus: async () => ({
      info: {},
      status: {
        ...container(containerId, "serve"),
        startedAt: 1,
        finishedAt: 1,
        exitCode: 0,
        reason: "",
        message: "",
        mounts: [],
        logPath: join(directory, "0.log"),
        stopSignal: "SIGNAL_RUNTIME_DEFAULT",
        state: "CONTAINER_EXITED",
      },
    }),
    async execSync(_context, request) {
      asked.push(request);
      return { stdout: Buffer.from("out\n"), stderr: Buffer.from("err\n"), exitCode: 7 };
    },
    pullImage: (_context, request) => {
      asked.push(request);
      const error =
        request.image?.image === "down.example/x:1"
          ? new RuntimeError("UNAVAILABLE", "https://down.example/v2/: connect ECONNREFUSED")
          : new RuntimeError("NOT_FOUND", "registry.example has no image x:1");
      return Promise.reject(error);
    },
    imageStatus: async () => ({ info: {} }),
    removeImage: () => Promise.reject(new RuntimeError("INTERNAL", "nobody should ask for this")),
    containerPlan: async () => ({ text: "0  oci  clone3\n1  init execve\n", json: "{}" }),
    async loadImage(_context, request) {
      asked.push(request);
      return { images: [{ id: "sha256:2", references: ["a:1"], sizeBytes: 2048 }] };
    },
  };
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function vitrine(
  args: readonly string[],
  options: { stdin?: string; socket?: string; untilOutput?: string } = {},
): Promise<Outcome> {
  const socket = options.socket ?? join(directory, "cri.sock");
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, VITRINE_SOCKET: socket },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
    if (options.untilOutput !== undefined && stdout.includes(options.untilOutput))
      child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(options.stdin ?? "");
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "vt-cli-"));
  telemetry = await startTelemetry({
    enabled: true,
    pollRatio: 0,
    ringEvents: 100,
    recordPath: undefined,
    version: "1",
    mode: "real",
    kernelRelease: "6",
    architecture: "amd64",
    hostname: "h",
    nowNs: () => BigInt(Date.now()) * 1_000_000n,
    env: {},
    warn: () => {},
  });
  await new Promise<void>((resolve) =>
    telemetry.traceServer.server.listen(join(directory, "trace.sock"), resolve),
  );
  server = await startServer(join(directory, "cri.sock"), {
    runtime: runtime() as Runtime,
    tracer: silentTracer,
    log: { debug() {}, info() {}, warn() {} },
    notReady: () => undefined,
  });
});

afterAll(async () => {
  await server.close(100);
  await telemetry.close(100);
  rmSync(directory, { recursive: true });
});

describe("what it shows", () => {
  test("status says what is not ready and why", async () => {
    const { stdout, code } = await vitrine(["status"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      "vitrine 9.9.9, CRI v1\nRuntimeReady   yes\nNetworkReady   NO  NetworkPluginNotReady: no file in /etc/cni/net.d\nhandlers       (default), vitrine\n",
    );
  });

  test("pods and containers as tables, and as JSON", async () => {
    const [table, list, json] = await Promise.all([
      vitrine(["pods"]),
      vitrine(["containers"]),
      vitrine(["--json", "pods"]),
    ]);
    expect(table.stdout).toMatch(
      /^ID +NAMESPACE +NAME +STATE +IP +AGE\n9f9f9f9f9f9f9 +demo +web +ready +10\.88\.0\.7 +\d+ days\n$/,
    );
    expect(list.stdout).toContain("c1c1c1c1c1c1c  serve  running  busybox:1  9f9f9f9f9f9f9");
    expect(JSON.parse(json.stdout)).toMatchObject([{ id: podId, state: "SANDBOX_READY" }]);
  });

  test("the plan of a container", async () => {
    expect((await vitrine(["plan", "fetch"])).stdout).toBe("0  oci  clone3\n1  init execve\n");
  });

  test("logs: partial lines joined, streams kept apart", async () => {
    const lines = ["T stdout P one ", "T stdout F line", "T stderr F oops", "T stdout F last"];
    writeFileSync(join(directory, "0.log"), `${lines.join("\n")}\n`);
    expect(await vitrine(["logs", "serve"])).toEqual({
      code: 0,
      stdout: "one line\nlast\n",
      stderr: "oops\n",
    });
  });

  test("trace draws a call when it has ended", async () => {
    telemetry.tracer
      .start("cri.RunPodSandbox", undefined, {
        attributes: { "k8s.pod.name": "web", "k8s.namespace.name": "demo" },
      })
      .end();
    const { stdout } = await vitrine(["trace"], { untilOutput: "RunPodSandbox" });
    expect(stdout).toContain("runtime");
    expect(stdout).toContain("RunPodSandbox demo/web");
  });
});

describe("what it does", () => {
  test("exec passes everything behind the container on, and its exit code back", async () => {
    asked.length = 0;
    const outcome = await vitrine(["exec", "--timeout", "5", "serve", "ls", "-l", "--json"]);
    expect(outcome).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
    expect(asked).toEqual([{ containerId, cmd: ["ls", "-l", "--json"], timeout: 5 }]);
  });

  test("a password comes from standard input only", async () => {
    asked.length = 0;
    const refused = await vitrine(["pull", "--username", "joe", "x:1"]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("--password-stdin") });
    const outcome = await vitrine(["pull", "--username", "joe", "--password-stdin", "x:1"], {
      stdin: "secret\n",
    });
    expect(asked).toMatchObject([
      { image: { image: "x:1" }, auth: { username: "joe", password: "secret" } },
    ]);
    expect(outcome).toEqual({
      code: 1,
      stdout: "",
      stderr: "vitrine: registry.example has no image x:1 (NOT_FOUND)\n",
    });
  });

  test("image load sends an absolute path", async () => {
    asked.length = 0;
    const { stdout } = await vitrine(["image", "load", "some.tar"]);
    expect(stdout).toBe("a:1  sha256:2  2.0 KiB\n");
    expect(asked).toEqual([{ path: join(process.cwd(), "some.tar") }]);
  });
});

describe("called wrongly", () => {
  test.each([
    [["containres"], 2, "there is no command containres; did you mean containers?"],
    [["image", "laod", "x"], 2, "did you mean image load?"],
    [["pull"], 2, "usage: vitrine pull IMAGE"],
    [["pods", "--jsn"], 2, "unknown option --jsn; did you mean --json?"],
    [
      ["exec", "nobody", "ls"],
      1,
      "there is no container nobody; vitrine containers lists what there is",
    ],
    [
      ["exec", "c", "ls"],
      1,
      "c means more than one container: c1c1c1c1c1c1c, c2c2c2c2c2c2c; give more of the id",
    ],
    [["trace", "--level", "9"], 2, "--level 9: must be 1, 2 or 3"],
    [["stop", "--grace", "soon", "web"], 2, "--grace soon: must be a whole number of seconds"],
  ])("%j", async (args, code, message) => {
    expect(await vitrine(args)).toMatchObject({
      code,
      stdout: "",
      stderr: expect.stringContaining(message),
    });
  });

  test("a registry that is down is not a daemon that is down", async () => {
    const outcome = await vitrine(["pull", "down.example/x:1"]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("https://down.example/v2/: connect ECONNREFUSED");
    expect(outcome.stderr).not.toMatch(/no runtime answers|start the daemon/);
  });

  test("an image that is not there was not removed", async () => {
    expect(await vitrine(["image", "rm", "nope"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("there is no image nope; vitrine images lists"),
    });
  });

  test("no daemon: says so and what to do", async () => {
    const outcome = await vitrine(["pods"], { socket: join(directory, "none.sock") });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/no runtime answers on \S+ \(ENOENT\)\n/);
    expect(outcome.stderr).toContain("start the daemon with: sudo vitrined");
    const stream = await vitrine(["--trace-socket", join(directory, "none"), "trace"]);
    expect(stream).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nothing answers on"),
    });
  });

  test("help for all and for one", async () => {
    const [all, one, nothing] = await Promise.all([
      vitrine(["--help"]),
      vitrine(["pull", "--help"]),
      vitrine([]),
    ]);
    expect(all).toMatchObject({ code: 0, stdout: expect.stringContaining("image load FILE") });
    expect(one).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("usage: vitrine pull IMAGE"),
    });
    expect(nothing).toMatchObject({ code: 2 });
  });

  test("a socket that speaks something else", async () => {
    const path = join(directory, "other.sock");
    const other = createServer((socket) => socket.end("hello\n")).listen(path);
    const outcome = await vitrine(["status"], { socket: path });
    other.close();
    expect(outcome).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^vitrine: /),
    });
  });
});
