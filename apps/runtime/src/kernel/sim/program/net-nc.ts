/** nc: a connection from and to stdio. */
import { isRefusal } from "../refusal.ts";
import { read } from "../syscall/file.ts";
import { accept, bind, connect, listen, socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { Alarm } from "./alarm.ts";
import type { AppletTable } from "./applet.ts";
import { AppletError, type Call, UsageError } from "./call.ts";
import { errnoMessage } from "./errno-message.ts";
import { send } from "./net-http.ts";
import { resolveHost } from "./net-resolve.ts";
import { parseNumber, parseOptions } from "./options.ts";

function* receive(call: Call, fd: number): Coroutine<void> {
  for (;;) {
    const chunk = yield* read(call.self, fd, 65_536);
    if (chunk.length === 0) return;
    yield* call.put(chunk);
  }
}

function* listenFor(call: Call, port: number): Coroutine<number> {
  const fd = socket(call.self, "tcp");
  try {
    bind(call.self, fd, "::", port);
    listen(call.self, fd, 1);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    throw new AppletError(`bind: ${errnoMessage(thrown)}`);
  }
  const { fd: connected } = yield* accept(call.self, fd);
  yield* receive(call, connected);
  return 0;
}

/** All of stdin is sent, then all of the answer printed: nothing here waits for two sides at once. */
function* talk(call: Call, name: string, port: number, onlyLook: boolean): Coroutine<number> {
  const ip = yield* resolveHost(call.self, name);
  if (ip === undefined) throw new AppletError(`bad address '${name}'`);
  const fd = socket(call.self, "tcp");
  try {
    yield* connect(call.self, fd, ip, port);
  } catch (thrown) {
    if (!isRefusal(thrown) || isRefusal(thrown, "EINTR")) throw thrown;
    throw new AppletError(`${name} (${ip}:${port}): ${errnoMessage(thrown)}`);
  }
  if (onlyLook) return 0;
  yield* send(call.self, fd, yield* call.readAll(0));
  yield* receive(call, fd);
  return 0;
}

function* nc(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "lp:w:zvn");
  const [host, port] = options.operands;
  if (options.has("l")) {
    const wanted = options.value("p") ?? host;
    if (wanted === undefined) throw new UsageError();
    return yield* listenFor(call, parseNumber(wanted));
  }
  if (host === undefined || port === undefined) throw new UsageError();
  const seconds = parseNumber(options.value("w") ?? "86400");
  const alarm = new Alarm(call.self, BigInt(seconds) * 1_000_000_000n);
  try {
    return yield* talk(call, host, parseNumber(port), options.has("z"));
  } catch (thrown) {
    if (alarm.rang && isRefusal(thrown, "EINTR")) throw new AppletError("timed out");
    throw thrown;
  } finally {
    alarm.cancel();
  }
}

export const ncApplets: AppletTable = { nc };
