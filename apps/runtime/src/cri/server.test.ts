/** Real gRPC over a unix socket: the server, the wrapper and the client together. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KernelError, RuntimeError } from "../kernel/errors.ts";
import { remoteSpan } from "../trace/trace-context.ts";
import type { Attributes, Context, Span, Tracer } from "../trace/tracer.ts";
import { connectClient, type GrpcClient } from "./client.ts";
import { methods } from "./methods.ts";
import { type CriServer, startServer } from "./server.ts";
import { rpcs } from "./service/rpc-table.ts";
import type { Runtime } from "./service/runtime.ts";

interface Noted {
  readonly step: string;
  readonly parent: Span | undefined;
  readonly attributes: Record<string, unknown>;
  failed?: string;
  ended: boolean;
}

/** Notes every span; ids are fixed, since only their way through is tested. */
class NotingTracer implements Tracer {
  readonly spans: Noted[] = [];

  start(step: string, parent: Span | undefined, options?: { attributes?: Attributes }): Span {
    const noted: Noted = { step, parent, attributes: { ...options?.attributes }, ended: false };
    this.spans.push(noted);
    return {
      traceId: parent?.traceId ?? "a".repeat(32),
      spanId: "b".repeat(16),
      set: (attributes) => Object.assign(noted.attributes, attributes),
      event: () => {},
      fail: (type) => {
        noted.failed = type;
      },
      link: () => {},
      end: () => {
        noted.ended = true;
      },
    };
  }
}

const quiet = { debug() {}, info() {}, warn() {} };
const context: Context = { tracer: new NotingTracer(), span: undefined, signal: undefined };

let directory: string;
let path: string;
let tracer: NotingTracer;
let server: CriServer | undefined;
let client: GrpcClient;
let notReady: string | undefined;

/** A runtime that has only the methods a test needs; calling another one fails that test. */
async function serve(partial: Partial<Runtime>): Promise<void> {
  server = await startServer(path, {
    runtime: partial as Runtime,
    tracer,
    log: quiet,
    notReady: () => notReady,
  });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vt-cri-"));
  path = join(directory, "cri.sock");
  tracer = new NotingTracer();
  notReady = undefined;
  client = connectClient(path, { timeoutMs: 5000 });
});

afterEach(async () => {
  client.close();
  await server?.close(100);
  server = undefined;
  rmSync(directory, { recursive: true });
});

const version = async () => ({
  version: "0.1.0",
  runtimeName: "vitrine",
  runtimeVersion: "0.0.0",
  runtimeApiVersion: "v1",
});

describe("the API", () => {
  test("has the 43 calls of the published CRI, six of them Stream*", () => {
    const cri = [...methods.values()].filter((method) => method.service.startsWith("runtime.v1."));
    expect(cri).toHaveLength(43);
    expect(cri.filter((method) => method.service.endsWith("ImageService"))).toHaveLength(6);
    expect(cri.filter((method) => method.stream).map((method) => method.name)).toEqual([
      "StreamPodSandboxes",
      "StreamContainers",
      "StreamContainerStats",
      "StreamPodSandboxStats",
      "StreamPodSandboxMetrics",
      "GetContainerEvents",
      "StreamImages",
    ]);
  });

  test("every call is served or says that it is not yet", async () => {
    await serve({});
    const implemented = new Set<string>(rpcs.map((rpc) => rpc.name));
    for (const method of methods.values()) {
      if (implemented.has(method.name)) continue;
      const call = method.stream
        ? client
            .stream(method.name as "StreamImages", context, {})
            [Symbol.asyncIterator]()
            .next()
        : (client as unknown as Record<string, (c: Context, r: object) => Promise<unknown>>)[
            method.name.slice(0, 1).toLowerCase() + method.name.slice(1)
          ]?.(context, {});
      await expect(call, method.name).rejects.toMatchObject({
        code: "UNIMPLEMENTED",
        message: `method ${method.fullName} is not implemented yet`,
      });
    }
  });
});

describe("messages", () => {
  test("arrive complete at the engine, whatever the client left out", async () => {
    let seen: unknown;
    await serve({
      async runPodSandbox(_context, request) {
        seen = request;
        return { podSandboxId: "p1" };
      },
    });
    const labels = JSON.parse('{"a":"\\ufeffb","__proto__":"c"}') as Record<string, string>;
    await client.runPodSandbox(context, {
      config: {
        metadata: { name: "n", uid: "u" },
        labels,
        linux: { securityContext: { runAsUser: { value: 0 } } },
      },
    });
    expect(seen).toMatchObject({
      runtimeHandler: "",
      config: { metadata: { name: "n", uid: "u", namespace: "", attempt: 0 }, portMappings: [] },
    });
    const { config } = seen as {
      config: { labels: object; dnsConfig?: unknown; linux: { securityContext: object } };
    };
    expect(Object.entries(config.labels)).toEqual([
      ["a", "\ufeffb"],
      ["__proto__", "c"],
    ]);
    expect("dnsConfig" in config).toBe(false);
    expect(config.linux.securityContext).toMatchObject({
      runAsUser: { value: 0 },
      privileged: false,
      supplementalGroups: [],
    });
  });

  test("carry bytes, enums and the largest integers", async () => {
    await serve({
      execSync: async () => ({
        stdout: Uint8Array.of(0, 255),
        stderr: new Uint8Array(0),
        exitCode: -1,
      }),
      async updateContainerResources(_context, request) {
        expect(request.linux?.memoryLimitInBytes).toBe(Number(2n ** 63n - 1n));
        expect(request.linux?.hugepageLimits[0]?.limit).toBe(Number(2n ** 64n - 1n));
        return {};
      },
      runtimeConfig: async () => ({ linux: { cgroupDriver: "CGROUPFS" } }),
    });
    expect(await client.execSync(context, {})).toEqual({
      stdout: Uint8Array.of(0, 255),
      stderr: new Uint8Array(0),
      exitCode: -1,
    });
    await client.updateContainerResources(context, {
      linux: { memoryLimitInBytes: 2 ** 63, hugepageLimits: [{ limit: 2 ** 64 }] },
    });
    expect(await client.runtimeConfig(context, {})).toEqual({
      linux: { cgroupDriver: "CGROUPFS" },
    });
  });
});

describe("errors become statuses", () => {
  test.each([
    [
      "a code that is known",
      new RuntimeError("NOT_FOUND", "no container c1"),
      "NOT_FOUND",
      "no container c1",
    ],
    [
      "an op nobody gave a code",
      new KernelError({ errno: "EPERM", op: "mount", detail: "", message: "mount proc" }),
      "INTERNAL",
      "mount: EPERM: mount proc",
    ],
    ["anything else", new TypeError("x is undefined"), "INTERNAL", "unexpected: x is undefined"],
    [
      "a secret in the text",
      new RuntimeError("UNAVAILABLE", "GET https://joe:pw@r.example/v2/?token=abc: refused"),
      "UNAVAILABLE",
      "GET https://[redacted]@r.example/v2/?[redacted] refused",
    ],
    [
      "text that is not ASCII",
      new RuntimeError("INVALID_ARGUMENT", "name „ü\n“"),
      "INVALID_ARGUMENT",
      "name „ü\n“",
    ],
  ])("%s", async (_what, thrown, code, message) => {
    await serve({ startContainer: () => Promise.reject(thrown) });
    await expect(client.startContainer(context, {})).rejects.toMatchObject({ code, message });
    expect(tracer.spans[0]).toMatchObject({ failed: code, ended: true });
    expect(tracer.spans[0]?.attributes["rpc.status_code"]).toBe(code);
  });

  test("a very long message is cut, not lost", async () => {
    await serve({
      version: () => Promise.reject(new RuntimeError("INTERNAL", "x".repeat(100_000))),
    });
    await expect(client.version(context, {})).rejects.toMatchObject({
      code: "INTERNAL",
      message: expect.stringMatching(/^x{2000} \.\.\.$/),
    });
  });

  test.each([
    ["cut short", [0x0a, 0x7f, 1]],
    ["not UTF-8", [0x0a, 2, 0xc3, 0x28]],
    ["no field at all", [0xff]],
  ])(
    "bytes that are no message (%s) are INVALID_ARGUMENT and name the message",
    async (_what, bytes) => {
      await serve({ version });
      const raw = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure());
      const asIs = (bytes: Buffer) => bytes;
      const answer = new Promise((resolve) => {
        raw.makeUnaryRequest(
          "/runtime.v1.RuntimeService/Version",
          asIs,
          asIs,
          Buffer.from(bytes),
          resolve,
        );
      });
      expect(await answer).toMatchObject({
        code: grpc.status.INVALID_ARGUMENT,
        details: expect.stringContaining("the bytes received are no VersionRequest"),
      });
      raw.close();
    },
  );

  test("a service nobody has heard of is UNIMPLEMENTED", async () => {
    await serve({ version });
    const raw = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure());
    const asIs = (bytes: Buffer) => bytes;
    const answer = new Promise((resolve) => {
      raw.makeUnaryRequest(
        "/runtime.v1alpha2.RuntimeService/Version",
        asIs,
        asIs,
        Buffer.alloc(0),
        resolve,
      );
    });
    expect(await answer).toMatchObject({ code: grpc.status.UNIMPLEMENTED });
    raw.close();
  });
});

describe("a caller that leaves", () => {
  test.each([
    ["deadline", "DEADLINE_EXCEEDED", { timeoutMs: 100 }],
    ["cancel", "CANCELLED", {}],
  ] as const)("%s aborts the work with its reason", async (how, code, options) => {
    const reasons: unknown[] = [];
    const ended = Promise.withResolvers<void>();
    await serve({
      stopContainer: (inner) =>
        new Promise((_resolve, reject) => {
          inner.signal?.addEventListener("abort", () => {
            reasons.push(inner.signal?.reason);
            reject(inner.signal?.reason);
            ended.resolve();
          });
        }),
    });
    const own = connectClient(path, options);
    const controller = new AbortController();
    const call = own.stopContainer({ ...context, signal: controller.signal }, { containerId: "c" });
    if (how === "cancel") setTimeout(() => controller.abort(), 50);
    await expect(call).rejects.toMatchObject({ code });
    await ended.promise;
    expect(reasons).toMatchObject([{ code }]);
    await expect.poll(() => tracer.spans[0]).toMatchObject({ failed: code, ended: true });
    own.close();
  });
});

describe("spans", () => {
  test("adopt the caller's traceparent", async () => {
    await serve({ runPodSandbox: async () => ({ podSandboxId: "p1" }) });
    const parent = remoteSpan("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    await client.runPodSandbox(
      { ...context, span: parent },
      { config: { metadata: { name: "web", namespace: "ns" } } },
    );
    expect(tracer.spans[0]).toMatchObject({
      step: "cri.RunPodSandbox",
      parent: {
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        sampled: true,
      },
      attributes: {
        "rpc.method": "runtime.v1.RuntimeService/RunPodSandbox",
        "k8s.pod.name": "web",
        "k8s.namespace.name": "ns",
        "vitrine.sandbox.id": "p1",
        "rpc.status_code": "OK",
      },
      ended: true,
    });
  });

  test("mark polls, and only those", async () => {
    await serve({ version, imageStatus: async () => ({ info: {} }) });
    await client.version(context, {});
    await client.imageStatus(context, { image: { image: "a" } });
    expect(tracer.spans.map((span) => span.attributes["vitrine.poll"])).toEqual([true, undefined]);
  });
});

describe("readiness and the socket", () => {
  test("UNAVAILABLE with the reason while not ready", async () => {
    await serve({ version });
    notReady = "the runtime is shutting down";
    await expect(client.version(context, {})).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: notReady,
    });
  });

  test("the socket is 0660 and gone after close", async () => {
    await serve({ version });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await server?.close(100);
    server = undefined;
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  test("a socket that nobody answers on is replaced", async () => {
    const stale = createServer().listen(path);
    await new Promise((resolve) => stale.once("listening", resolve));
    // What a killed daemon leaves behind: a socket file without a listener.
    const { renameSync } = await import("node:fs");
    renameSync(path, `${path}.kept`);
    await new Promise((resolve) => stale.close(resolve));
    renameSync(`${path}.kept`, path);
    await serve({ version });
    expect(await client.version(context, {})).toMatchObject({ version: "0.1.0" });
  });

  test("a second server is refused, the first one goes on", async () => {
    await serve({ version });
    const first = server;
    await expect(serve({ version })).rejects.toThrow(
      `another daemon answers on ${path}; stop it or choose another socket`,
    );
    server = first;
    expect(await client.version(context, {})).toMatchObject({ version: "0.1.0" });
  });

  test("a file in the way is left alone", async () => {
    writeFileSync(path, "mine");
    await expect(serve({ version })).rejects.toThrow("exists and is no socket");
    expect(statSync(path).isFile()).toBe(true);
  });

  test("a path that does not fit a socket address is named", async () => {
    path = join(directory, "x".repeat(120));
    await expect(serve({ version })).rejects.toThrow("too long");
  });
});

describe("peers that do not keep to the protocol", () => {
  const garbage = Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20));

  function sendRaw(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const peer = createConnection(path, () => peer.end(bytes));
      peer.on("error", () => {});
      peer.on("close", () => resolve());
      peer.resume();
    });
  }

  test("garbage instead of HTTP/2, and half a preface", async () => {
    await serve({ version });
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await sendRaw(garbage);
    await sendRaw(Buffer.concat([preface, Buffer.alloc(4096, 0xff)]));
    await sendRaw(preface.subarray(0, 10));
    expect(await client.version(context, {})).toMatchObject({ version: "0.1.0" });
  });

  test("a message that claims a compression nobody agreed on, and one that is not gzip at all", async () => {
    await serve({ version });
    for (const encoding of ["gzip", "nonsense"]) {
      const session = connect("http://localhost", {
        createConnection: () => createConnection(path),
      });
      session.on("error", () => {});
      const stream = session.request({
        ":method": "POST",
        ":path": "/runtime.v1.RuntimeService/Version",
        "content-type": "application/grpc",
        "grpc-encoding": encoding,
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.end(Buffer.from([1, 0, 0, 0, 3, 9, 9, 9]));
      const ended = new Promise((resolve) => stream.once("close", resolve));
      stream.resume();
      await ended;
      session.destroy();
    }
    expect(await client.version(context, {})).toMatchObject({ version: "0.1.0" });
  });

  test("a thousand streams reset as soon as they are opened", async () => {
    await serve({ version });
    const session = connect("http://localhost", { createConnection: () => createConnection(path) });
    session.on("error", () => {});
    for (let index = 0; index < 1000 && !session.destroyed; index += 1) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/runtime.v1.RuntimeService/Version",
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.close(8);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    session.destroy();
    expect(await client.version(context, {})).toMatchObject({ version: "0.1.0" });
  });

  test("a message above 16 MiB is RESOURCE_EXHAUSTED", async () => {
    await serve({ runPodSandbox: async () => ({ podSandboxId: "p" }) });
    const raw = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure());
    const asIs = (bytes: Buffer) => bytes;
    const answer = new Promise((resolve) => {
      raw.makeUnaryRequest(
        "/runtime.v1.RuntimeService/RunPodSandbox",
        asIs,
        asIs,
        Buffer.alloc(17 << 20),
        resolve,
      );
    });
    expect(await answer).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
    raw.close();
  });
});
