/** vitrine-demo (native/pause/demo.c): what the demo pod runs. serve, fetch, sleep. */
import { SIGINT, SIGTERM } from "../abi.ts";
import { parseIp } from "../net/ip.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, read } from "../syscall/file.ts";
import { exitProcess, nanosleep, pause, sigaction } from "../syscall/process.ts";
import { accept, awaitInput, bind, connect, listen, socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { print } from "./cni-call.ts";
import { errnoMessage } from "./errno-message.ts";
import { textOf } from "./file-text.ts";
import { readHead, send } from "./net-http.ts";

const timeoutNs = 5_000_000_000n;
const secondNs = 1_000_000_000n;
const answerMax = 65_536;
const intMax = 2_147_483_647;

/** Ends the program with a message and exit code 1. */
class Dead {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** A whole decimal number from `low` to `high`. */
function number(text: string, low: number, high: number): number {
  const value = /^\s*[-+]?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new Dead(`${text} is no number from ${low} to ${high}`);
}

function* answer(self: Process, fd: number, peer: string, count: number): Coroutine<void> {
  const request = yield* readHead(self, fd, timeoutNs);
  if (request === "") return;
  const line = request.split(/[\r\n]/)[0] ?? "";
  const { hostname } = self.namespaces.uts;
  const body = `Hello ${peer}, this is ${hostname}, request ${count}.\n`;
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  yield* print(self, 1, `${peer} asked: ${line.slice(0, 200)}\n`);
  if (yield* send(self, fd, head)) yield* send(self, fd, body);
}

function* serve(self: Process, port: number): Coroutine<never> {
  const listener = socket(self, "tcp");
  try {
    bind(self, listener, "::", port);
    listen(self, listener, 64);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    throw new Dead(`cannot listen on port ${port}: ${errnoMessage(thrown)}`);
  }
  yield* print(self, 1, `serving HTTP on port ${port}\n`);
  for (let count = 1; ; count++) {
    try {
      const { fd, ip } = yield* accept(self, listener);
      try {
        yield* answer(self, fd, ip, count);
      } finally {
        close(self, fd);
      }
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** http://HOST[:PORT][/PATH], HOST being an address or localhost. */
function parseTarget(url: string): Target {
  const scheme = "http://";
  if (!url.startsWith(scheme)) throw new Dead(`${url} does not begin with ${scheme}`);
  const match = /^(?:\[([^\]]*)\]?|([^:/]*))(:[^/]*)?(.*)$/.exec(url.slice(scheme.length));
  const name = match?.[1] ?? match?.[2] ?? "";
  if (name === "" || name.length > 45) throw new Dead(`${url} has no host`);
  const digits = match?.[3]?.slice(1);
  if (digits === "" || (digits ?? "").length > 5) {
    throw new Dead(`${url} has no port after the colon`);
  }
  const port = number(digits ?? "80", 1, 65_535);
  const host = name === "localhost" ? "127.0.0.1" : name;
  if (parseIp(host) === undefined) throw new Dead(`${host} is no address; names are not looked up`);
  const rest = match?.[4] ?? "";
  return { host, port, path: rest.startsWith("/") ? rest : "/" };
}

function* receive(self: Process, fd: number): Coroutine<string> {
  let text = "";
  while (text.length < answerMax && (yield* awaitInput(self, fd, timeoutNs))) {
    const chunk = yield* read(self, fd, answerMax - text.length);
    if (chunk.length === 0) break;
    text += textOf(chunk);
  }
  return text;
}

/** One request; true and the body printed when the answer is 200. */
function* fetchOnce(self: Process, { host, port, path }: Target): Coroutine<boolean> {
  const fd = socket(self, "tcp");
  let text: string;
  try {
    yield* connect(self, fd, host, port);
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`;
    text = (yield* send(self, fd, request)) ? yield* receive(self, fd) : "";
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    yield* print(self, 1, `${host} port ${port}: ${errnoMessage(thrown)}\n`);
    return false;
  } finally {
    close(self, fd);
  }
  const body = text.indexOf("\r\n\r\n");
  const isGood = body >= 0 && text.startsWith("HTTP/1.1 200");
  const said = text === "" ? "nothing came" : text.slice(0, 80);
  yield* print(
    self,
    1,
    isGood ? `200: ${text.slice(body + 4)}` : `${host}: no good answer: ${said}\n`,
  );
  return isGood;
}

function* fetch(self: Process, url: string, count: number): Coroutine<number> {
  const target = parseTarget(url);
  let isGood = true;
  for (let done = 0; count === 0 || done < count; done++) {
    if (done > 0) yield* nanosleep(self, secondNs);
    isGood = yield* fetchOnce(self, target);
  }
  return isGood ? 0 : 1;
}

function* main(self: Process): Coroutine<number> {
  const [, command = "", first, second] = self.argv;
  if (command === "serve")
    return yield* serve(self, first === undefined ? 8080 : number(first, 1, 65_535));
  if (command === "fetch" && first !== undefined) {
    return yield* fetch(self, first, second === undefined ? 0 : number(second, 0, 1_000_000));
  }
  if (command === "sleep") {
    if (first === undefined) for (;;) yield* pause(self);
    yield* nanosleep(self, BigInt(number(first, 0, intMax)) * secondNs);
    return 0;
  }
  const usage = "usage: vitrine-demo serve [PORT] | fetch URL [COUNT] | sleep [SECONDS]\n";
  yield* print(self, 2, usage);
  return 2;
}

/** The demo image's program. Ends with status 0 on SIGTERM and SIGINT, also as pid 1. */
export function* demo(self: Process): Coroutine<number> {
  for (const signal of [SIGTERM, SIGINT]) {
    sigaction(self, signal, () => exitProcess(self, { kind: "exited", code: 0 }));
  }
  try {
    return yield* main(self);
  } catch (thrown) {
    if (!(thrown instanceof Dead)) throw thrown;
    yield* print(self, 2, `vitrine-demo: ${thrown.message}\n`);
    return 1;
  }
}
