import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LinuxShim } from "./shim-client.ts";
import { descriptorCount, eventually, memoryKb, ShimBed } from "./shim-test-bed.ts";
import {
  BodyReader,
  BodyWriter,
  encodeFrame,
  FrameSplitter,
  type ShimFrame,
  shimBodyBytesMax,
  shimMessage,
  shimRequest,
} from "./shim-wire.ts";

let bed: ShimBed;
let shim: LinuxShim;
let directory: string;

beforeAll(async () => {
  bed = new ShimBed();
  directory = bed.newDirectory();
  shim = await bed.start("pod", directory);
});
afterAll(() => bed.remove());

const none = new Uint8Array();

/** A connection without a client in between. */
async function raw(): Promise<{ socket: Socket; frames: ShimFrame[]; closed: Promise<void> }> {
  const socket = connect(join(directory, "s"));
  const frames: ShimFrame[] = [];
  const splitter = new FrameSplitter();
  socket.on("data", (bytes: Buffer) => frames.push(...splitter.push(bytes)));
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await eventually(() => frames.length > 0, "the greeting");
  expect(frames.shift()?.kind).toBe(shimMessage.hello);
  return { socket, frames, closed };
}

function bytesOf(kind: number, id: number, body: Uint8Array, blob = none): Buffer {
  return Buffer.concat(encodeFrame(kind, id, body, blob));
}

/** A header with fields that encodeFrame would never write. */
function header(length: number, blob: number, kind: number, zero: number, id: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(blob, 4);
  bytes.writeUInt16LE(kind, 8);
  bytes.writeUInt16LE(zero, 10);
  bytes.writeUInt32LE(id, 12);
  return bytes;
}

describe("frames that break the rules cost their sender the connection, and nothing else", () => {
  const name = (text: string) => new BodyWriter().string(text).bytes();
  const create = (path: string) =>
    new BodyWriter().string("c").u32(0).u16(0).u32(0).string(path).u16(0).bytes();
  test.each<[string, Buffer]>([
    ["a body too long", header(shimBodyBytesMax + 1, 0, shimRequest.list, 0, 1)],
    ["a blob too long", header(0, (4 << 20) + 1, shimRequest.create, 0, 1)],
    ["a blob where none belongs", header(0, 1, shimRequest.list, 0, 1)],
    ["an unknown kind", header(0, 0, 99, 0, 1)],
    ["a message of the shim's own", header(0, 0, shimMessage.reply, 0, 1)],
    ["the id of events", header(0, 0, shimRequest.list, 0, 0)],
    ["bytes that must be zero", header(0, 0, shimRequest.list, 7, 1)],
    ["bytes left over", bytesOf(shimRequest.list, 1, Buffer.of(0))],
    ["a string that is cut", bytesOf(shimRequest.start, 1, Buffer.of(9, 0, 1))],
    ["a NUL in an id", bytesOf(shimRequest.start, 1, name("a\0b"))],
    ["an id that is a path", bytesOf(shimRequest.start, 1, name("../b"))],
    [
      "a signal that is none",
      bytesOf(shimRequest.kill, 1, new BodyWriter().string("c").i32(65).u8(0).bytes()),
    ],
    ["a log path upwards", bytesOf(shimRequest.create, 1, create("/var/log/../x"), Buffer.of(1))],
    ["a relative log path", bytesOf(shimRequest.create, 1, create("x"), Buffer.of(1))],
    ["a create without a Plan", bytesOf(shimRequest.create, 1, create("/x"))],
    ["noise", Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256))],
  ])("%s", async (_, bytes) => {
    const { socket, frames, closed } = await raw();
    socket.write(bytes);
    await closed;
    expect(frames.filter(({ kind }) => kind === shimMessage.reply)).toEqual([]);
    expect(await shim.list()).toEqual([]);
  });

  test("a Plan that is noise is the executor's to refuse", async () => {
    const { socket, frames } = await raw();
    const body = new BodyWriter().string("c").u32(0).u16(0).u32(0).string("").u16(0).bytes();
    socket.write(bytesOf(shimRequest.create, 5, body, Buffer.alloc(100_000, 0xa5)));
    await eventually(() => frames.some(({ kind }) => kind === shimMessage.error), "a refusal");
    socket.destroy();
    expect(await shim.list()).toEqual([]);
  });

  test("frames that are cut, in single bytes, and a connection that ends in the middle of a Plan", async () => {
    const { socket, frames } = await raw();
    for (const byte of bytesOf(shimRequest.ping, 77, none)) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => frames.length === 1, "a reply");
    expect(frames[0]).toMatchObject({ kind: shimMessage.reply, id: 77 });
    const descriptors = descriptorCount(shim.pid);
    socket.write(header(0, 4 << 20, shimRequest.create, 0, 78));
    socket.end(Buffer.alloc(1 << 20));
    await eventually(() => descriptorCount(shim.pid) === descriptors - 1, "its closing");
    expect(memoryKb(shim.pid, "Rss")).toBeLessThan(1536);
  });

  test("forty connections at once; those above the limit are turned away, the others served", async () => {
    const sockets = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const socket = connect(join(directory, "s"));
        socket.on("error", () => undefined);
        const [first] = await Promise.race([once(socket, "data"), once(socket, "close")]);
        return { socket, greeted: first instanceof Buffer };
      }),
    );
    expect(sockets.filter(({ greeted }) => greeted)).toHaveLength(31);
    for (const { socket } of sockets) socket.destroy();
    expect(await shim.list()).toEqual([]);
  });
});

describe("a daemon that does not read", () => {
  test("holds up neither containers nor other connections, and is dropped", async () => {
    const { socket, closed } = await raw();
    socket.pause();
    const logPath = join(bed.logs, "unread.log");
    await bed.run(shim, "writer", ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); done"], {
      logPath,
    });
    const list = bytesOf(shimRequest.list, 3, none);
    // Each answer is some 100 bytes: the queue is full long before these are all answered.
    const asking = setInterval(() => {
      for (let n = 0; n < 2000; n++) socket.write(list);
    }, 1);
    const lines = () => readFileSync(logPath, "latin1").length;
    const before = lines();
    let slowestMs = 0;
    while (!socket.errored) {
      const start = performance.now();
      await shim.list();
      slowestMs = Math.max(slowestMs, performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    clearInterval(asking);
    expect(lines()).toBeGreaterThan(before);
    expect(socket.errored).toMatchObject({ code: "EPIPE" });
    await closed;
    expect(slowestMs).toBeLessThan(1000);
    await shim.remove("writer");
    expect(memoryKb(shim.pid, "Rss")).toBeLessThan(1536);
  });
});

test("events go to everybody: exit, and memory", async () => {
  const one = await raw();
  const two = await raw();
  await bed.run(shim, "e", ["sh", "-c", "exit 9"]);
  await shim.wait("e");
  for (const { frames } of [one, two]) {
    await eventually(() => frames.length === 1, "the exit");
    expect(frames[0]).toMatchObject({ kind: shimMessage.exited, id: 0 });
    expect(new BodyReader(frames[0]?.body ?? Buffer.alloc(0)).string()).toBe("e");
  }
  one.socket.destroy();
  two.socket.destroy();
  await shim.remove("e");
});
