/** Bytes on the CRI socket that are no call of the API, or no gRPC at all: the daemon answers what it can and lives on. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methodOf, methods } from "../../apps/runtime/src/cri/methods.ts";
import type { RpcName } from "../../apps/runtime/src/cri/service/rpc-names.ts";
import { noise } from "../../apps/runtime/src/images/fixtures/sample-image.ts";
import { CriBed, everyTestLeavesNothing } from "../harness/cri-bed.ts";
import { hostNetworkPod } from "../harness/cri-requests.ts";
import { grpcFrame, pathOf, RawConnection } from "../harness/raw-grpc.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const status = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
};

let bed: CriBed;
let raw: RawConnection;

beforeAll(async () => {
  bed = await CriBed.start();
  raw = await RawConnection.open(bed.daemon.socket);
});

afterAll(async () => {
  await raw.close();
  await bed.end();
});

everyTestLeavesNothing(() => bed);

/** The daemon's answer to somebody who behaves, while others do not. */
async function expectAlive(): Promise<void> {
  const { runtimeName } = await bed.client.version(bed.context, {});
  expect(runtimeName).toBe("vitrine");
}

async function connected(): Promise<Socket> {
  const socket = createConnection(bed.daemon.socket);
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
}

describe("on the socket", () => {
  test.each<[string, Uint8Array | string]>([
    ["noise", noise(65536)],
    ["zeros", new Uint8Array(65536)],
    ["a request of HTTP/1.1", "GET /containers/json HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["TLS", Buffer.from("16030100c8010000c40303", "hex")],
    ["a preface and noise", Buffer.concat([Buffer.from(preface), noise(65536, 7)])],
    [
      "a preface and a frame that claims 16 MiB",
      Buffer.concat([Buffer.from(preface), Buffer.from("ffffff000000000001", "hex")]),
    ],
    [
      "settings that nobody has",
      Buffer.concat([Buffer.from(preface), Buffer.from("000006040000000000ffffffffffff", "hex")]),
    ],
    ["a line without end", "x".repeat(1 << 20)],
  ])("%s ends that connection and no other", async (_what, bytes) => {
    const socket = await connected();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(bytes);
    await Promise.race([closed, delay(300)]);
    await expectAlive();
    socket.destroy();
  });

  test("three hundred connections that say nothing, or half a preface, keep nobody waiting", async () => {
    const sockets = await Promise.all(Array.from({ length: 300 }, connected));
    for (const [index, socket] of sockets.entries()) socket.write(preface.slice(0, index % 24));
    await expectAlive();
    for (const socket of sockets) socket.destroy();
    await expectAlive();
  });

  test("connections that are cut give their descriptors back", async () => {
    const fds = () => readdirSync(`/proc/${bed.daemon.process.pid}/fd`).length;
    await delay(50);
    const before = await fds();
    for (let round = 0; round < 5; round++) {
      const sockets = await Promise.all(Array.from({ length: 50 }, connected));
      for (const socket of sockets) {
        socket.write(preface);
        socket.destroy();
      }
    }
    await expect.poll(fds).toBeLessThanOrEqual(before + 2);
  });
});

describe("a message", () => {
  test("that is no message is INVALID_ARGUMENT and says which it should have been", async () => {
    const bytes = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    const answer = await raw.call(pathOf("RunPodSandbox"), grpcFrame(bytes));
    expect(answer.status).toBe(status.INVALID_ARGUMENT);
    expect(answer.message).toMatch(/no RunPodSandboxRequest/);
  });

  test("that ends in the middle of a string is INVALID_ARGUMENT", async () => {
    const answer = await raw.call(
      pathOf("PodSandboxStatus"),
      grpcFrame(Uint8Array.of(0x0a, 0x20, 0x61)),
    );
    expect(answer.status).toBe(status.INVALID_ARGUMENT);
  });

  test("with a string that is no UTF-8 is INVALID_ARGUMENT", async () => {
    const bytes = Uint8Array.of(0x0a, 0x02, 0xc3, 0x28);
    const answer = await raw.call(pathOf("PodSandboxStatus"), grpcFrame(bytes));
    expect(answer.status).toBe(status.INVALID_ARGUMENT);
  });

  test("with an enum value that is unknown is INVALID_ARGUMENT and names the enum", async () => {
    // ListPodSandboxRequest.filter.state.state = 77
    const bytes = Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x08, 77);
    const answer = await raw.call(pathOf("ListPodSandbox"), grpcFrame(bytes));
    expect(answer.status).toBe(status.INVALID_ARGUMENT);
    expect(answer.message).toMatch(/PodSandboxState has no value 77/);
  });

  test("with fields of a later version is answered without them", async () => {
    const later = Uint8Array.of(0xfa, 0x7f, 0x03, 0x61, 0x62, 0x63);
    expect((await raw.call(pathOf("Version"), grpcFrame(later))).status).toBe(0);
  });

  test("nested ten thousand deep is refused, and the daemon's stack holds", async () => {
    // A field 1 inside a field 1 inside ...: PodSandboxConfig.metadata has no such depth, unknown groups have.
    const groups = new Uint8Array(20_000).fill(0xfb, 0, 10_000).fill(0xfc, 10_000);
    const answer = await raw.call(pathOf("RunPodSandbox"), grpcFrame(groups));
    expect(answer.status).toBe(status.INVALID_ARGUMENT);
    const nested = new Uint8Array(200_000).fill(0x0b);
    expect((await raw.call(pathOf("Version"), grpcFrame(nested))).status).toBe(
      status.INVALID_ARGUMENT,
    );
    await expectAlive();
  });

  test("larger than 16 MiB is RESOURCE_EXHAUSTED; one of 15 MiB is read", async () => {
    const large = await raw.call(pathOf("Version"), grpcFrame(new Uint8Array(17 << 20)));
    expect(large.status).toBe(status.RESOURCE_EXHAUSTED);
    const config = hostNetworkPod({ annotations: { large: "x".repeat(15 << 20) } });
    const bytes = methodOf("RunPodSandbox").request.encode({ config, runtimeHandler: "nosuch" });
    const answer = await raw.call(pathOf("RunPodSandbox"), grpcFrame(bytes));
    expect(answer.status).toBe(status.INVALID_ARGUMENT);
    expect(answer.message).toMatch(/nosuch/);
  });

  test("that claims more bytes than come, or comes twice, or not at all, gets an error", async () => {
    const version = pathOf("Version");
    for (const body of [
      grpcFrame(new Uint8Array(4), 0, 1000),
      grpcFrame(new Uint8Array(4), 0, 0xffffffff),
      Buffer.concat([grpcFrame(new Uint8Array()), grpcFrame(new Uint8Array())]),
      Buffer.alloc(3),
      Buffer.alloc(0),
    ]) {
      expect((await raw.call(version, body)).status).not.toBe(0);
    }
    await expectAlive();
  });
});

test.each([
  "/runtime.v1.RuntimeService/FlyToTheMoon",
  "/runtime.v1alpha2.RuntimeService/Version",
  "/",
  "//",
  "/runtime.v1.RuntimeService",
  "/__proto__/constructor",
])("the method %s is UNIMPLEMENTED", async (path) => {
  expect((await raw.call(path, grpcFrame(new Uint8Array()))).status).toBe(status.UNIMPLEMENTED);
});

test("metadata that is nonsense is no reason to refuse, or to fall over", async () => {
  for (const headers of [
    { traceparent: "zz-not-a-trace-parent" },
    { traceparent: `00-${"0".repeat(32)}-${"0".repeat(16)}-01` },
    { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, tracestate: "=,,=".repeat(100) },
    { "grpc-timeout": "1000S" },
  ]) {
    expect((await raw.call(pathOf("Version"), grpcFrame(new Uint8Array()), headers)).status).toBe(
      0,
    );
  }
  const bad = await raw.call(pathOf("Version"), grpcFrame(new Uint8Array()), {
    "grpc-timeout": "soon",
  });
  expect(bad.http).toBeDefined();
  await expectAlive();
});

test("requests of noise to every method: an answer each, never one that shows our insides", async () => {
  const names = [...methods.keys()] as RpcName[];
  const seen = new Set<number>();
  for (let seed = 1; seed <= 12; seed++) {
    const answers = await Promise.all(
      names.map(async (name) => {
        const answer = await raw.call(
          pathOf(name),
          grpcFrame(noise(1 + seed * 3, seed * 31 + name.length)),
        );
        return { name, ...answer };
      }),
    );
    for (const { name, status: code, message } of answers) {
      expect({ name, code }).toEqual({ name, code: expect.any(Number) });
      expect(`${name}: ${message}`).not.toMatch(/unexpected|undefined|TypeError|Cannot read|\.ts:/);
      seen.add(code ?? -1);
    }
  }
  expect([...seen].sort()).toEqual([0, status.UNIMPLEMENTED, status.INVALID_ARGUMENT].sort());
});

test("requests whose every field is missing, or is there and empty, to every method", async () => {
  for (const name of methods.keys()) {
    const empty = await raw.call(pathOf(name), grpcFrame(new Uint8Array()));
    // Field 1 of a length-delimited type, empty: a message or a string in most requests.
    const first = await raw.call(pathOf(name), grpcFrame(Uint8Array.of(0x0a, 0)));
    for (const answer of [empty, first]) {
      expect(answer.status, name).toEqual(expect.any(Number));
      expect(answer.status, `${name}: ${answer.message}`).not.toBe(status.INTERNAL);
      expect(answer.message).not.toMatch(/unexpected|undefined|TypeError|Cannot read/);
    }
  }
});
