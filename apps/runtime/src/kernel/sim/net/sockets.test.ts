import { beforeEach, expect, test } from "vitest";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { read, write } from "../syscall/file.ts";
import { accept, bind, connect, listen, receiveFrom, sendTo, socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { answerQuery, queryFor, readAnswer } from "./dns-message.ts";
import { bootSmall, hostProcess, play, podProcess } from "./fixture/small-net.ts";
import { formatIp, parseIp, parsePrefix } from "./ip.ts";

let machine: Machine;
let host: Process;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

beforeEach(() => {
  machine = bootSmall();
  host = hostProcess(machine);
});

test("datagrams arrive with their sender; a port without a socket is refused at the next call", () => {
  const result = play(
    machine,
    (function* (): Coroutine<string[]> {
      const server = socket(host, "udp");
      bind(host, server, "127.0.0.1", 53);
      const client = socket(host, "udp");
      sendTo(host, client, bytes("ask"), "127.0.0.1", 53);
      const asked = yield* receiveFrom(host, server);
      sendTo(host, server, bytes("answer"), asked?.from.ip ?? "", asked?.from.port ?? 0);
      const answered = yield* receiveFrom(host, client, 1_000_000_000n);
      const silence = yield* receiveFrom(host, client, 1_000_000_000n);
      return [text(asked?.bytes), text(answered?.bytes), String(silence)];
    })(),
  );
  expect(result).toEqual(["ask", "answer", "undefined"]);
  const refused = (function* (): Coroutine<void> {
    const client = socket(host, "udp");
    yield* connect(host, client, "127.0.0.1", 99);
    yield* write(host, client, bytes("x"));
    yield* read(host, client, 10);
  })();
  expect(play(machine, refused)).toBe("ECONNREFUSED");
  const nowhere = (function* (): Coroutine<void> {
    const pod = podProcess(machine);
    yield {};
    sendTo(pod, socket(pod, "udp"), bytes("x"), "9.9.9.9", 9);
  })();
  expect(play(machine, nowhere)).toBe("ENETUNREACH");
});

test("unix sockets meet at a path, whatever the network namespace", () => {
  const pod = podProcess(machine);
  const meet = (function* (): Coroutine<string> {
    const server = socket(host, "unix");
    bind(host, server, "/run/s", 0);
    listen(host, server, 1);
    const client = socket(pod, "unix");
    yield* connect(pod, client, "/run/s", 0);
    yield* write(pod, client, bytes("hello"));
    const { fd } = yield* accept(host, server);
    return text(yield* read(host, fd, 10));
  })();
  expect(play(machine, meet)).toBe("hello");
  const again = (function* (): Coroutine<void> {
    yield {};
    bind(host, socket(host, "unix"), "/run/s", 0);
  })();
  expect(play(machine, again)).toBe("EADDRINUSE");
  const notThere = (path: string) =>
    play(
      machine,
      (function* (): Coroutine<void> {
        yield* connect(pod, socket(pod, "unix"), path, 0);
      })(),
    );
  expect(notThere("/run/none")).toBe("ENOENT");
  expect(notThere("/etc/hosts")).toBe("ECONNREFUSED");
});

const addresses: [string, string | undefined][] = [
  ["10.88.0.1", "10.88.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["0.0.0.0", "0.0.0.0"],
  ["256.0.0.1", undefined],
  ["1.2.3", undefined],
  ["1.2.3.4.5", undefined],
  ["01.2.3.4", undefined],
  ["", undefined],
  ["::", "::"],
  ["::1", "::1"],
  ["FD00:0:0:0:1::2", "fd00::1:0:0:2"],
  ["::ffff:1.2.3.4", "::ffff:102:304"],
  ["1::2::3", undefined],
  ["1:2:3:4:5:6:7:8:9", undefined],
];
test.each(addresses)("address %s", (given, expected) => {
  const bits = parseIp(given);
  expect(bits === undefined ? undefined : formatIp(bits)).toBe(expected);
});

test("prefixes", () => {
  expect(parsePrefix("10.0.0.0/33")).toBeUndefined();
  expect(parsePrefix("10.0.0.0/")).toBeUndefined();
  expect(parsePrefix("::/0")).toEqual({ bits: 0n, length: 0 });
});

test("a resolver's answer says the same name and number", () => {
  const answer = answerQuery(queryFor(4711, "Web.Example"), (name) =>
    name === "web.example" ? "10.0.0.7" : undefined,
  );
  expect(readAnswer(answer ?? bytes(""))).toEqual({
    id: 4711,
    code: 0,
    name: "Web.Example",
    addresses: ["10.0.0.7"],
  });
  const none = answerQuery(queryFor(1, "x"), () => undefined);
  expect(readAnswer(none ?? bytes(""))?.code).toBe(3);
  expect(answerQuery(bytes("short"), () => "1.1.1.1")).toBeUndefined();
});
