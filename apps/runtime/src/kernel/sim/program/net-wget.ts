/** wget, with the words of busybox. */
import { AT_FDCWD, O_CREAT, O_EXCL, O_TRUNC, O_WRONLY } from "../abi.ts";
import { isRefusal } from "../refusal.ts";
import { close, openat2 } from "../syscall/file.ts";
import { connect, socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { Alarm } from "./alarm.ts";
import type { AppletTable } from "./applet.ts";
import { AppletError, type Call, UsageError } from "./call.ts";
import { errnoMessage } from "./errno-message.ts";
import { type HttpResponse, type HttpUrl, parseUrl, readResponse, send } from "./net-http.ts";
import { resolveHost } from "./net-resolve.ts";
import { type Options, parseNumber, parseOptions } from "./options.ts";

const redirectsMax = 5;
const defaultTimeout = 900;

function* request(call: Call, url: HttpUrl, quiet: boolean): Coroutine<HttpResponse> {
  const { self } = call;
  const ip = yield* resolveHost(self, url.host);
  if (ip === undefined) throw new AppletError(`bad address '${url.host}'`);
  const shown = url.port === 80 ? url.host : `${url.host}:${url.port}`;
  const target = ip.includes(":") ? `[${ip}]:${url.port}` : `${ip}:${url.port}`;
  if (!quiet) call.say(`Connecting to ${shown} (${target})\n`);
  yield* call.flush();
  const fd = socket(self, "tcp");
  try {
    try {
      yield* connect(self, fd, ip, url.port);
    } catch (thrown) {
      if (!isRefusal(thrown) || isRefusal(thrown, "EINTR")) throw thrown;
      const why = errnoMessage(thrown);
      throw new AppletError(`can't connect to remote host (${ip}): ${why}`);
    }
    const head = `GET ${url.path} HTTP/1.1\r\nHost: ${shown}\r\nUser-Agent: Wget\r\n`;
    yield* send(self, fd, `${head}Connection: close\r\n\r\n`);
    const response = yield* readResponse(self, fd);
    if (response === undefined) throw new AppletError("error getting response");
    return response;
  } finally {
    close(self, fd);
  }
}

function* follow(call: Call, first: HttpUrl, options: Options): Coroutine<HttpResponse> {
  const quiet = options.has("q");
  let url = first;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const response = yield* request(call, url, quiet);
    if (options.has("S")) {
      for (const line of [response.statusLine, ...response.headerLines, ""])
        call.say(`  ${line}\n`);
    }
    const location = response.headers.get("location");
    const isRedirect = response.status >= 300 && response.status < 400 && location !== undefined;
    if (!isRedirect) return response;
    const next = location.startsWith("/") ? { ...url, path: location } : parseUrl(location);
    if (next === undefined) throw new AppletError(`not an http or ftp url: ${location}`);
    url = next;
  }
  throw new AppletError("too many redirections");
}

function progress(name: string, size: number): string {
  const bar = "*".repeat(32);
  return `${name.slice(0, 20).padEnd(20)} 100% |${bar}|${String(size).padStart(6)}  0:00:00 ETA\n`;
}

function* save(call: Call, path: string, body: Uint8Array, options: Options): Coroutine<void> {
  const { self } = call;
  const how = options.has("O") ? O_TRUNC : O_EXCL;
  let fd: number;
  try {
    fd = openat2(self, AT_FDCWD, path, { flags: O_WRONLY | O_CREAT | how, mode: 0o666 });
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    throw new AppletError(`can't open '${path}': ${errnoMessage(thrown)}`);
  }
  try {
    yield* call.put(body, fd);
  } finally {
    close(self, fd);
  }
}

/** What a file is called that nobody named: the last part of the path. */
function nameFor(url: HttpUrl): string {
  const path = url.path.split("?")[0] ?? "/";
  return path.slice(path.lastIndexOf("/") + 1) || "index.html";
}

function* fetch(call: Call, url: HttpUrl, options: Options): Coroutine<number> {
  const response = yield* follow(call, url, options);
  if (response.status !== 200 && response.status !== 206) {
    throw new AppletError(`server returned error: ${response.statusLine}`);
  }
  if (options.has("spider")) return 0;
  const quiet = options.has("q");
  const length = Number(response.headers.get("content-length") ?? response.body.length);
  const body = response.body.subarray(0, length);
  const directory = options.value("P");
  const usual = directory === undefined ? nameFor(url) : `${directory}/${nameFor(url)}`;
  const path = options.value("O") ?? usual;
  if (path === "-") {
    if (!quiet) call.say("writing to stdout\n");
    yield* call.flush();
    yield* call.put(body);
    if (!quiet) call.say(`${progress("-", body.length)}written to stdout\n`);
  } else {
    yield* save(call, path, body, options);
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!quiet) call.say(`saving to '${path}'\n${progress(name, body.length)}'${path}' saved\n`);
  }
  if (body.length < length) throw new AppletError("connection closed prematurely");
  return 0;
}

function* wget(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "qO:ST:P:cU:", {
    quiet: "q",
    "output-document": "O:",
    "server-response": "S",
    timeout: "T:",
    "no-check-certificate": "insecure",
    spider: "spider",
  });
  const [text] = options.operands;
  if (text === undefined) throw new UsageError();
  if (text.startsWith("https://")) throw new AppletError("TLS is not simulated; use http://");
  const url = parseUrl(text);
  if (url === undefined) throw new AppletError(`not an http or ftp url: ${text}`);
  const seconds = parseNumber(options.value("T") ?? String(defaultTimeout));
  const alarm = new Alarm(call.self, BigInt(seconds) * 1_000_000_000n);
  try {
    return yield* fetch(call, url, options);
  } catch (thrown) {
    if (alarm.rang && isRefusal(thrown, "EINTR")) throw new AppletError("download timed out");
    throw thrown;
  } finally {
    alarm.cancel();
  }
}

export const wgetApplets: AppletTable = { wget };
